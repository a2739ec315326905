/**
 * A process of simulated devices: `simulated.js COUNT`. Each runs its real firmware on its own kernel, over a link of
 * 10 Mbit/s, 20 ms and 1% loss each way; it beats every 3 s, 8 bytes, and the server answers with 8, both with Linux's
 * stack. Measured when all are connected and the code is warm.
 */

import { heartbeatFirmware, referenceServer, Simulation } from 'cablepull/sim';
import { usedBytes } from './memory.ts';

const LINK = { bandwidth: '10Mbit/s', delay: '20ms', loss: '1%' } as const;
const PERIOD_MS = 3000;

/** Virtual time for all to boot and connect, and again as many beats as make it certain that they have. */
const START_MS = 4 * PERIOD_MS;

/** Devices that are there before the heap is first looked at: code and caches are not to be counted as devices. */
const FIRST_DEVICES = 1000;

/** Device-seconds that are simulated before the measurement, so that the engine has compiled the hot code. */
const WARM_UP = 300_000;
/** Device-seconds that are measured: 30 s of 100,000 devices, ten beats of each. */
const MEASURED = 3_000_000;

export interface SimulatedCost {
  readonly usPerDeviceSecond: number;
  readonly bytesPerDevice: number;
}

async function measure(count: number): Promise<SimulatedCost> {
  const sim = new Simulation({ seed: 1, witness: false });
  const server = sim.addServer(referenceServer({ beatEvents: false, limits: { maxConnections: count } }));
  const firmware = heartbeatFirmware({ beatIntervalMs: PERIOD_MS });
  const add = async (more: number): Promise<void> => {
    for (let i = 0; i < more; i++) {
      const device = sim.addDevice({ firmware, profile: 'linux', link: LINK, power: false });
      // Spread over a period, as a fleet is that nobody has switched on at one instant.
      sim.at(sim.nowMs + (i * PERIOD_MS) / more, () => device.power.restore());
    }
    await sim.runFor(START_MS);
  };
  const firstDevices = Math.min(FIRST_DEVICES, count / 2);
  await add(firstDevices);
  const before = usedBytes();
  await add(count - firstDevices);
  const bytesPerDevice = (usedBytes() - before) / (count - firstDevices);
  await sim.runFor((WARM_UP / count) * 1000);

  const beats = (): number => server.program?.statistics.beats ?? 0;
  const beatsBefore = beats();
  const measuredMs = (MEASURED / count) * 1000;
  // The processor's time, as others may be at work on the machine.
  const startUs = process.cpuUsage();
  await sim.runFor(measuredMs);
  const { user, system } = process.cpuUsage(startUs);
  const expected = (MEASURED * 1000) / PERIOD_MS;
  if (beats() - beatsBefore < 0.98 * expected) {
    throw new Error(`${beats() - beatsBefore} beats came, and not about ${expected}`);
  }
  return { usPerDeviceSecond: (user + system) / MEASURED, bytesPerDevice };
}

process.send?.(await measure(Number(process.argv[2])));
