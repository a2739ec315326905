/**
 * How many seconds of how many devices are simulated in a second, and what each device holds: at 10 devices and at
 * 100,000. The floor of each is the same at the fewest: what a device costs must not depend on how many there are.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { figure, type Figure } from './figure.ts';
import type { SimulatedCost } from './simulated.ts';

/** As who simulates so many would run it: room for young objects, and no helper threads that scatter the old ones. */
const ENGINE_FLAGS = ['--expose-gc', '--max-old-space-size=4096', '--max-semi-space-size=64', '--single-threaded-gc'];

const COUNTS = [10, 100, 1000, 10_000, 100_000];
const ROUNDS = 3;

/** 500,000 device-seconds a second. */
const US_MAX = 2;
const BYTES_MAX = 4096;

/** Of fewer devices, what each holds is lost in the noise. */
const MEMORY_COUNT_MIN = 10_000;

export async function simulationFigures(): Promise<Figure[]> {
  const rounds: SimulatedCost[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const costs: SimulatedCost[] = [];
    for (const count of COUNTS) costs.push(await simulated(count));
    rounds.push(costs);
  }
  return COUNTS.flatMap((count, i) => {
    const of = (cost: keyof SimulatedCost, floorAt = 0) =>
      rounds.map((costs) => ({ measured: costs[i]?.[cost] ?? NaN, floor: costs[floorAt]?.[cost] ?? NaN }));
    const who = `${count.toLocaleString('en')} simulated ${count === 1 ? 'device' : 'devices'}`;
    const speed = figure(
      { what: `a device-second of ${who}`, unit: 'us', budget: { of: 'measured', max: US_MAX } },
      of('usPerDeviceSecond'),
    );
    const figures: Figure[] = [
      { ...speed, note: `${Math.round(1e6 / speed.measured / 1000).toLocaleString('en')},000 a second` },
    ];
    if (count >= MEMORY_COUNT_MIN) {
      figures.push(
        figure(
          { what: `memory each: ${who}, both ends`, unit: 'bytes', budget: { of: 'measured', max: BYTES_MAX } },
          of('bytesPerDevice', COUNTS.indexOf(MEMORY_COUNT_MIN)),
        ),
      );
    }
    return figures;
  });
}

async function simulated(count: number): Promise<SimulatedCost> {
  const child = fork(fileURLToPath(new URL('simulated.js', import.meta.url)), [String(count)], {
    execArgv: ENGINE_FLAGS,
  });
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => [`exit ${String(code)}`]),
  ]);
  if (!isCost(message)) throw new Error(`${count} simulated devices: ${String(message)}`);
  return message;
}

function isCost(message: unknown): message is SimulatedCost {
  return (
    typeof message === 'object' && message !== null && 'usPerDeviceSecond' in message && 'bytesPerDevice' in message
  );
}
