/** Runs the program by Node without a test runner, and prints what it prints and where it listens. */

import { fileURLToPath } from 'node:url';
import { nodeProgram, Simulation } from '../../../../../dist/sim/index.js';

const sim = new Simulation({ seed: 1 });
const file = fileURLToPath(new URL('server.js', import.meta.url));
const server = sim.addServer(nodeProgram(file, { onOutput: (line) => console.log(line) }));
await sim.runFor('1s');
console.log(server.openPorts().map(({ port }) => port).sort().join(' '));
