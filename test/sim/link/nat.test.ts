/** The NAT box: what it translates, when it forgets, and what it says then. */

import { beforeEach, describe, expect, it } from 'vitest';
import { Cable } from '../../../sim/link/cable.ts';
import { Nat, NAT_DEFAULTS, type NatEvent, type NatOptions } from '../../../sim/link/nat.ts';
import { Switch } from '../../../sim/link/switch.ts';
import { parseAddress } from '../../../sim/packet/address.ts';
import {
  ACK,
  FIN,
  HOST_UNREACHABLE,
  ICMP,
  type Packet,
  PORT_UNREACHABLE,
  RST,
  SYN,
  UDP,
} from '../../../sim/packet/packet.ts';
import { Host, packet, type World, world } from './rig.ts';

const address = (text: string) => parseAddress(text) ?? 0;
const DEVICE = address('10.0.0.5');
const OTHER = address('10.0.0.6');
const OUTSIDE = address('203.0.113.1');
const SERVER = address('198.51.100.1');

const SECOND = 1_000_000;
const TIMES: Partial<NatOptions> = { establishedUs: 350 * SECOND, transitoryUs: 30 * SECOND, udpUs: 60 * SECOND };

let w: World;
let device: Host;
let other: Host;
let server: Host;
let nat: Nat;
let fromDevice: Cable;
let fromOther: Cable;
let fromServer: Cable;

function build(options: Partial<NatOptions> = {}): void {
  w = world();
  const [home, internet] = [new Switch(w.fabric, 'home'), new Switch(w.fabric, 'internet')];
  const plugIn = (lan: Switch, at: number, name: string): [Host, Cable] => {
    const host = new Host(w.engine);
    const link = new Cable(w.fabric, name, host, lan);
    lan.connect(at, link);
    return [host, link];
  };
  [device, fromDevice] = plugIn(home, DEVICE, 'device');
  [other, fromOther] = plugIn(home, OTHER, 'other');
  [server, fromServer] = plugIn(internet, SERVER, 'server');
  nat = new Nat(w.fabric, 'nat', OUTSIDE, home, internet, { ...TIMES, ...options });
  home.uplink = nat.inside;
  internet.connect(OUTSIDE, nat.outside);
}

beforeEach(() => build());

/** Sends a packet from the device's port 5000 to the server's port 80. */
function out(fields: Partial<Packet> = {}, link = fromDevice): void {
  link.send(
    packet(0, 0, {
      source: link === fromDevice ? DEVICE : OTHER,
      sourcePort: 5000,
      destination: SERVER,
      destinationPort: 80,
      ...fields,
    }),
  );
  w.run(0);
}

/** Sends a packet from the server's port 80 to the device, at the address that the server saw last. */
function back(fields: Partial<Packet> = {}): void {
  fromServer.send(
    packet(0, 0, { source: SERVER, sourcePort: 80, destination: OUTSIDE, destinationPort: 1024, ...fields }),
  );
  w.run(0);
}

function connect(): void {
  out({ flags: SYN });
  back({ flags: SYN | ACK });
  out();
  expect([device.packets.length, server.packets.length]).toEqual([1, 2]);
  device.packets.length = server.packets.length = 0;
}

/** Whether a packet that the device sends on its connection arrives. */
function isOpenFromInside(): boolean {
  const count = server.packets.length;
  out();
  return server.packets.length > count;
}

function isOpenFromOutside(): boolean {
  const count = device.packets.length;
  back();
  return device.packets.length > count;
}

