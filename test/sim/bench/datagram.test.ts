/** Datagrams of a board on the bench: the cable and the power take them, both ways, and nobody is told. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { Hal } from '../../../hal/hal.ts';
import type { DatagramSocket } from '../../../hal/network.ts';
import { Bench } from '../../../sim/bench/bench.ts';
import type { Device } from '../../../sim/device.ts';
import { Loopback } from '../../support/loopback.ts';
import { clocksOf } from './rig.ts';

const DEVICE = { address: '10.0.0.1', port: 4000 };
const PEER = { address: '10.0.0.2', port: 5000 };
const text = (words: string): Uint8Array => new TextEncoder().encode(words);

let world: Loopback;
let device: Device;
/** Socket of the boot that runs: each boot binds the port again. */
let socket: DatagramSocket;
let received: string[];
let outcomes: string[];
let peer: DatagramSocket;
let peerReceived: string[];

function readAll(from: DatagramSocket, into: string[]): void {
  const buffer = new Uint8Array(100);
  for (let count = from.receive(buffer); count >= 0; count = from.receive(buffer)) {
    into.push(new TextDecoder().decode(buffer.subarray(0, count)));
  }
}

beforeEach(() => {
  world = new Loopback();
  [received, outcomes, peerReceived] = [[], [], []];
  const bench = new Bench({ network: world.host(DEVICE.address).hal.network, newClock: clocksOf(world), seed: 1 });
  device = bench.addDevice('dev-1', ({ network }: Hal) => {
    const opened = network.openDatagram(DEVICE, {
      bound: () => outcomes.push('bound'),
      readable: () => readAll(opened, received),
      ended: (reason) => outcomes.push(reason),
    });
    socket = opened;
  });
  peer = world
    .host(PEER.address)
    .hal.network.openDatagram(PEER, { bound() {}, readable: () => readAll(peer, peerReceived), ended() {} });
  device.power.restore();
  world.advance(5);
});

/** One datagram each way. */
function exchange(words: string): void {
  socket.sendTo(text(words), PEER);
  peer.sendTo(text(words), DEVICE);
  world.advance(5);
}

describe('a cable', () => {
  it('that is in carries them', () => {
    exchange('a');
    expect([outcomes, received, peerReceived]).toEqual([['bound'], ['a'], ['a']]);
    expect(socket.sender).toEqual(PEER);
  });

  it('that is out loses them, and what was lost does not come later', () => {
    device.cable.pull();
    expect(socket.sendTo(text('lost'), PEER)).toBe(4);
    exchange('lost');
    device.cable.plug();
    exchange('b');
    expect([received, peerReceived]).toEqual([['b'], ['b']]);
  });

  it('that comes out leaves what had come before to be read', () => {
    device.hang();
    peer.sendTo(text('before'), DEVICE);
    world.advance(5);
    device.cable.pull();
    peer.sendTo(text('after'), DEVICE);
    world.advance(5);
    device.unhang();
    world.advance(5);
    expect(received).toEqual(['before']);
  });
});

describe('a device without power', () => {
  it('hears nothing and says nothing; after the boot its port is its own again', () => {
    const old = socket;
    device.power.cut();
    expect([old.sendTo(text('lost'), PEER), old.receive(new Uint8Array(9))].every((result) => result < 0)).toBe(true);
    peer.sendTo(text('lost'), DEVICE);
    world.advance(5);
    device.power.restore();
    world.advance(5);
    exchange('c');
    expect([outcomes, received, peerReceived]).toEqual([['bound', 'bound'], ['c'], ['c']]);
  });

  it('that boots without a cable has its port as well', () => {
    device.power.cut();
    device.cable.pull();
    device.power.restore();
    world.advance(5);
    exchange('lost');
    device.cable.plug();
    exchange('d');
    expect([outcomes, received, peerReceived]).toEqual([['bound', 'bound'], ['d'], ['d']]);
  });
});

it('a hang keeps what comes for later', () => {
  device.hang();
  peer.sendTo(text('e'), DEVICE);
  world.advance(50);
  expect(received).toEqual([]);
  device.unhang();
  world.advance(5);
  expect(received).toEqual(['e']);
});
