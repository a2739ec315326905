/** The gate turns packets into bytes and bytes into packets, and sends no packet back by itself. */

import { expect, it } from 'vitest';
import { heartbeatFirmware, Simulation } from '../../../sim/index.ts';
import { Gate } from '../../../sim/gateway/gate.ts';
import { PacketSplitter } from '../../../sim/gateway/packet-splitter.ts';
import { Switch } from '../../../sim/link/switch.ts';
import { Fabric } from '../../../sim/link/fabric.ts';
import { parseAddress } from '../../../sim/packet/address.ts';
import { decodePacket } from '../../../sim/packet/decode.ts';
import { encodePacket } from '../../../sim/packet/encode.ts';
import { ipBytes, Packet, PacketPool, SYN } from '../../../sim/packet/packet.ts';
import { Engine } from '../../../sim/time/engine.ts';
import { Seeded } from '../../support/seeded.ts';

function address(text: string): number {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

const INSIDE = address('10.0.0.2');
const BEYOND = address('10.0.0.1');

function syn(source: number, destination: number, payloadBytes = 0): Packet {
  const packet = new Packet();
  Object.assign(packet, { source, destination, sourcePort: 5000, destinationPort: 80, flags: SYN, seq: 7 });
  packet.reserve(payloadBytes);
  return packet;
}

function bytesOf(packet: Packet): Uint8Array {
  const bytes = new Uint8Array(ipBytes(packet));
  encodePacket(packet, bytes);
  return bytes;
}

function rig() {
  const engine = new Engine();
  const fabric = new Fabric(engine, new PacketPool(), 1);
  const inside = new Switch(fabric, 'switch');
  const out: Uint8Array[] = [];
  const gate = new Gate(fabric, 'server', inside, (bytes) => out.push(bytes));
  const arrived: number[] = [];
  inside.connect(INSIDE, { receive: (packet) => arrived.push(packet.seq) });
  const settle = (): void => {
    engine.runUntil(engine.nowUs);
    gate.flush();
  };
  return { engine, fabric, inside, gate, out, arrived, settle };
}

it('hands out what nobody inside has the address of, whole packets in one piece', () => {
  const { inside, out, settle } = rig();
  for (let i = 0; i < 3; i++) inside.receive(syn(INSIDE, BEYOND, 10 * i));
  settle();
  expect(out.map(({ length }) => length)).toEqual([40 + 50 + 60]);
  const packet = new Packet();
  expect(decodePacket(out[0] ?? new Uint8Array(), packet)).toBeUndefined();
  expect(packet).toMatchObject({ source: INSIDE, destination: BEYOND, seq: 7 });
});

it('drops what comes for an address that nobody has: it goes back to nobody', () => {
  const { gate, out, fabric, arrived, settle } = rig();
  gate.arrive(bytesOf(syn(BEYOND, INSIDE)));
  gate.arrive(bytesOf(syn(BEYOND, address('10.9.9.9'))));
  settle();
  expect(arrived).toEqual([7]);
  expect(out).toEqual([]);
  expect(fabric.drops['no-route']).toBe(1);
});

it('lets nothing through while its cable is out', () => {
  const { gate, inside, out, arrived, settle } = rig();
  gate.link.pull();
  gate.arrive(bytesOf(syn(BEYOND, INSIDE)));
  inside.receive(syn(INSIDE, BEYOND));
  settle();
  expect([out, arrived]).toEqual([[], []]);
  gate.link.plug();
  gate.arrive(bytesOf(syn(BEYOND, INSIDE)));
  settle();
  expect(arrived).toEqual([7]);
});

it('finds the packets of a stream, however it is cut', () => {
  const sent = Array.from({ length: 200 }, (_, i) => bytesOf(syn(INSIDE, BEYOND, (i * 37) % 1460)));
  const stream = new Uint8Array(sent.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const bytes of sent) {
    stream.set(bytes, at);
    at += bytes.length;
  }
  const random = new Seeded(3);
  const found: Uint8Array[] = [];
  const splitter = new PacketSplitter((bytes) => found.push(bytes.slice()));
  for (let from = 0; from < stream.length;) {
    const to = from + 1 + random.below(3000);
    splitter.add(stream.subarray(from, to));
    from = to;
  }
  expect(found).toEqual(sent);
});

it('counts what it cannot read, and outlives any nonsense', () => {
  const { gate, arrived, settle } = rig();
  const random = new Seeded(5);
  for (let i = 0; i < 20_000; i++) {
    const bytes =
      i % 2 === 0
        ? bytesOf(syn(BEYOND, INSIDE, random.below(40)))
        : Uint8Array.from({ length: 20 + random.below(80) }, () => random.below(256));
    for (let flips = random.below(4); flips > 0; flips--) bytes[random.below(bytes.length)] = random.below(256);
    // The length must be true, as a real interface's is: by it the next packet is found.
    new DataView(bytes.buffer).setUint16(2, bytes.length);
    gate.arrive(bytes);
    settle();
  }
  expect(arrived.length).toBeGreaterThan(1000);
  expect([...gate.unreadable.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(10_000);
});

it('leaves a world without a gateway as it is', async () => {
  const sim = new Simulation();
  sim.addDevice({ firmware: heartbeatFirmware() });
  expect([sim.gate, sim.realTime]).toEqual([undefined, undefined]);
});
