/**
 * A process of devices: `devices.js KIND COUNT PORT`. It connects them, lets a period of beats go by, and then measures
 * what so many periods cost, and what the connections hold.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { FLEETS, PERIOD_MS, type FleetKind } from './fleets.ts';
import { usedBytes } from './memory.ts';

/** Devices that are there before the heap is first looked at: code and caches are not to be counted as connections. */
const FIRST_DEVICES = 100;

const MEASURED_PERIODS = 4;

/** Beyond this share of beats without an answer, the machine is too busy for the figures to mean anything. */
const UNANSWERED_MAX = 0.1;

export interface DevicesCost {
  readonly cpuUsPerBeat: number;
  /** On the heap and in buffers, after a collection: what is really held. */
  readonly heapBytesPerDevice: number;
  /** What the process takes from the machine at most, garbage and room for it included. */
  readonly residentBytesPerDevice: number;
}

export type DevicesResult = DevicesCost | { readonly failure: string };

async function measure(kind: FleetKind, count: number, port: number): Promise<DevicesCost> {
  const residentBefore = process.memoryUsage.rss();
  let connected = 0;
  let answered = 0;
  const add = FLEETS[kind](port, {
    connected: () => void connected++,
    answered: () => void answered++,
    failed: finish,
  });
  let added = 0;
  // One at a time, however late it is: those that connect together would beat together ever after, and share the cost
  // of waking up.
  const addMore = async (more: number): Promise<void> => {
    for (let i = 0; i < more; i++) {
      add(added++);
      await sleep(PERIOD_MS / more);
    }
    while (connected < added) await sleep(10);
  };

  await addMore(FIRST_DEVICES);
  const heapBefore = usedBytes();
  await addMore(count);
  await sleep(PERIOD_MS);

  answered = 0;
  const cpuBefore = process.cpuUsage();
  await sleep(MEASURED_PERIODS * PERIOD_MS);
  const cpu = process.cpuUsage(cpuBefore);
  const beats = answered;
  const expectedBeats = added * MEASURED_PERIODS;
  if (beats < expectedBeats * (1 - UNANSWERED_MAX)) {
    throw new Error(`only ${beats} of ${expectedBeats} beats were answered`);
  }

  return {
    cpuUsPerBeat: (cpu.user + cpu.system) / beats,
    // A peak, because the engine gives memory back at times of its own choosing.
    residentBytesPerDevice: (process.resourceUsage().maxRSS * 1024 - residentBefore) / added,
    heapBytesPerDevice: (usedBytes() - heapBefore) / count,
  };
}

function finish(result: DevicesCost | string): void {
  const message: DevicesResult = typeof result === 'string' ? { failure: result } : result;
  process.send?.(message, () => process.exit());
}

const [kind, count, port] = process.argv.slice(2);
if (kind !== 'bare' && kind !== 'firmware' && kind !== 'boards') throw new Error(`there is no fleet ${kind}`);
process.on('disconnect', () => process.exit());
measure(kind, Number(count), Number(port)).then(finish, (error: unknown) => finish(String(error)));
