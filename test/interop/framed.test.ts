/** The framed protocol over real sockets, against servers in Python and in Java with Netty, and a client in Python. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { cablepull, ended, killAll } from '../sim/command/cablepull.ts';
import { eventsIn } from '../support/events.ts';
import { HAS_NAMESPACES } from '../support/namespaces.ts';
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

function python(name: string, ...args: readonly string[]): Program {
  const program = new Program('python3', [fileURLToPath(new URL(name, import.meta.url)), ...args]);
  programs = [...programs, program];
  return program;
}

/** Jars of Netty that the server needs. Debian ships Netty in parts. */
const NETTY = ['common', 'buffer', 'resolver', 'transport', 'codec', 'handler']
  .map((part) => `/usr/share/java/netty-${part}.jar`);

function netty(): Program {
  const source = fileURLToPath(new URL('FramedServer.java', import.meta.url));
  const program = new Program('java', ['-cp', NETTY.join(':'), source, '0']);
  programs = [...programs, program];
  return program;
}

it.for([
  ['a server in Python', () => python('framed-server.py', '0'), []],
  ["Netty's LengthFieldBasedFrameDecoder and IdleStateHandler", netty, NETTY],
] as const)(
  'our devices log in, beat, take what is pushed, and come back after a cable and a power cut: %s',
  { timeout: 60_000 },
  async ([, start, needed], context) => {
    const isThere = needed.every(existsSync) && (start !== netty || spawnSync('javac', ['-version']).status === 0);
    context.skip(!isThere, 'Netty is not installed: apt-get install libnetty-java default-jdk-headless');
    const server = start();
    bench = new RealBench();
    const device = bench.device('dev-1', {
      protocol: 'framed',
      servers: [{ host: '127.0.0.1', port: await server.port() }],
      loginName: 'one',
      writerIdleMs: 500,
      readerIdleMs: 2500,
      retry: { fixedMs: 200 },
    });
    await server.line(/^login one$/);
    await server.line(/^beat one$/);
    await bench.until((event) => event.kind === 'data-received' && event.bytes === 6);
    expect((await bench.until((event) => event.kind === 'served')).kind).toBe('served');

    let before = server.lines.length;
    device.cable.pull();
    await server.line(/^silent one$/, before);
    await bench.until((event) => event.kind === 'lost' && event.by === 'missed-beats');
    device.cable.plug();
    await server.line(/^login one$/, before);

    before = server.lines.length;
    device.power.cut();
    await server.line(/^silent one$/, before);
    device.power.restore();
    await server.line(/^login one$/, before);
    await server.line(/^beat one$/, server.lines.length);
  },
);

it(
  'our server answers a plain client, glued and torn frames alike, and closes it when it is silent',
  { timeout: 60_000 },
  async () => {
    const patience = ['--beat', '500ms', '--missed-limit', '2'];
    const server = cablepull('serve', '--protocol', 'framed', '--port', '0', ...patience, '--json');
    const [, port = ''] = /"port":(\d+)/.exec(await server.line(/"kind":"listening"/)) ?? [];
    const client = python('framed-client.py', port, 'two');
    await client.line(/^closed$/);
    expect(client.lines).toEqual(['frame 4 00', 'frame 6 ', 'frame 6 ', 'frame 6 ', 'closed']);
    expect(JSON.parse(await server.line(/"kind":"offline"/))).toMatchObject({ client: 1, reason: { kind: 'silent' } });
  },
);

it.skipIf(!HAS_NAMESPACES)(
  'a server in Python closes a device 2 s after its last frame, which is noticed though the data before it holds the FIN back',
  { timeout: 60_000 },
  async () => {
    const server = fileURLToPath(new URL('framed-server.py', import.meta.url));
    const { stdout, stderr, status } = await ended(
      'run', '--protocol', 'framed', '--beat', '500ms', '--devices', '2', '--json', '--for', '8s',
      '--fault', 'cable-pull on dev-1 at 3s', '--', 'python3', server, '4000', '0.0.0.0',
    );
    expect(status, stderr).toBe(0);
    const events = eventsIn(stdout);
    const hungUp = events.find(({ kind }) => kind === 'hung-up');
    expect(hungUp).toMatchObject({ device: 'dev-1', by: 'closed' });
    // The last beat came to the server up to 500 ms before the pull.
    expect(hungUp?.atMs).toBeGreaterThan(4500);
    expect(hungUp?.atMs).toBeLessThan(5300);
    expect(events.filter((event) => event.kind === 'lost' && event.device === 'dev-2')).toEqual([]);
  },
);
