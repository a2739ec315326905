/** The keepalive task, over real sockets, against a plain TCP server that is not ours. */

import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import type { TraceEvent } from '../../sim/trace/trace.ts';
import { Program } from '../support/process.ts';
import { RealBench } from '../support/real-bench.ts';

const SERVER = fileURLToPath(new URL('plain-server.py', import.meta.url));

let server: Program;
let bench: RealBench;

afterEach(async () => {
  bench.stop();
  await server.kill();
});

async function start(port = 0): Promise<number> {
  server = new Program('python3', [SERVER, String(port)]);
  return server.port();
}

function is(kind: TraceEvent['kind']): (event: TraceEvent) => boolean {
  return (event) => event.source === 'device' && event.kind === kind;
}

it(
  'answers in upper case, and comes back by itself after a pulled cable, a power cut, and a new server',
  { timeout: 60_000 },
  async () => {
    const port = await start();
    bench = new RealBench();
    const device = bench.device('dev-1', {
      protocol: 'echo',
      servers: [{ host: '127.0.0.1', port }],
      // Shorter than 3/3/3, so that the test is.
      keepAlive: { idle: 1, interval: 1, count: 2 },
    });
    await server.line(/^got LINE \d+, FOR YOU$/);

    // Unplugged until keepalive gives up, after 3 s without a word from the server; then plugged in.
    device.cable.pull();
    const pulledAtMs = bench.now();
    const lost = await bench.until(is('lost'));
    expect(lost).toMatchObject({ by: 'ETIMEDOUT' });
    expect(lost.atMs - pulledAtMs).toBeGreaterThan(2400);
    expect(lost.atMs - pulledAtMs).toBeLessThan(4500);
    device.cable.plug();
    await bench.until(is('connected'));
    await server.line(/^got LINE/, server.lines.length);

    // Unplugged for a moment only: what was on its way comes, over the same connection.
    const accepted = server.lines.filter((line) => line.startsWith('accepted')).length;
    device.cable.pull();
    bench.bench.agenda.after(1000, () => device.cable.plug());
    await bench.until((event) => event.kind === 'healed');
    await server.line(/^got LINE/, server.lines.length);
    expect(server.lines.filter((line) => line.startsWith('accepted'))).toHaveLength(accepted);

    // Off and on: the old connection is reset when the server speaks to it, the new one works.
    device.power.cut();
    const before = server.lines.length;
    device.power.restore();
    await server.line(/^error Connection reset/, before);
    await server.line(/^accepted/, before);
    await server.line(/^got LINE/, server.lines.length);

    // Another server, at the same place.
    await Promise.all([bench.until(is('lost')), server.kill()]);
    await start(port);
    await server.line(/^got LINE/);
  },
);
