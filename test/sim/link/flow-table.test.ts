/** The box on a cable that forgets connections: what it drops, from which microsecond on, and what it tells. */

import { beforeEach, describe, expect, it } from 'vitest';
import { natTimeoutFault } from '../../../sim/faults/kinds/nat-timeout.ts';
import { FlowTable, type FlowTableOptions } from '../../../sim/link/flow-table.ts';
import type { FlowEnds } from '../../../sim/link/flows.ts';
import { Cable } from '../../../sim/link/cable.ts';
import { parseAddress } from '../../../sim/packet/address.ts';
import { ACK, FIN, ICMP, type Packet, RST, SYN, TCP, UDP } from '../../../sim/packet/packet.ts';
import { heartbeatFirmware, referenceServer } from '../../../sim/programs.ts';
import { Simulation } from '../../../sim/simulation.ts';
import { Host, packet, type World, world } from './rig.ts';

const address = (text: string) => parseAddress(text) ?? 0;
const DEVICE = address('10.0.0.5');
const SERVER = address('10.0.0.1');
const ENDS: FlowEnds = [{ address: '10.0.0.5', port: 5000 }, { address: '10.0.0.1', port: 80 }];

const SECOND = 1_000_000;
const IDLE = 350 * SECOND;

let w: World;
let device: Host;
let server: Host;
let cable: Cable;
let table: FlowTable;
let undo: () => void;
/** The flows that the box has forgotten: the time, the ends, and how long the flow was idle. */
let forgotten: (readonly [atUs: number, ends: FlowEnds, idleMs: number])[];

beforeEach(() => {
  w = world();
  device = new Host(w.engine);
  server = new Host(w.engine);
  cable = new Cable(w.fabric, 'dev-1', device, server);
  forgotten = [];
});

const onForgotten = (ends: FlowEnds, idleMs: number) => void forgotten.push([w.engine.nowUs, ends, idleMs]);

function install(options: FlowTableOptions = { unknown: 'adopted', idleUs: IDLE, onForgotten }): void {
  table = new FlowTable(w.engine, options);
  undo = table.install(cable);
}

/** Sends a packet from the device's port 5000 to the server's port 80. Returns whether it arrives. */
function out(fields: Partial<Packet> = {}): boolean {
  const count = server.packets.length;
  cable.send(packet(0, 0, { source: DEVICE, sourcePort: 5000, destination: SERVER, destinationPort: 80, ...fields }));
  w.run(0);
  return server.packets.length > count;
}

/** Sends a packet from the server's port 80 to the device's port 5000. Returns whether it arrives. */
function back(fields: Partial<Packet> = {}): boolean {
  const count = device.packets.length;
  cable.receive(
    packet(0, 0, { source: SERVER, sourcePort: 80, destination: DEVICE, destinationPort: 5000, ...fields }),
  );
  w.run(0);
  return device.packets.length > count;
}

function connect(sourcePort = 5000): void {
  expect([
    out({ flags: SYN, sourcePort }),
    back({ flags: SYN | ACK, destinationPort: sourcePort }),
    out({ sourcePort }),
  ]).toEqual([true, true, true]);
}

/** Sends the FIN of both ends. */
function close(sourcePort = 5000): void {
  expect([
    out({ flags: FIN | ACK, sourcePort }),
    back({ flags: FIN | ACK, destinationPort: sourcePort }),
    out({ sourcePort }),
  ]).toEqual([true, true, true]);
}

