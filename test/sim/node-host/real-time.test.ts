/**
 * One program in virtual time, on a simulated host, and in real time, as a process under a kernel of its own: it
 * notices the same faults of the same devices at the same times.
 */

import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { heartbeatFirmware, nodeProgram, Simulation } from '../../../sim/index.ts';
import { ServerBench } from '../../../sim/server-bench/index.ts';
import { HAS_NAMESPACES } from '../../support/namespaces.ts';

const BRISK = fileURLToPath(new URL('programs/brisk.mjs', import.meta.url));

/** Greatest difference between the two times. */
const APART_MS = 300;

/**
 * Each case: the port that a device talks to, the device's fault, and the latest time at which the server must have
 * noticed.
 */
const CASES = [
  { port: 8001, fault: 'power-loss', latestMs: 3100 },
  { port: 8001, fault: 'hang', latestMs: 3100 },
  { port: 8002, fault: 'cable-pull', latestMs: 4000 },
  { port: 8002, fault: 'power-loss', latestMs: 4000 },
  { port: 8003, fault: 'power-loss', latestMs: 13_000 },
  // The device is back within a second: its kernel answers the first probe with RST.
  { port: 8003, fault: 'power-loss', forText: ' for 1s', latestMs: 3500 },
] as const;

const FAULTS_AT_S = 4.5;
const RUN = '17.5s';

let bench: ServerBench | undefined;

afterEach(() => bench?.stop());

function devicesIn(sim: Simulation): void {
  for (const { port } of CASES) {
    const servers = [{ host: 'server', port }];
    // A device that reboots comes back after the server has had time to notice by itself.
    const retry = { baseMs: 8000, capMs: 8000 };
    const firmware = heartbeatFirmware({ servers, beatIntervalMs: 1000, missedLimit: 100, retry });
    sim.addDevice({ firmware, link: { delay: '20ms' } });
  }
  sim.schedule(
    CASES.map(({ fault, ...more }, i) => {
      return `${fault} on dev-${i + 1} at ${FAULTS_AT_S}s${'forText' in more ? more.forText : ''}`;
    }).join('\n'),
  );
}

function noticedMs(sim: Simulation): (number | undefined)[] {
  const { verdicts } = sim.testbed.witness.judge.findings(sim.nowMs);
  return CASES.map((_, i) => verdicts.find(({ device }) => device === `dev-${i + 1}`)?.serverNoticed?.afterMs);
}

it.skipIf(!HAS_NAMESPACES)('notices each fault within 0.3 s of the other', { timeout: 60_000 }, async () => {
  const sim = new Simulation({ seed: 1 });
  sim.addServer(nodeProgram(BRISK));
  devicesIn(sim);
  await sim.runFor(RUN);
  const simulated = noticedMs(sim);

  bench = await ServerBench.start({ command: [process.execPath, BRISK], port: 8001, seed: 1 });
  devicesIn(bench);
  await bench.runFor(RUN);
  const real = noticedMs(bench);

  for (const [i, { fault, port, latestMs }] of CASES.entries()) {
    const [one, other] = [simulated[i], real[i]];
    const what = `${fault} at port ${port}: ${one} ms simulated, ${other} ms real`;
    expect(one, what).toBeLessThan(latestMs);
    expect(Math.abs((one ?? 0) - (other ?? 0)), what).toBeLessThan(APART_MS);
  }
});
