/** Runs one of Node's own tests, the file that is named, on a simulated host: as a process, whose exit status tells. */

import { createRequire } from 'node:module';
import { owner } from '../../../../sim/node-host/owner.ts';
import { nodeProgram } from '../../../../sim/node-host/program.ts';
import { Simulation } from '../../../../sim/simulation.ts';

/** Virtual time after which a test that still has something to do counts as hung. */
const LIMIT_S = 3600;

const [, , file = ''] = process.argv;
const require = createRequire(file);
process.argv.splice(1, 2, file);

const sim = new Simulation({ seed: 1 });
let end: string | undefined;
const onEnd = ({ why }: { readonly why: string }): void => void (end = why);
const start = (): unknown => (file.endsWith('.mjs') ? import(file) : void require(file));
const server = sim.addServer(nodeProgram(start, { onError: 'fail', onEnd }), { name: 'host' });
await sim.runFor('0s');
const isGoingOn = (): boolean => end === undefined && server.run(() => owner()?.isHolding === true);
while (isGoingOn()) {
  if (sim.nowMs > LIMIT_S * 1000) throw new Error(`${file} has not ended in an hour of virtual time`);
  await sim
    .until(() => !isGoingOn(), '1s')
    .catch((error: unknown) => {
      if (!(error instanceof Error) || !error.message.includes('it was still not so')) throw error;
    });
}
if (end !== undefined) process.exit(end === 'it called process.exit(0)' ? 0 : 1);
server.run(() => process.emit('exit', 0));
process.exit(0);