describe('translation', () => {
  it('gives each connection a port of the one address outside, and finds the way back', () => {
    out({ flags: SYN });
    out({ flags: SYN }, fromOther);
    out({ flags: SYN, sourcePort: 5001 });
    out({ flags: ACK });
    expect(server.packets.map(({ source, sourcePort }) => [source, sourcePort])).toEqual([
      [OUTSIDE, 1024],
      [OUTSIDE, 1025],
      [OUTSIDE, 1026],
      [OUTSIDE, 1024],
    ]);
    back({ destinationPort: 1025 });
    back({ destinationPort: 1026 });
    expect(other.packets.map(({ destination, destinationPort }) => [destination, destinationPort])).toEqual([
      [OTHER, 5000],
    ]);
    expect(device.packets.map(({ destination, destinationPort }) => [destination, destinationPort])).toEqual([
      [DEVICE, 5001],
    ]);
    expect(nat.mappingCount).toBe(3);
  });

  it('lets nobody in but the peer, on the port it was asked on, by the protocol', () => {
    connect();
    back({ sourcePort: 81 });
    back({ source: address('198.51.100.2') });
    back({ destinationPort: 1025 });
    back({ protocol: UDP });
    expect(device.packets).toEqual([]);
    expect(w.fabric.drops['no-mapping']).toBe(4);
    expect(isOpenFromOutside()).toBe(true);
  });

  it('carries datagrams, whose ports are their own', () => {
    build({ ports: { first: 1024, last: 1024 } });
    out({ flags: SYN });
    out({ protocol: UDP });
    expect(server.packets.at(-1)?.sourcePort).toBe(1024);
    back({ protocol: UDP });
    expect(device.packets.at(-1)).toMatchObject({ protocol: UDP, destination: DEVICE, destinationPort: 5000 });
  });

  it('tells the host inside of an error about its packet, as it sent it', () => {
    out({ flags: SYN, seq: 77 });
    const quoted = packet(77, 0, { source: OUTSIDE, sourcePort: 1024, destination: SERVER, destinationPort: 80 });
    back({ protocol: ICMP, code: HOST_UNREACHABLE, source: address('192.0.2.254'), quoted });
    expect(device.packets.at(-1)).toMatchObject({
      protocol: ICMP,
      source: address('192.0.2.254'),
      destination: DEVICE,
      quoted: { seq: 77, source: DEVICE, sourcePort: 5000, destination: SERVER, destinationPort: 80 },
    });
    expect(quoted.source).toBe(OUTSIDE);
  });

  it('tells the peer outside of an error about its packet, as it sent it', () => {
    out({ protocol: UDP });
    const quoted = packet(0, 0, {
      protocol: UDP,
      source: SERVER,
      sourcePort: 80,
      destination: DEVICE,
      destinationPort: 5000,
    });
    out({ protocol: ICMP, code: PORT_UNREACHABLE, quoted });
    expect(server.packets.at(-1)).toMatchObject({
      source: OUTSIDE,
      destination: SERVER,
      quoted: { source: SERVER, sourcePort: 80, destination: OUTSIDE, destinationPort: 1024 },
    });
  });

  it('drops errors about what it does not know', () => {
    back({
      protocol: ICMP,
      quoted: packet(0, 0, { source: OUTSIDE, sourcePort: 1024, destination: SERVER, destinationPort: 80 }),
    });
    out({
      protocol: ICMP,
      quoted: packet(0, 0, { source: SERVER, sourcePort: 80, destination: DEVICE, destinationPort: 5000 }),
    });
    expect(w.fabric.drops['no-mapping']).toBe(2);
  });
});

describe('forgetting', () => {
  it('comes when an established connection was idle for its time, and not before', () => {
    connect();
    w.run(350 * SECOND - 1);
    expect(isOpenFromOutside()).toBe(true);
    w.run(350 * SECOND - 1);
    expect(isOpenFromInside()).toBe(true);
    w.run(350 * SECOND);
    expect(isOpenFromInside()).toBe(false);
    expect(isOpenFromOutside()).toBe(false);
  });

  it('comes soon while only one side has sent its SYN', () => {
    out({ flags: SYN });
    w.run(30 * SECOND - 1);
    back({ flags: SYN | ACK });
    expect(device.packets).toHaveLength(1);
    build();
    out({ flags: SYN });
    w.run(30 * SECOND);
    back({ flags: SYN | ACK });
    expect(device.packets).toHaveLength(0);
  });

  it.each([
    ['a FIN from inside', () => out({ flags: FIN | ACK })],
    ['a FIN from outside', () => back({ flags: FIN | ACK })],
    ['a RST from inside', () => out({ flags: RST })],
    ['a RST from outside', () => back({ flags: RST })],
  ])('comes soon after %s, which passes', (_what, end) => {
    connect();
    end();
    expect(device.packets.length + server.packets.length).toBe(1);
    w.run(30 * SECOND - 1);
    expect(isOpenFromOutside()).toBe(true);
    w.run(30 * SECOND);
    expect(isOpenFromOutside()).toBe(false);
  });

  it('waits the full time after the same ports are connected again', () => {
    connect();
    out({ flags: FIN | ACK });
    out({ flags: SYN });
    back({ flags: SYN | ACK });
    w.run(350 * SECOND - 1);
    expect(isOpenFromOutside()).toBe(true);
  });

  it('of datagrams comes by their own time', () => {
    out({ protocol: UDP });
    w.run(60 * SECOND - 1);
    back({ protocol: UDP });
    expect(device.packets).toHaveLength(1);
    w.run(60 * SECOND);
    back({ protocol: UDP });
    expect(device.packets).toHaveLength(1);
    // The device behind the box just connects again, from another port.
    out({ protocol: UDP });
    expect(server.packets.at(-1)?.sourcePort).toBe(1025);
  });

  it('is not put off by errors about the connection', () => {
    connect();
    w.run(350 * SECOND - 1);
    const quoted = packet(0, 0, { source: OUTSIDE, sourcePort: 1024, destination: SERVER, destinationPort: 80 });
    back({ protocol: ICMP, quoted });
    expect(device.packets).toHaveLength(1);
    w.run(1);
    expect(isOpenFromOutside()).toBe(false);
  });

  it('can be had at once, of everything', () => {
    connect();
    out({ protocol: UDP });
    nat.forgetAll();
    expect(nat.mappingCount).toBe(0);
    expect(isOpenFromInside()).toBe(false);
    expect(isOpenFromOutside()).toBe(false);
    out({ flags: SYN });
    expect(server.packets.at(-1)).toMatchObject({ flags: SYN, sourcePort: 1026 });
  });
});

