/** Names of hosts in the printed lines of packets. */

import { expect, it } from 'vitest';
import { heartbeatFirmware, referenceServer } from '../../../sim/programs.ts';
import { Simulation } from '../../../sim/simulation.ts';

it('tells hosts apart that have the same address, each behind its own NAT box', async () => {
  const sim = new Simulation({ seed: 1 });
  sim.addServer(referenceServer());
  const [first, second] = ['first', 'second'].map((name) => {
    return sim.addDevice({
      name,
      nat: sim.addNat(),
      address: '192.168.0.1',
      firmware: heartbeatFirmware(),
      link: { delay: '20ms' },
      power: false,
    });
  });
  expect(sim.host('first')?.address).toBe(sim.host('second')?.address);
  const lines: string[] = [];
  sim.trace((line) => lines.push(line));
  second?.power.restore();
  await sim.runFor('100ms');
  expect(lines[0]).toMatch(/0\.000000s second > 192\.168\.1\.254 {2}arp who has 192\.168\.1\.254, tell 192\.168\.0\.1$/);
  expect(lines[1]).toMatch(/0\.040000s second > server {2}192\.168\.0\.1:/);
  // These packets are on their way to a device when its cable is pulled.
  await sim.runFor('2s');
  first?.power.restore();
  await sim.runFor('70ms');
  first?.cable.pull();
  await sim.runFor('20ms');
  expect(lines.at(-1)).toMatch(/ server > first .* no-carrier at first$/);
});
