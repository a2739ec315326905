/**
 * A process of devices: `devices.js KIND COUNT PORT`. It connects them, lets some periods of beats go by, and then
 * measures what so many periods cost, and what the connections hold.
 */

import { costOfDevices, type DevicesCost, finish } from './devices-cost.ts';
import { FLEETS, PERIOD_MS, type FleetKind } from './fleets.ts';

/** Devices that are there before the heap is first looked at: code and caches are not to be counted as connections. */
const FIRST_DEVICES = 100;

const MEASURED_PERIODS = 4;

/** Beyond this share of beats without an answer, the machine is too busy for the figures to mean anything. */
const UNANSWERED_MAX = 0.1;

function measure(kind: FleetKind, count: number, port: number): Promise<DevicesCost> {
  let connected = 0;
  let answered = 0;
  return costOfDevices(count, {
    begin: () => FLEETS[kind](port, {
      connected: () => void connected++,
      answered: () => void answered++,
      failed: finish,
    }),
    connected: () => connected,
    answered: () => answered,
    firstCount: FIRST_DEVICES,
    spreadMs: PERIOD_MS,
    periodMs: PERIOD_MS,
    measuredPeriods: MEASURED_PERIODS,
  }, (beats, devices) => {
    const expectedBeats = devices * MEASURED_PERIODS;
    if (beats < expectedBeats * (1 - UNANSWERED_MAX)) {
      throw new Error(`only ${beats} of ${expectedBeats} beats were answered`);
    }
  });
}

const [kind, count, port] = process.argv.slice(2);
if (kind !== 'bare' && kind !== 'firmware' && kind !== 'boards') throw new Error(`there is no fleet ${kind}`);
process.on('disconnect', () => process.exit());
measure(kind, Number(count), Number(port)).then(finish, (error: unknown) => finish(String(error)));
