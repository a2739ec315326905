/**
 * Simulated seconds of devices in a real second, and the memory of each device, with 10 devices and with 100,000. The
 * floor is the same for both, because the cost of a device must not depend on the number of devices.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { figure, type Figure } from './figure.ts';
import type { Asked } from './part.ts';
import type { SimulatedCost } from './simulated.ts';

/**
 * Flags that a user with so many devices would choose: room for young objects, and no helper threads that scatter the
 * old ones.
 */
const ENGINE_FLAGS = ['--expose-gc', '--max-old-space-size=4096', '--max-semi-space-size=64', '--single-threaded-gc'];

const COUNTS = [10, 1000, 100_000];
const ALL_COUNTS = [10, 100, 1000, 10_000, 100_000];
const ALL_ROUNDS = 3;

/** 500,000 device-seconds a second. */
const US_MAX = 2;
/** A device-second costs at most so much more than the same among the fewest. */
const FLAT_MAX = 1.5;
const BYTES_MAX = 3072;

/** Least number of devices whose memory is measured. With fewer, the memory of each is lost in the noise. */
const MEMORY_COUNT_MIN = 10_000;

const WHY_NOT_FLAT =
  'a beat touches some 25 objects of a device and its connection, which are in no cache; `cablepull run` ' +
  'splits such fleets into small worlds';
const WHY_SO_MUCH = 'some thirty objects with heads of 24 bytes each, and TCP state in fields of 8 bytes';

export async function simulationFigures({ all, notMeasured }: Asked): Promise<Figure[]> {
  const counts = all ? ALL_COUNTS : COUNTS;
  if (!all) notMeasured('100 and 10,000 devices in one world, and more rounds (--all)');
  const rounds: SimulatedCost[][] = [];
  for (let round = 0; round < (all ? ALL_ROUNDS : 1); round++) {
    const costs: SimulatedCost[] = [];
    for (const count of counts) costs.push(await simulated(count));
    rounds.push(costs);
  }
  return counts.flatMap((count, i) => {
    const of = (cost: keyof SimulatedCost, floorAt = 0) =>
      rounds.map((costs) => ({ measured: costs[i]?.[cost] ?? NaN, floor: costs[floorAt]?.[cost] ?? NaN }));
    const who = `${count.toLocaleString('en')} simulated ${count === 1 ? 'device' : 'devices'}`;
    const budget = i === 0 ? { of: 'measured', max: US_MAX } as const : { of: 'ratio', max: FLAT_MAX } as const;
    const speed = figure(
      { what: `CPU of a device-second of ${who}`, unit: 'us', budget, why: WHY_NOT_FLAT },
      of('usPerDeviceSecond'),
    );
    const figures: Figure[] = [
      { ...speed, note: `${Math.round(1e6 / speed.measured / 1000).toLocaleString('en')},000 a second` },
    ];
    if (count >= MEMORY_COUNT_MIN) {
      figures.push(
        figure(
          {
            what: `memory each: ${who}, both ends`, unit: 'bytes', budget: { of: 'measured', max: BYTES_MAX },
            note: `floor: the same of ${(counts.find((one) => one >= MEMORY_COUNT_MIN) ?? count).toLocaleString('en')}`,
            why: WHY_SO_MUCH,
          },
          of('bytesPerDevice', counts.findIndex((one) => one >= MEMORY_COUNT_MIN)),
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
