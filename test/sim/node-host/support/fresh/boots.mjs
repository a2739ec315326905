/** Two hosts with one entry, each booted twice, run by Node without a test runner; prints what their programs print. */

import { nodeProgram, Simulation } from '../../../../../dist/sim/index.js';

const lines = [];
const entry = nodeProgram(() => import('./device.js'), { onOutput: (line, host) => lines.push(`${host}: ${line}`) });
const sim = new Simulation({ seed: 1 });
const devices = [1, 2].map(() => sim.addDevice({ firmware: entry }));
await sim.runFor('1s');
for (const { power } of devices) power.cut();
await sim.runFor('1s');
for (const { power } of devices) power.restore();
await sim.runFor('1s');
console.log(lines.join('\n'));