describe('a connection that is not known', () => {
  it('meets silence on both sides, where the box is silent', () => {
    connect();
    w.run(350 * SECOND);
    out();
    back();
    back({ flags: SYN });
    expect([device.packets, server.packets]).toEqual([[], []]);
    expect(w.fabric.drops['no-mapping']).toBe(3);
  });

  it('meets a reset that its sender accepts, on either side, where the box resets', () => {
    build({ onExpired: 'rst' });
    connect();
    w.run(350 * SECOND);
    expect([device.packets, server.packets]).toEqual([[], []]);
    out({ seq: 1000, ack: 2000 });
    expect(server.packets).toEqual([]);
    expect(device.packets).toHaveLength(1);
    expect(device.packets[0]).toMatchObject({
      flags: RST,
      seq: 2000,
      source: SERVER,
      sourcePort: 80,
      destination: DEVICE,
      destinationPort: 5000,
    });
    back({ seq: 2000, ack: 1001 });
    expect(device.packets).toHaveLength(1);
    expect(server.packets[0]).toMatchObject({
      flags: RST,
      seq: 1001,
      source: OUTSIDE,
      sourcePort: 1024,
      destination: SERVER,
      destinationPort: 80,
    });
  });

  it('meets a reset only inside, where the box resets inside', () => {
    build({ onExpired: 'rst-inside' });
    connect();
    w.run(350 * SECOND);
    out({ seq: 1000, ack: 2000 });
    back({ seq: 2000, ack: 1001 });
    expect(device.packets).toHaveLength(1);
    expect(server.packets).toEqual([]);
  });

  it('begins again by an ACK from inside, at its port, where the box picks it up', () => {
    build({ onExpired: 'picked-up' });
    out({ flags: SYN });
    expect(server.packets[0]?.sourcePort).toBe(5000);
    back({ flags: SYN | ACK, destinationPort: 5000 });
    w.run(10_000 * SECOND);
    device.packets.length = server.packets.length = 0;
    back({ destinationPort: 5000 });
    out({ flags: FIN | ACK });
    out({ flags: RST });
    expect([device.packets, server.packets]).toEqual([[], []]);
    out({ flags: ACK });
    expect(server.packets).toHaveLength(1);
    expect(server.packets[0]?.sourcePort).toBe(5000);
    back({ destinationPort: 5000 });
    expect(device.packets).toHaveLength(1);
    // The connection is established, not opening.
    w.run(349 * SECOND);
    back({ destinationPort: 5000 });
    expect(device.packets).toHaveLength(2);
  });

  it('meets its reset after it has been sent, not while it is', () => {
    build({ onExpired: 'rst' });
    fromDevice.send(packet(0, 0, { source: DEVICE, sourcePort: 5000, destination: SERVER, destinationPort: 80 }));
    expect(device.packets).toEqual([]);
    w.run(0);
    expect(device.packets).toHaveLength(1);
  });

  it('gets a reset with an ACK for a segment without one', () => {
    build({ onExpired: 'rst' });
    out({ flags: FIN, seq: 10, payloadBytes: 5 });
    expect(device.packets[0]).toMatchObject({ flags: RST | ACK, seq: 0, ack: 16 });
  });

  it('gets no reset for a reset, a datagram, or a SYN from outside', () => {
    build({ onExpired: 'rst' });
    out({ flags: RST });
    back({ flags: RST | ACK });
    back({ protocol: UDP });
    back({ flags: SYN });
    expect([device.packets, server.packets]).toEqual([[], []]);
    expect(w.fabric.drops['no-mapping']).toBe(4);
  });
});