describe('a connection that is idle', () => {
  beforeEach(() => {
    install();
    connect();
  });

  it('is forgotten at that very microsecond, and not before', () => {
    w.run(IDLE - 1);
    expect(forgotten).toEqual([]);
    w.run(1);
    expect(forgotten).toEqual([[IDLE, ENDS, 350_000]]);
    expect([out(), back()]).toEqual([false, false]);
    expect(w.dropped.map(([, , reason, at]) => [reason, at])).toEqual([
      ['no-mapping', 'dev-1'],
      ['no-mapping', 'dev-1'],
    ]);
  });

  it('lives on with a packet in the last microsecond, whichever way', () => {
    w.run(IDLE - 1);
    expect(out()).toBe(true);
    w.run(IDLE - 1);
    expect(back()).toBe(true);
    w.run(IDLE - 1);
    expect(forgotten).toEqual([]);
    w.run(1);
    expect(forgotten).toEqual([[3 * IDLE - 2, ENDS, 350_000]]);
  });

  it('is told of once, though its packet comes in the microsecond in which it is forgotten, before anything else', () => {
    const at = w.engine.nowUs + IDLE;
    undo();
    // This alarm was set before the box's own alarm, so it comes first.
    w.engine.at(
      at,
      () => cable.send(packet(7, 0, { source: DEVICE, sourcePort: 5000, destination: SERVER, destinationPort: 80 })),
      'the test',
    );
    install();
    out();
    w.run(2 * IDLE);
    expect(forgotten).toEqual([[at, ENDS, 350_000]]);
    expect(w.dropped).toEqual([[at, 7, 'no-mapping', 'dev-1']]);
  });

  it('stays forgotten, with any packets, until a SYN opens it again', () => {
    w.run(IDLE);
    for (const flags of [ACK, FIN | ACK, RST, SYN | ACK]) {
      expect([out({ flags }), back({ flags })]).toEqual([false, false]);
    }
    w.run(3 * IDLE);
    expect(out()).toBe(false);
    connect();
    w.run(IDLE);
    expect(forgotten).toHaveLength(2);
    // A SYN from either side opens it.
    expect([back(), back({ flags: SYN }), out({ flags: SYN | ACK }), back()]).toEqual([false, true, true, true]);
  });

  it('does not keep another, nor is it kept by it', () => {
    w.run(IDLE - 10);
    connect(6000);
    w.run(10);
    expect(forgotten.map(([, [{ port }]]) => port)).toEqual([5000]);
    expect([out(), out({ sourcePort: 6000 })]).toEqual([false, true]);
    // Another peer has the same ports.
    expect(out({ sourcePort: 6000, destination: address('10.0.0.2') })).toBe(false);
    expect(out({ sourcePort: 6000, protocol: UDP })).toBe(true);
  });

  it('sets no time for each of its packets', () => {
    let count = 0;
    const { set } = w.engine;
    w.engine.set = (handle, atUs) => {
      count++;
      set.call(w.engine, handle, atUs);
    };
    for (let i = 0; i < 1000; i++) {
      out();
      w.run(SECOND);
    }
    // Each time when it would have been forgotten: once in 350 s or so.
    expect(count).toBeLessThanOrEqual(4);
  });
});

describe('of a connection that is over', () => {
  it.each([
    ['a FIN from the device', () => out({ flags: FIN | ACK })],
    ['a FIN from the server', () => back({ flags: FIN | ACK })],
    ['a RST from the device', () => out({ flags: RST })],
    ['a RST from the server', () => back({ flags: RST })],
  ])('by %s nothing is told, and its last packets pass', (_what, end) => {
    install();
    connect();
    expect(end()).toBe(true);
    w.run(240 * SECOND - 1);
    expect([out(), back()]).toEqual([true, true]);
    w.run(IDLE);
    expect([out(), back()]).toEqual([false, false]);
    expect(forgotten).toEqual([]);
  });

  it('the ports can be used again, and the new one is told of', () => {
    install();
    connect();
    close();
    connect();
    w.run(IDLE);
    expect(forgotten).toEqual([[IDLE, ENDS, 350_000]]);
  });

  it('that never was one nothing is told', () => {
    install();
    out({ flags: SYN });
    w.run(2 * IDLE);
    expect(forgotten).toEqual([]);
  });
});

describe('a connection that was there before the box', () => {
  it('is taken in with its first packet, and forgotten like any other', () => {
    install();
    w.run(IDLE - 1);
    expect(back()).toBe(true);
    w.run(IDLE - 1);
    expect(out()).toBe(true);
    w.run(IDLE);
    expect(forgotten).toEqual([[3 * IDLE - 2, ENDS, 350_000]]);
  });

  it('is not taken in when it was idle too long since then', () => {
    install();
    w.run(IDLE);
    expect([out(), back()]).toEqual([false, false]);
    expect(table.size).toBe(0);
  });

  it('is dropped by a box that has forgotten all, both ways, until a SYN comes', () => {
    install({ unknown: 'dropped' });
    expect([out(), back(), out({ flags: FIN | ACK }), back({ flags: RST }), back({ flags: SYN | ACK })]).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
    connect();
    // The box never forgets the flow again.
    w.run(1e12);
    expect([out(), back()]).toEqual([true, true]);
  });
});

