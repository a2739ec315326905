/** The cost of devices in this process: they are added one by one, and then measured for some of their periods. */

import { setTimeout as sleep } from 'node:timers/promises';
import { usedBytes } from './memory.ts';

/** Periods before those that are measured: the engine compiles what is hot. */
const WARM_UP_PERIODS = 4;

export interface DevicesCost {
  readonly cpuUsPerBeat: number;
  /** Memory in use on the heap and in buffers after a garbage collection. */
  readonly heapBytesPerDevice: number;
  /** Greatest memory of the process, as the machine counts it, garbage and spare room included, for each device. */
  readonly residentBytesPerDevice: number;
}

export type DevicesResult = DevicesCost | { readonly failure: string };

export interface DevicesUnderTest {
  /** Makes the objects that the devices share, and returns the function that adds a device. */
  readonly begin: () => (number: number) => void;
  /** Number of devices that are connected by now. */
  readonly connected: () => number;
  /** Number of answered beats by now. */
  readonly answered: () => number;
  /** Number of devices that are there before the heap is first looked at: code and caches are no connections. */
  readonly firstCount: number;
  /** Time over which devices are added. */
  readonly spreadMs: number;
  readonly periodMs: number;
  readonly measuredPeriods: number;
}

/** `check` throws if the answered beats of that many devices are too few for the figures to mean anything. */
export async function costOfDevices(
  count: number,
  { begin, connected, answered, firstCount, spreadMs, periodMs, measuredPeriods }: DevicesUnderTest,
  check: (beats: number, devices: number) => void,
): Promise<DevicesCost> {
  const residentBefore = process.memoryUsage.rss();
  const add = begin();
  let added = 0;
  // One at a time, however late it is: those that connect together would beat together ever after, and share the cost
  // of waking up.
  const addMore = async (more: number): Promise<void> => {
    for (let i = 0; i < more; i++) {
      add(added++);
      await sleep(spreadMs / more);
    }
    while (connected() < added) await sleep(10);
  };

  await addMore(firstCount);
  const heapBefore = usedBytes();
  await addMore(count);
  await sleep(WARM_UP_PERIODS * periodMs);

  const answeredBefore = answered();
  const cpuBefore = process.cpuUsage();
  await sleep(measuredPeriods * periodMs);
  const cpu = process.cpuUsage(cpuBefore);
  const beats = answered() - answeredBefore;
  check(beats, added);
  return {
    cpuUsPerBeat: (cpu.user + cpu.system) / beats,
    // A peak, because the engine gives memory back at times of its own choosing.
    residentBytesPerDevice: (process.resourceUsage().maxRSS * 1024 - residentBefore) / added,
    heapBytesPerDevice: (usedBytes() - heapBefore) / count,
  };
}

/** Tells the process that asked for it, and ends this one. */
export function finish(result: DevicesCost | string): void {
  const message: DevicesResult = typeof result === 'string' ? { failure: result } : result;
  process.send?.(message, () => process.exit());
}