describe('ports', () => {
  it('are as many as the range; one more connection gets none until another is forgotten', () => {
    build({ ports: { first: 2000, last: 2002 } });
    for (let i = 0; i < 4; i++) {
      out({ flags: SYN, sourcePort: 5000 + i });
      w.run(SECOND);
    }
    expect(server.packets.map(({ sourcePort }) => sourcePort)).toEqual([2000, 2001, 2002]);
    expect(w.fabric.drops['no-port']).toBe(1);
    // 4 s have passed. The first mapping expires after 30 s.
    w.run(26 * SECOND - 1);
    out({ flags: SYN, sourcePort: 5003 });
    expect(w.fabric.drops['no-port']).toBe(2);
    w.run(1);
    out({ flags: SYN, sourcePort: 5003 });
    expect(server.packets.at(-1)?.sourcePort).toBe(2000);
    expect(nat.mappingCount).toBe(3);
    back({ destinationPort: 2000 });
    expect(device.packets.at(-1)?.destinationPort).toBe(5003);
  });

  it('are used one after another, so that none is soon another connection\'s', () => {
    build({ ports: { first: 2000, last: 2009 } });
    for (let i = 0; i < 12; i++) {
      out({ flags: SYN, sourcePort: 5000 + i });
      w.run(30 * SECOND);
    }
    expect(server.packets.map(({ sourcePort }) => sourcePort)).toEqual([
      2000, 2001, 2002, 2003, 2004, 2005, 2006, 2007, 2008, 2009, 2000, 2001,
    ]);
    expect(nat.mappingCount).toBe(1);
  });

  it('come free from connections that were idle, with others in use between them', () => {
    build({ ports: { first: 2000, last: 2003 } });
    const syn = (sourcePort: number) => out({ flags: SYN, sourcePort });
    for (let i = 0; i < 4; i++) syn(5000 + i);
    // The middle two of four ports and then the last are used again, so that only the first is idle for long.
    w.run(20 * SECOND);
    for (const i of [1, 2, 3]) syn(5000 + i);
    w.run(5 * SECOND);
    syn(5002);
    w.run(5 * SECOND);
    syn(6000);
    expect([server.packets.at(-1)?.sourcePort, nat.mappingCount]).toEqual([2000, 4]);
    w.run(20 * SECOND);
    syn(6001);
    expect([server.packets.at(-1)?.sourcePort, nat.mappingCount]).toEqual([2001, 3]);
  });

  it('of many connections of many hosts are unique, while connections come and go', () => {
    build({ ports: { first: 2000, last: 2199 } });
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 40; i++) {
        out({ flags: SYN, sourcePort: 5000 + ((round * 13 + i) % 90) }, i % 2 === 0 ? fromDevice : fromOther);
      }
      w.run(11 * SECOND);
    }
    expect(w.fabric.drops['no-port']).toBe(0);
    device.packets.length = other.packets.length = 0;
    for (let port = 2000; port < 2200; port++) back({ destinationPort: port });
    const reached = [...device.packets, ...other.packets].map(
      ({ destination, destinationPort }) => `${destination}:${destinationPort}`,
    );
    expect(reached.length).toBeGreaterThan(40);
    expect(new Set(reached).size).toBe(reached.length);
  });

  it('are a range that makes sense', () => {
    expect(() => build({ ports: { first: 0, last: 10 } })).toThrow(RangeError);
    expect(() => build({ ports: { first: 10, last: 9 } })).toThrow(RangeError);
    expect(() => build({ ports: { first: 1024, last: 65_536 } })).toThrow(RangeError);
  });
});

