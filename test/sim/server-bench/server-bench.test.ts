/** Simulated devices against real servers, in namespaces of their own, in real time. */

import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { heartbeatFirmware } from '../../../sim/index.ts';
import { ServerBench, type ServerBenchOptions } from '../../../sim/server-bench/index.ts';
import type { TraceEvent } from '../../../sim/index.ts';
import { HAS_NAMESPACES } from '../../support/namespaces.ts';

const SERVER = fileURLToPath(new URL('server.py', import.meta.url));

let bench: ServerBench | undefined;

afterEach(() => bench?.stop());

async function start(options: Partial<ServerBenchOptions> = {}): Promise<{ bench: ServerBench; trace: TraceEvent[] }> {
  const trace: TraceEvent[] = [];
  bench = await ServerBench.start({ command: ['python3', SERVER, '39002'], onTrace: (event) => trace.push(event), ...options });
  return { bench, trace };
}

it.skipIf(!HAS_NAMESPACES)("lets devices beat to a server in Python, whose TCP is the kernel's", async () => {
  const { bench, trace } = await start();
  expect(bench.servers).toEqual([{ host: 'server', port: 39_002 }]);
  for (let i = 0; i < 3; i++) {
    bench.addDevice({ firmware: heartbeatFirmware({ servers: bench.servers, beatIntervalMs: 200 }), link: { delay: '5ms' } });
  }
  await bench.runFor('2s');
  const answers = trace.flatMap((event) => (event.kind === 'served' && event.afterMs !== undefined ? [event.afterMs] : []));
  expect(answers.length).toBeGreaterThanOrEqual(24);
  expect(Math.min(...answers)).toBeGreaterThanOrEqual(10);
  expect(Math.min(...answers)).toBeLessThan(13);
});

it.skipIf(!HAS_NAMESPACES).each([
  ['that ends at once', ['sh', '-c', 'echo no configuration; exit 3'], 'sh ended before it listened, with status 3; it printed last:\n  no configuration'],
  ['that is not there', ['/nowhere/server'], '/nowhere/server could not be started: No such file or directory'],
])('says in a sentence what became of a server %s', async (_, command, sentence) => {
  await expect(start({ command })).rejects.toThrow(sentence);
});

const KEEPALIVE = ['python3', SERVER, '39002', 'keepalive', 'mute'];

/** How long after a device's only word the server's end went, and by what. */
function noticed(trace: readonly TraceEvent[], device: string): { afterS: number; by: string } | undefined {
  const gone = trace.find((event) => event.kind === 'hung-up' && event.device === device);
  const word = trace.find((event) => event.kind === 'beat-sent' && event.device === device);
  if (gone?.kind !== 'hung-up' || word === undefined) return undefined;
  return { afterS: (gone.atMs - word.atMs) / 1000, by: gone.by };
}

it.skipIf(!HAS_NAMESPACES)("sees the kernel's keepalive find what is gone: 3 s idle and three probes 3 s apart, as it is set", async () => {
  const { bench, trace } = await start({ command: KEEPALIVE });
  const add = () => bench.addDevice({ firmware: heartbeatFirmware({ servers: bench.servers, expectAnswers: false, beatIntervalMs: 60_000 }), link: { delay: '10ms' } });
  const [off, cut, reboots, hangs] = [add(), add(), add(), add()];
  await bench.runFor('2s');
  off.power.cut();
  cut.cable.pull();
  reboots.power.cut();
  hangs.hang();
  await bench.runFor('2500ms');
  reboots.power.restore();
  await bench.runFor('10s');
  // Where this machine is too busy, device time lags behind the kernel's for a while.
  const lagS = (bench.realTime?.lagMsMax ?? 0) / 1000;
  for (const { name } of [off, cut]) {
    const { afterS, by } = noticed(trace, name) ?? expect.fail(`${name} was not noticed`);
    expect(by).toBe('ETIMEDOUT');
    expect(afterS).toBeGreaterThanOrEqual(12 - lagS);
    expect(afterS).toBeLessThanOrEqual(12.7 + lagS);
  }
  const { afterS, by } = noticed(trace, reboots.name) ?? expect.fail('the reboot was not noticed');
  expect(by).toBe('ECONNRESET');
  expect(Math.abs(afterS - 6.1)).toBeLessThan(0.3 + lagS);
  expect(noticed(trace, hangs.name)).toBeUndefined();

});