describe('datagrams that nobody inside has asked for', () => {
  const unsolicited = (): boolean => back({ protocol: UDP, flags: 0 });

  it('are dropped, as by a NAT box, until the host inside sends one itself', () => {
    install({ unknown: 'dropped' });
    expect([unsolicited(), out({ protocol: UDP, flags: 0 }), unsolicited()]).toEqual([false, true, true]);
  });

  it('pass to a server, as through a box in front of it', () => {
    install({ unknown: 'dropped', udpFrom: 'both' });
    expect([unsolicited(), back()]).toEqual([true, false]);
  });
});

it('forgets all when it is told to, and those too that it has not seen', () => {
  install();
  connect();
  w.run(7 * SECOND);
  table.forgetAll();
  expect(forgotten).toEqual([[7 * SECOND, ENDS, 7000]]);
  expect([out(), back(), out({ sourcePort: 6000 }), table.size]).toEqual([false, false, false, 0]);
});

it('tells connections apart whose hashes are the same, whichever of them it forgets first', () => {
  // The highest bits of both addresses cancel out in the hash, and so do these differences of protocol and port.
  const far = { source: DEVICE ^ 0x8000_0000, destination: SERVER ^ 0x8000_0000 };
  const udp = { protocol: UDP, destinationPort: 80 ^ TCP ^ UDP } as const;
  const alike: readonly Partial<Packet>[] = [{}, far, udp, { ...udp, ...far }];
  // An ICMP error passes if the box knows the connection that it quotes. The error does not keep the connection.
  const known = () =>
    alike.map((one) =>
      back({
        protocol: ICMP,
        quoted: packet(0, 0, { source: DEVICE, sourcePort: 5000, destination: SERVER, destinationPort: 80, ...one }),
      }),
    );
  for (const order of permutations([0, 1, 2, 3])) {
    install({ unknown: 'dropped', idleUs: 100 * SECOND });
    for (const one of alike) out({ flags: SYN, ...one });
    for (const i of order) {
      w.run(SECOND);
      out({ flags: SYN, ...alike[i] });
    }
    w.run(97 * SECOND - 1);
    for (let count = 0; count < 4; count++) {
      expect(known()).toEqual(alike.map((_, i) => order.indexOf(i) >= count));
      w.run(SECOND);
    }
    w.run(1);
    expect([known(), table.size]).toEqual([[false, false, false, false], 0]);
    undo();
  }
});

function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((first) => permutations(items.filter((item) => item !== first)).map((rest) => [first, ...rest]));
}

describe('datagrams', () => {
  const udp = { protocol: UDP } as const;

  it('are let in where the host has sent some, as long as it is not forgotten', () => {
    install({ unknown: 'dropped', idleUs: IDLE, onForgotten });
    expect([back(udp), out(udp), back(udp)]).toEqual([false, true, true]);
    w.run(IDLE - 1);
    expect(back(udp)).toBe(true);
    w.run(IDLE);
    expect([back(udp), out(udp), back(udp)]).toEqual([false, true, true]);
    w.run(IDLE);
    expect(forgotten).toEqual([]);
  });

  it('are taken in from outside, where they may have been there before', () => {
    install();
    expect(back(udp)).toBe(true);
    w.run(IDLE);
    expect(back(udp)).toBe(false);
  });
});

describe('an ICMP error', () => {
  const fromHost = packet(0, 0, { source: DEVICE, sourcePort: 5000, destination: SERVER, destinationPort: 80 });
  const fromServer = packet(0, 0, { source: SERVER, sourcePort: 80, destination: DEVICE, destinationPort: 5000 });

  it('passes where it quotes what is known, and does not keep it', () => {
    install({ unknown: 'dropped', idleUs: IDLE, onForgotten });
    const errors = () => [back({ protocol: ICMP, quoted: fromHost }), out({ protocol: ICMP, quoted: fromServer })];
    expect(errors()).toEqual([false, false]);
    connect();
    w.run(IDLE - 1);
    expect(errors()).toEqual([true, true]);
    w.run(1);
    expect(errors()).toEqual([false, false]);
    expect(forgotten).toHaveLength(1);
  });

  it('passes where what it quotes may have been there before', () => {
    install();
    expect(back({ protocol: ICMP, quoted: fromHost })).toBe(true);
    w.run(IDLE);
    expect(back({ protocol: ICMP, quoted: fromHost })).toBe(false);
  });
});

