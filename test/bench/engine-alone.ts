/** `engine-alone.js DEVICES SECONDS`: the same simulation as `cablepull run`, without verdicts or output. */

import { heartbeatFirmware, referenceServer, Simulation } from 'cablepull/sim';

const [devices = NaN, seconds = NaN] = process.argv.slice(2).map(Number);
const sim = new Simulation({ seed: 1, witness: false });
sim.addServer(referenceServer({ beatEvents: false, limits: { maxConnections: 2 * devices } }));
const firmware = heartbeatFirmware();
for (let i = 0; i < devices; i++) {
  const device = sim.addDevice({ firmware, link: { delay: '20ms', loss: '1%' }, power: false });
  sim.testbed.switchOn(device, i * Math.min(1, 10_000 / devices));
}
await sim.runFor(seconds * 1000);
