/** The heartbeat client, over real sockets, against servers that are not ours: one in C, and ones that get killed. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Program } from '../support/process.ts';
import { RealBench } from '../support/real-bench.ts';

const folder = mkdtempSync(join(tmpdir(), 'cablepull-'));
const binary = join(folder, 'heartbeat-server');
const CLI = fileURLToPath(new URL('../../dist/sim/cli.js', import.meta.url));

let bench: RealBench;
let servers: Program[] = [];

beforeAll(() => {
  execFileSync('cc', ['-Wall', '-Werror', '-o', binary, fileURLToPath(new URL('heartbeat-server.c', import.meta.url))]);
});

afterAll(() => rmSync(folder, { recursive: true }));

afterEach(async () => {
  bench.stop();
  await Promise.all(servers.map((server) => server.kill()));
  servers = [];
});

async function cServer(...args: readonly number[]): Promise<{ server: Program; port: number }> {
  const server = new Program(binary, args.map(String));
  servers.push(server);
  return { server, port: await server.port() };
}

it(
  "is read by a C program's struct { int type; int length; }, byte for byte, beats and data",
  { timeout: 30_000 },
  async () => {
    const { server, port } = await cServer(300, 5, 0);
    bench = new RealBench();
    bench.device('dev-1', {
      protocol: 'heartbeat',
      servers: [{ host: '127.0.0.1', port }],
      beatIntervalMs: 100,
      expectAnswers: false,
      dataIntervalMs: 150,
      dataBytes: 300,
    });
    await server.line(/^OTHER/);
    await server.line(/^HEART/, 20);
    expect(new Set(server.lines.slice(2))).toEqual(new Set(['HEART length 0', 'OTHER length 300']));
  },
);

it(
  'hears the answers of a C program, and is dropped by it when the firmware hangs: between 5 and 6 scans later',
  { timeout: 30_000 },
  async () => {
    const scanMs = 200;
    const { server, port } = await cServer(scanMs, 5, 1);
    bench = new RealBench();
    const device = bench.device('dev-1', {
      protocol: 'heartbeat',
      servers: [{ host: '127.0.0.1', port }],
      beatIntervalMs: scanMs,
    });
    await bench.until((event) => event.kind === 'served');
    const lastBeat = await bench.until((event) => event.kind === 'beat-sent');
    device.hang();
    const hungUp = await bench.until((event) => event.kind === 'hung-up');
    expect(hungUp).toMatchObject({ device: 'dev-1', by: 'closed' });
    expect(hungUp.atMs - lastBeat.atMs).toBeGreaterThan(5 * scanMs - 20);
    expect(hungUp.atMs - lastBeat.atMs).toBeLessThan(6 * scanMs + 500);
    expect(server.lines).toContain('silent');
    // The firmware rightly has not learnt of it.
    expect(bench.trace.some((event) => event.kind === 'lost')).toBe(false);
  },
);

it('moves every device to the other server when one of two is killed', { timeout: 30_000 }, async () => {
  servers = [0, 0].map((port) => new Program(process.execPath, [CLI, 'serve', '--port', String(port)]));
  const ports = await Promise.all(
    servers.map(async (server) => Number((await server.line(/listening/)).replace(/.*:/, ''))),
  );
  bench = new RealBench();
  const names = Array.from({ length: 20 }, (_, i) => `dev-${i}`);
  const connectedTo = new Map<string, number>();
  const all = bench.until((event) => {
    if (event.source === 'device' && event.kind === 'connected') {
      connectedTo.set(event.device, Number(event.server.replace(/.*:/, '')));
    }
    return connectedTo.size === names.length;
  });
  for (const name of names) {
    bench.device(name, {
      protocol: 'heartbeat',
      servers: ports.map((port) => ({ host: '127.0.0.1', port })),
      beatIntervalMs: 200,
      retry: { baseMs: 100, capMs: 1000 },
    });
  }
  await all;
  expect(new Set(connectedTo.values())).toEqual(new Set([ports[0]]));

  const moved = new Set<string>();
  const [first] = servers;
  const everybody = bench.until((event) => {
    if (
      event.source === 'device' &&
      event.kind === 'served' &&
      bench.trace.some((e) => e.kind === 'lost' && e.device === event.device)
    ) {
      moved.add(event.device);
    }
    return moved.size === names.length;
  });
  await first?.kill('SIGKILL');
  await everybody;
  const last = new Map(
    bench.trace.flatMap((event) => (event.kind === 'connected' ? [[event.device, event.server]] : [])),
  );
  expect(new Set(last.values())).toEqual(new Set([`127.0.0.1:${ports[1]}`]));
});
