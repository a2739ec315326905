/** The UDP heartbeat over real sockets, against a plain receiver and a plain sender that are not ours. */

import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { cablepull, killAll } from '../sim/command/cablepull.ts';
import { Program } from '../support/process.ts';
import { RealBench } from '../support/real-bench.ts';

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

let programs: Program[] = [];
let bench: RealBench | undefined;

afterEach(async () => {
  bench?.stop();
  bench = undefined;
  await Promise.all(programs.splice(0).map((program) => program.kill()));
  await killAll();
});

function python(name: string, ...args: readonly string[]): Program {
  const program = new Program('python3', [script(name), ...args]);
  programs = [...programs, program];
  return program;
}

it(
  'a plain receiver hears our devices, and misses those whose cable or power is out',
  { timeout: 60_000 },
  async () => {
    const receiver = python('udp-receiver.py', '0');
    const port = await receiver.port();
    bench = new RealBench();
    const servers = [{ host: '127.0.0.1', port }];
    const config = { protocol: 'udp-heartbeat', servers, beatIntervalMs: 300, numbered: true } as const;
    const [one, other] = [bench.device('dev-1', config), bench.device('dev-2', config)];
    const [, first = ''] = /^from (\d+) heartbeat 0$/.exec(await receiver.line(/heartbeat 0$/)) ?? [];
    await receiver.line(/heartbeat 1$/);

    // The cable of one: its beats are missing, and go on from the same port when it is back.
    one.cable.pull();
    const [, silent = ''] = /^silent (\d+)$/.exec(await receiver.line(/^silent/)) ?? [];
    one.cable.plug();
    await receiver.line(new RegExp(`^from ${silent} heartbeat`), receiver.lines.length);
    expect(bench.trace.filter(({ kind }) => kind === 'lost')).toEqual([]);

    // Power loss of the other device: it is silent, and when it is back it is a new sender with new numbers.
    const before = receiver.lines.length;
    other.power.cut();
    await receiver.line(/^silent/, before);
    other.power.restore();
    const [, again = ''] = /^from (\d+) heartbeat 0$/.exec(await receiver.line(/heartbeat 0$/, before)) ?? [];
    expect([first, silent]).not.toContain(again);
  },
);

it(
  'our receiver hears a plain sender, tells what is missing, late and double, and when it is gone',
  { timeout: 60_000 },
  async () => {
    const patience = ['--beat', '1s', '--missed-limit', '2'];
    const server = cablepull('serve', '--protocol', 'udp-heartbeat', '--port', '0', ...patience, '--json');
    const line = await server.line(/"kind":"listening"/);
    const [, port = ''] = /"port":(\d+)/.exec(line) ?? [];
    const texts = ['heartbeat 0', 'heartbeat 3', 'heartbeat 2', 'heartbeat 2', 'who are you?', 'heartbeat 4'];
    python('udp-sender.py', port, ...texts);
    await server.line(/"kind":"offline"/);
    const events = server.lines.map((text): unknown => JSON.parse(text));
    expect(events.slice(1)).toMatchObject([
      { kind: 'online', client: 1 },
      { kind: 'sequence', what: 'missing', count: 2 },
      { kind: 'sequence', what: 'late', count: 1 },
      { kind: 'sequence', what: 'double', count: 1 },
      { kind: 'offline', client: 1, reason: { kind: 'silent' } },
    ]);
  },
);
