/** Modules that a program imports without waiting for them: virtual time stands still until they have come. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { nodeProgram } from '../../../sim/node-host/program.ts';
import { Simulation } from '../../../sim/simulation.ts';
import { NODES } from './support/nodes.ts';

const LINE = 'listens on 8005 at 500 ms';
/** A built-in, a file, an import in an import, a package, in an async function, and when virtual time has passed. */
const PORTS = [8001, 8002, 8003, 8004, 8005, 8006, 8007, 8008];

it('in vitest', async () => {
  const lines: string[] = [];
  const sim = new Simulation({ seed: 1 });
  const load = (name: string): Promise<unknown> => import(`./support/late-imports/${name}.js`);
  const entry = nodeProgram(() => void load('server'), { onOutput: (line) => void lines.push(line) });
  const server = sim.addServer(entry);
  await sim.runFor('1s');
  expect(lines).toEqual([LINE]);
  expect(server.openPorts().map(({ port }) => port).sort()).toEqual(PORTS);
});

for (const { version, node } of NODES) {
  // tsx has the loader ask hooks in a thread of their own also where Node does not.
  for (const flags of [[], ['--import', 'tsx']]) {
    it(['by Node', version, ...flags].join(' '), () => {
      const script = fileURLToPath(new URL('support/late-imports/ports.mjs', import.meta.url));
      const { stdout, stderr } = spawnSync(node, ['--no-warnings', ...flags, script], { encoding: 'utf8' });
      expect(`${stderr}${stdout}`.trim().split('\n')).toEqual([LINE, PORTS.join(' ')]);
    });
  }
}
