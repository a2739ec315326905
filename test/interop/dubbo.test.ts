/** Dubbo over real sockets, against programs that are not ours: dubbo-remoting of npm, and a server in Python. */

import { fileURLToPath } from 'node:url';
import { afterEach, expect, it, type TestContext } from 'vitest';
import { cablepull, killAll } from '../sim/command/cablepull.ts';
import { needsPeers, peerFolder } from '../support/npm-peers.ts';
import { Program } from '../support/process.ts';
import { RealBench } from '../support/real-bench.ts';

let programs: Program[] = [];
let bench: RealBench | undefined;

afterEach(async () => {
  bench?.stop();
  bench = undefined;
  await Promise.all(programs.splice(0).map((program) => program.kill()));
  await killAll();
});

function start(command: string, script: string, ...args: readonly string[]): Program {
  const program = new Program(command, [fileURLToPath(new URL(script, import.meta.url)), ...args]);
  programs = [...programs, program];
  return program;
}

function dubboJs(context: TestContext, ...args: readonly string[]): Program {
  needsPeers(context, 'dubbo-remoting');
  return start(process.execPath, 'dubbo-js.mjs', peerFolder('dubbo-remoting'), ...args);
}

it(
  'our device calls a server of dubbo-remoting, beats where nothing is said, and comes back after a cable',
  { timeout: 60_000 },
  async (context) => {
    const server = dubboJs(context, 'serve');
    bench = new RealBench();
    const device = bench.device('dev-1', {
      protocol: 'dubbo', servers: [{ host: '127.0.0.1', port: await server.port() }], service: 'com.example.Meter',
      beatIntervalMs: 300, callIntervalMs: 1000, retry: { fixedMs: 200 },
    });
    await server.line(/^call com\.example\.Meter:0\.0\.0 \$echo call 1$/);
    expect((await bench.until((event) => event.kind === 'served')).kind).toBe('served');
    await server.line(/^beat null$/);
    await server.line(/^call com\.example\.Meter:0\.0\.0 \$echo call 2$/);

    const before = server.lines.length;
    device.cable.pull();
    await bench.until((event) => event.kind === 'lost' && event.by === 'missed-beats');
    device.cable.plug();
    await server.line(/^connected$/, before);
    await server.line(/^call .* call \d$/, before);
    expect(server.lines.filter((line) => line.startsWith('error'))).toEqual([]);
  },
);

it(
  'our server answers a client of dubbo-remoting, and closes it when it is idle for three beats',
  { timeout: 60_000 },
  async (context) => {
    const server = cablepull('serve', '--protocol', 'dubbo', '--port', '0', '--beat', '500ms', '--json');
    const [, port = ''] = /"port":(\d+)/.exec(await server.line(/"kind":"listening"/)) ?? [];
    const client = dubboJs(context, 'call', port);
    await client.line(/^closed$/);
    expect(client.lines).toEqual([
      'beat answered 1', 'answer 2 two', 'answer 3 only $echo of a string is answered here', 'answer 4 four', 'closed',
    ]);
    expect(JSON.parse(await server.line(/"kind":"offline"/))).toMatchObject({ client: 1, reason: { kind: 'silent' } });
  },
);

it(
  'answers of a plain server in another order are told apart, and its silence ends the connection',
  { timeout: 60_000 },
  async () => {
    const server = start('python3', 'dubbo-server.py');
    bench = new RealBench();
    bench.device('dev-1', {
      protocol: 'dubbo', servers: [{ host: '127.0.0.1', port: await server.port() }],
      // The first call has its time out before the second makes the server answer both.
      beatIntervalMs: 400, missedLimit: 3, callIntervalMs: 1500, callTimeoutMs: 1000, retry: { fixedMs: 200 },
    });
    expect(await bench.until((event) => event.kind === 'call-failed')).toMatchObject({ by: 'timeout' });
    expect(await bench.until((event) => event.kind === 'late-answer')).toMatchObject({ lateAnswers: 1 });
    await bench.until((event) => event.kind === 'lost' && event.by === 'missed-beats');
    const kinds = new Set(server.lines.slice(1).filter((line) => !line.startsWith('gone')));
    expect(kinds).toEqual(new Set(['call 0xdabb 0xc2', 'beat 0xdabb 0xe2']));
  },
);
