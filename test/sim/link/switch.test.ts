/** The switch: who gets a packet. */

import { beforeEach, expect, it } from 'vitest';
import { bothWays, makeLine } from '../../../sim/link/line.ts';
import { Cable } from '../../../sim/link/cable.ts';
import { Switch } from '../../../sim/link/switch.ts';
import { parseAddress } from '../../../sim/packet/address.ts';
import { Host, packet, type World, world } from './rig.ts';

let w: World;
let lan: Switch;

beforeEach(() => {
  w = world();
  lan = new Switch(w.fabric, 'lan');
});

const address = (text: string) => parseAddress(text) ?? 0;

function host(text: string, delayUs: number): { readonly host: Host; readonly link: Cable } {
  const made = new Host(w.engine);
  const link = new Cable(w.fabric, text, made, lan, bothWays(makeLine({ delayUs })));
  lan.connect(address(text), link);
  return { host: made, link };
}

it('forwards to the host that has the address, and both cables take their time', () => {
  const a = host('10.0.0.1', 10);
  const b = host('10.0.0.2', 200);
  const c = host('203.0.113.9', 0);
  a.link.send(packet(1, 0, { destination: address('10.0.0.2') }));
  b.link.send(packet(2, 0, { destination: address('203.0.113.9') }));
  c.link.send(packet(3, 0, { destination: address('10.0.0.1') }));
  w.run(1000);
  expect([a.host.arrivals, b.host.arrivals, c.host.arrivals]).toEqual([[[10, 3]], [[210, 1]], [[200, 2]]]);
});

it('drops what is for nobody, unless it has an uplink', () => {
  const a = host('10.0.0.1', 10);
  const away = new Host(w.engine);
  a.link.send(packet(1, 0, { destination: address('10.0.0.77') }));
  a.link.send(packet(2, 0, { destination: address('192.0.2.1') }));
  w.run(10);
  expect(w.dropped).toEqual([[10, 1, 'no-route', 'lan'], [10, 2, 'no-route', 'lan']]);
  lan.uplink = away;
  a.link.send(packet(3, 0, { destination: address('192.0.2.1') }));
  w.run(10);
  expect(away.numbers).toEqual([3]);
});

it('forgets an address that is taken away', () => {
  const a = host('10.0.0.1', 10);
  host('10.0.0.2', 10);
  lan.connect(address('10.0.0.2'), undefined);
  a.link.send(packet(1, 0, { destination: address('10.0.0.2') }));
  w.run(10);
  expect(w.fabric.drops['no-route']).toBe(1);
});

it('sends nothing into a cable that is out, and its sender is told nothing', () => {
  const a = host('10.0.0.1', 10);
  const b = host('10.0.0.2', 10);
  b.link.pull();
  a.link.send(packet(1, 0, { destination: address('10.0.0.2') }));
  w.run(1000);
  expect(w.dropped).toEqual([[10, 1, 'no-carrier', '10.0.0.2']]);
  expect(a.host.carrier).toEqual([]);
});

it('knows all addresses there are, also those that are negative as integers, from each other', () => {
  const hosts = ['0.0.0.1', '127.255.255.255', '128.0.0.0', '255.255.255.254', '10.1.0.0', '10.0.1.0'].map((text) => ({
    text,
    ...host(text, 0),
  }));
  for (const [i, { text }] of hosts.entries()) lan.receive(packet(i, 0, { destination: address(text) }));
  w.run(0);
  expect(hosts.map(({ host: { numbers } }) => numbers)).toEqual([[0], [1], [2], [3], [4], [5]]);
});