describe('in the long run', () => {
  it.each([
    ['forgets what is idle', { unknown: 'adopted', idleUs: IDLE }],
    ['has forgotten all at once', { unknown: 'dropped' }],
  ] as const)('a box that %s keeps few of 10,000 connections that come and go', (_what, options) => {
    install({ ...options, onForgotten });
    let most = 0;
    for (let i = 0; i < 10_000; i++) {
      connect(1024 + i);
      close(1024 + i);
      most = Math.max(most, table.size);
      w.run(SECOND);
    }
    // The box keeps each of them for the 4 min of RFC 5382.
    expect(most).toBe(240);
    expect(forgotten).toEqual([]);
  });

  it('a box that forgets what is idle keeps none of 10,000 that nobody ended, and tells of each in its turn', () => {
    install();
    for (let i = 0; i < 10_000; i++) {
      connect(1024 + i);
      w.run(1000);
    }
    expect(table.size).toBe(10_000);
    w.run(IDLE);
    expect(table.size).toBe(0);
    expect(forgotten.map(([atUs]) => atUs)).toEqual(Array.from({ length: 10_000 }, (_, i) => IDLE + i * 1000));
    for (let i = 0; i < 10_000; i++) out({ sourcePort: 1024 + i });
    expect(table.size).toBe(0);
  });
});

describe('taking it off', () => {
  it('lets all things pass again, and nothing is told any more', () => {
    install();
    connect();
    undo();
    w.run(IDLE);
    expect([out(), back(), forgotten]).toEqual([true, true, []]);
    undo();
    install({ unknown: 'dropped' });
    expect(out()).toBe(false);
    undo();
    expect(out()).toBe(true);
  });
});

describe('the fault', () => {
  /** Begins the fault, as a plan does. `box` forgets everything, if the fault is to do that. */
  function begin(idle?: string): (() => void) | undefined {
    const { board } = new Simulation().addDevice({ firmware: () => {}, power: false });
    return natTimeoutFault.begin(
      {
        machine: board,
        network: {
          cable,
          timeline: w.engine,
          udpFrom: 'inside',
          connections: () => [],
          setDeafToProbes: () => {},
          forgetFlows: () => install({ unknown: 'dropped' }),
          onForgotten,
        },
      },
      idle,
    );
  }

  it('without a time forgets all, again and again, and one box is enough for that', async () => {
    const sim = new Simulation();
    sim.addServer(referenceServer());
    // lwIP has room for 5, and for none more where 5 that were closed wait for the ACK of their FIN.
    sim.addDevice({ firmware: heartbeatFirmware(), profile: 'linux', link: { delay: '20ms' } });
    const link = sim.cable('dev-1');
    const { install: put } = link;
    let rules = 0;
    link.install = (direction, rule) => {
      rules++;
      return put.call(link, direction, rule);
    };
    sim.schedule('nat-timeout on dev-1 at 1m every 1m');
    await sim.runFor('10.5m');
    const verdicts = sim.testbed.witness.judge.verdicts();
    expect(verdicts.map(({ serverNoticed }) => serverNoticed?.by)).toEqual(Array.from({ length: 10 }, () => 'silent'));
    // `both` installs two rules, one for each way.
    expect(rules).toBe(2);
  });

  it('with a time forgets flows that are idle for that time, until it heals', () => {
    connect();
    const heal = begin('350s');
    w.run(IDLE - 1);
    expect(out()).toBe(true);
    w.run(IDLE);
    expect(out()).toBe(false);
    expect(forgotten).toEqual([[2 * IDLE - 1, ENDS, 350_000]]);
    heal?.();
    expect(out()).toBe(true);
  });

  it('of one kind does not end the other', () => {
    const heal = begin('350s');
    begin();
    connect();
    w.run(IDLE);
    expect(forgotten).toHaveLength(1);
    heal?.();
    expect(out()).toBe(true);
    begin();
    expect(out()).toBe(false);
  });
});
