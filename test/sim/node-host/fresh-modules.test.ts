/** Each boot of each host has modules of its own, also where the program's entry is a function that imports them. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { nodeProgram } from '../../../sim/node-host/program.ts';
import { Simulation } from '../../../sim/simulation.ts';
import { NODES } from './support/nodes.ts';

function allOnce(required: number): string[] {
  const once = `module 1, imported 1, CommonJS 1, required ${required}`;
  return ['dev-1', 'dev-2', 'dev-1', 'dev-2'].map((host) => `${host}: ${once}`);
}

const load = (name: string): Promise<{ next(): number }> => import(`./support/fresh/${name}.js`);

it('in vitest, which goes on with its own afterwards', async () => {
  const counter = await load('counter');
  counter.next();
  const lines: string[] = [];
  const onOutput = (line: string, host: string): void => void lines.push(`${host}: ${line}`);
  const entry = nodeProgram(() => load('device'), { onOutput });
  const sim = new Simulation({ seed: 1 });
  const devices = [1, 2].map(() => sim.addDevice({ firmware: entry }));
  await sim.runFor('1s');
  for (const { power } of devices) power.cut();
  await sim.runFor('1s');
  for (const { power } of devices) power.restore();
  await sim.runFor('1s');
  // vitest runs an imported CommonJS module by itself: what is required is another.
  expect(lines).toEqual(allOnce(1));
  expect((await load('counter')).next()).toBe(2);
});

for (const { version, node } of NODES) {
  it(`by Node ${version} alone`, () => {
    const script = fileURLToPath(new URL('support/fresh/boots.mjs', import.meta.url));
    const { stdout, stderr } = spawnSync(node, ['--no-warnings', script], { encoding: 'utf8' });
    expect(`${stderr}${stdout}`.trim().split('\n')).toEqual(allOnce(2));
  });
}
