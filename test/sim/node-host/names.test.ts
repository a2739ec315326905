/** A program's look-ups of names, by every way that Node has. */

import dns, { promises as promisesOfDns } from 'node:dns';
import { lookup as lookupByName } from 'node:dns/promises';
import os from 'node:os';
import { expect, it } from 'vitest';
import { nodeProgram } from '../../../sim/node-host/program.ts';
import { Simulation } from '../../../sim/simulation.ts';

it('finds a simulated host by callbacks and by promises, and no name of the real network', async () => {
  const found: unknown[] = [];
  const sim = new Simulation({ seed: 1 });
  sim.addServer(nodeProgram(() => undefined));
  const firmware = nodeProgram(async () => {
    found.push(await new Promise((resolve) => dns.lookup('server', (_, ...answer) => resolve(answer))));
    found.push(await promisesOfDns.lookup('server'));
    found.push(await lookupByName('server', { all: true }));
    found.push(await dns.promises.lookup('server', 4));
    found.push(await new promisesOfDns.Resolver().resolve4('server'));
    found.push(await dns.promises.lookupService('127.0.0.1', 22));
    for (const [name, family] of [['localhost', 6], ['example.com', 4]] as const) {
      found.push(await dns.promises.lookup(name, family).catch((error: unknown) => error));
    }
  });
  sim.addDevice({ firmware });
  await sim.runFor('10s');
  expect(found).toEqual([
    ['10.0.0.1', 4],
    { address: '10.0.0.1', family: 4 },
    [{ address: '10.0.0.1', family: 4 }],
    { address: '10.0.0.1', family: 4 },
    ['10.0.0.1'],
    { hostname: 'localhost', service: '22' },
    expect.objectContaining({ code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'localhost' }),
    expect.objectContaining({ code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'example.com' }),
  ]);
});

it("has a host's own address in os.networkInterfaces, as long as it has one", async () => {
  const seen: unknown[] = [];
  const sim = new Simulation({ seed: 1 });
  sim.addServer(nodeProgram(() => undefined));
  const firmware = nodeProgram(() => {
    seen.push(os.networkInterfaces());
    setTimeout(() => seen.push(Object.keys(os.networkInterfaces())), 2000);
  });
  const device = sim.addDevice({ firmware });
  await sim.runFor('1s');
  device.interface.removeAddress();
  await sim.runFor('2s');
  expect(seen).toEqual([
    {
      lo: [expect.objectContaining({ address: '127.0.0.1', internal: true })],
      eth0: [{
        address: '10.0.0.2', netmask: '255.0.0.0', family: 'IPv4', mac: '02:00:0a:00:00:02', internal: false,
        cidr: '10.0.0.2/8',
      }],
    },
    ['lo'],
  ]);
});
