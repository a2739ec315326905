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