describe('a listener', () => {
  const ENDS = [{ address: '10.0.0.5', port: 5000 }, { address: '198.51.100.1', port: 80 }];
  let told: (readonly [atUs: number, event: NatEvent])[];

  beforeEach(() => {
    told = [];
    build({ onEvent: (event) => void told.push([w.engine.nowUs, event]) });
  });

  const forgotten = (): (readonly [atUs: number, idleMs: number])[] =>
    told.flatMap(([atUs, event]) => (event.kind === 'forgotten' ? [[atUs, event.idleMs]] : []));

  it('is told of each connection whom its peer will see, before its SYN or its datagram is on', () => {
    server.onPacket = () => expect(told).not.toEqual([]);
    out({ flags: SYN });
    out({ flags: SYN });
    out({ flags: SYN }, fromOther);
    out({ protocol: UDP });
    expect(told).toEqual([
      [0, { kind: 'mapped', inside: ENDS[0], outside: { address: '203.0.113.1', port: 1024 } }],
      [
        0,
        {
          kind: 'mapped',
          inside: { address: '10.0.0.6', port: 5000 },
          outside: { address: '203.0.113.1', port: 1025 },
        },
      ],
      [0, { kind: 'mapped', inside: ENDS[0], outside: { address: '203.0.113.1', port: 1026 } }],
    ]);
  });

  it('is told of one that is forgotten at the microsecond in which it is, and not before, though nobody asks for it', () => {
    connect();
    w.run(350 * SECOND - 1);
    expect(isOpenFromOutside()).toBe(true);
    w.run(350 * SECOND - 1);
    expect(forgotten()).toEqual([]);
    w.run(1);
    expect(told.at(-1)).toEqual([700 * SECOND - 1, { kind: 'forgotten', ends: ENDS, idleMs: 350_000 }]);
    expect([isOpenFromInside(), isOpenFromOutside(), nat.mappingCount]).toEqual([false, false, 0]);
    w.run(1000 * SECOND);
    expect(forgotten()).toHaveLength(1);
  });

  it('is told of two that were used last at one time, in the order in which they were', () => {
    connect();
    out({ flags: SYN }, fromOther);
    back({ flags: SYN | ACK, destinationPort: 1025 });
    out();
    w.run(350 * SECOND);
    expect(told.flatMap(([, event]) => (event.kind === 'forgotten' ? [event.ends[0].address] : []))).toEqual([
      '10.0.0.6',
      '10.0.0.5',
    ]);
  });

  it('is told when all are forgotten at once, each as long as it was idle', () => {
    connect();
    w.run(7 * SECOND);
    nat.forgetAll();
    w.run(1000 * SECOND);
    expect(forgotten()).toEqual([[7 * SECOND, 7000]]);
  });

  it.each([
    ['over', () => { connect(); out({ flags: FIN | ACK }); }],
    ['reset', () => { connect(); back({ flags: RST }); }],
    ['not yet one', () => out({ flags: SYN })],
    ['of datagrams', () => out({ protocol: UDP })],
  ])('is not told of one that is %s', (_what, happen) => {
    const wait = (): void => w.run(1000 * SECOND);
    for (const forget of [wait, () => nat.forgetAll()]) {
      build({ onEvent: (event) => void told.push([w.engine.nowUs, event]) });
      happen();
      forget();
      out({ flags: SYN, sourcePort: 6000 });
      expect(nat.mappingCount).toBe(1);
    }
    expect(forgotten()).toEqual([]);
  });

  it('costs no event a packet, and without one there is none at all', () => {
    for (const [onEvent, most] of [[() => {}, 4], [undefined, 0]] as const) {
      build({ onEvent });
      connect();
      let count = 0;
      const { set } = w.engine;
      // Events of packets do not count. Their cables take no time.
      w.engine.set = (handle, atUs) => {
        if (atUs > w.engine.nowUs) count++;
        set.call(w.engine, handle, atUs);
      };
      for (let i = 0; i < 1000; i++) {
        out();
        w.run(SECOND);
      }
      w.run(350 * SECOND);
      expect(count).toBeLessThanOrEqual(most);
      expect(count > 0).toBe(most > 0);
    }
  });
});

it('a peer that connects again on the ports of an ended connection is waited for as long as any other', () => {
  connect();
  back({ flags: FIN | ACK });
  back({ flags: SYN });
  out({ flags: SYN | ACK });
  w.run(350 * SECOND - 1);
  expect(isOpenFromInside()).toBe(true);
});

it('has the times of RFC 5382 and RFC 4787 unless it is told others', () => {
  expect([NAT_DEFAULTS.establishedUs, NAT_DEFAULTS.transitoryUs, NAT_DEFAULTS.udpUs]).toEqual([
    7440 * SECOND,
    240 * SECOND,
    300 * SECOND,
  ]);
});
