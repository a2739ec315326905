/**
 * The server's ends of connections, as its packets and looks at its sockets tell. Any kernel will do; here there is
 * none.
 */

import { expect, it } from 'vitest';
import { type EndPair, type Look, ServerEnds } from '../../../sim/gateway/server-ends.ts';
import { parseAddress } from '../../../sim/packet/address.ts';
import { ACK, FIN, Packet, PSH, RST, SYN } from '../../../sim/packet/packet.ts';
import { Engine } from '../../../sim/time/engine.ts';

const SERVER = parseAddress('10.0.0.1') ?? 0;
const DEVICE = parseAddress('10.0.0.2') ?? 0;

/** A connection whose numbers begin at 100 for the server, and a kernel that says what it is told to. */
class Rig {
  readonly engine = new Engine();
  readonly gone: string[] = [];
  readonly looks: number[] = [];
  closedRounds = 0;
  readonly #canLook: boolean;
  look: Look = { timerMs: 1000 };
  readonly ends = new ServerEnds({
    timeline: this.engine,
    canLook: () => this.#canLook,
    look: (pair: EndPair) => {
      this.looks.push(this.engine.nowUs / 1000);
      this.engine.at(this.engine.nowUs + 100, () => this.ends.looked(pair, this.look), 'an answer');
    },
    lookForClosed: () => this.closedRounds++,
    onGone: ({ address, port }, by) => this.gone.push(`${address}:${port} ${by} at ${this.engine.nowUs / 1000}`),
  });

  constructor(canLook = true) {
    this.#canLook = canLook;
    this.fromServer(SYN | ACK, 99);
    this.fromDevice(ACK, 100);
  }

  fromServer(flags: number, seq: number, payloadBytes = 0): void {
    const packet = new Packet();
    Object.assign(packet, { source: SERVER, sourcePort: 80, destination: DEVICE, destinationPort: 5000, flags, seq });
    packet.reserve(payloadBytes);
    this.ends.fromServer(packet);
  }

  fromDevice(flags: number, ack: number, window = 1000): void {
    const packet = new Packet();
    const ends = { source: DEVICE, sourcePort: 5000, destination: SERVER, destinationPort: 80 };
    Object.assign(packet, { ...ends, flags, ack, window });
    this.ends.fromDevice(packet);
  }

  pass(ms: number): void {
    this.engine.runUntil(this.engine.nowUs + ms * 1000);
  }
}

it('are over with the FIN of the server, and with its RST', () => {
  const fin = new Rig();
  fin.fromServer(FIN | ACK, 100);
  expect(fin.gone).toEqual(['10.0.0.2:5000 closed at 0']);
  expect(fin.ends.size).toBe(0);
  const reset = new Rig();
  reset.fromServer(RST | ACK, 100);
  expect(reset.gone).toEqual(['10.0.0.2:5000 ECONNRESET at 0']);
});

it('are given up by a RST that follows on probes without an answer; one that was answered does not count', () => {
  const rig = new Rig();
  rig.fromServer(ACK, 99);
  rig.fromDevice(ACK, 100);
  rig.pass(1000);
  rig.fromServer(RST | ACK, 100);
  expect(rig.gone).toEqual(['10.0.0.2:5000 ECONNRESET at 1000']);
  const other = new Rig();
  other.fromServer(ACK, 99);
  other.pass(1000);
  other.fromServer(RST | ACK, 100);
  expect(other.gone).toEqual(['10.0.0.2:5000 ETIMEDOUT at 1000']);
});

it('are looked at only where an answer is overdue, and then once a timeout', () => {
  const rig = new Rig();
  rig.fromServer(PSH | ACK, 100, 10);
  rig.pass(300);
  rig.fromDevice(ACK, 110);
  rig.pass(10_000);
  expect(rig.looks).toEqual([]);
  rig.fromServer(PSH | ACK, 110, 10);
  rig.pass(5000);
  expect(rig.looks.length).toBeGreaterThanOrEqual(4);
  expect(rig.looks.length).toBeLessThanOrEqual(6);
  expect(rig.gone).toEqual([]);
});

it('that are gone without a word are noticed when their timer has run out: within 50 ms', () => {
  const rig = new Rig();
  rig.fromServer(PSH | ACK, 100, 10);
  rig.pass(550);
  // The kernel gives up when the timer that it told of runs out.
  const toldMs = rig.looks[0] ?? Number.NaN;
  rig.look = 'gone';
  rig.pass(1050);
  expect(rig.gone).toHaveLength(1);
  expect(Number(rig.gone[0]?.split(' ').at(-1))).toBeLessThan(toldMs + 1050);
  expect(rig.gone[0]).toContain('ETIMEDOUT');
});

it('that a reset of the device has ended are gone by that; a reset that did not fit has ended nothing', () => {
  const rig = new Rig();
  rig.fromDevice(RST, 0);
  rig.pass(1000);
  expect(rig.looks.length).toBeGreaterThan(1);
  expect(rig.gone).toEqual([]);
  rig.look = 'gone';
  rig.fromDevice(RST, 0);
  rig.pass(100);
  expect(rig.gone).toHaveLength(1);
  expect(rig.gone[0]).toContain('ECONNRESET');
});

it('that a reset ends late, as it was still on its way, are gone by it all the same', () => {
  const rig = new Rig();
  rig.fromDevice(RST, 0);
  rig.pass(150);
  rig.look = 'gone';
  rig.pass(100);
  expect(rig.gone).toHaveLength(1);
  expect(rig.gone[0]).toContain('ECONNRESET');
});

it.each([
  ['data that nobody acknowledges', (rig: Rig) => rig.fromServer(PSH | ACK, 100, 10)],
  ['a closed window', (rig: Rig) => rig.fromDevice(ACK, 100, 0)],
])('that the program has closed are asked for ten times a second while a FIN may wait: behind %s', (_, hold) => {
  const rig = new Rig();
  rig.pass(5000);
  expect(rig.closedRounds).toBe(0);
  hold(rig);
  rig.pass(2000);
  expect(rig.closedRounds).toBeGreaterThanOrEqual(13);
  expect(rig.closedRounds).toBeLessThanOrEqual(21);
  rig.ends.looked({ deviceAddress: DEVICE, devicePort: 5000 }, 'closed');
  expect(rig.gone).toEqual(['10.0.0.2:5000 closed at 7000']);
  const before = rig.closedRounds;
  rig.pass(1000);
  expect(rig.closedRounds).toBe(before);
});

it('are not asked for any more when the data was acknowledged, or the window has opened', () => {
  const rig = new Rig();
  rig.fromServer(PSH | ACK, 100, 10);
  rig.fromDevice(ACK, 100, 0);
  rig.pass(1000);
  const before = rig.closedRounds;
  expect(before).toBeGreaterThan(5);
  rig.fromDevice(ACK, 110);
  rig.pass(1000);
  expect(rig.closedRounds).toBe(before);
});

it('begin again where the device uses the same port again', () => {
  const rig = new Rig();
  rig.fromServer(FIN | ACK, 100);
  rig.fromServer(SYN | ACK, 5_000_000);
  rig.fromDevice(ACK, 5_000_001);
  rig.pass(10_000);
  rig.fromServer(RST | ACK, 5_000_001);
  expect(rig.gone).toEqual(['10.0.0.2:5000 closed at 0', '10.0.0.2:5000 ECONNRESET at 10000']);
});

it('are forgotten with their kernel, and never looked at where nobody can', () => {
  const rig = new Rig(false);
  rig.fromServer(PSH | ACK, 100, 10);
  rig.pass(10_000);
  expect(rig.looks).toEqual([]);
  expect(rig.closedRounds).toBe(0);
  rig.ends.forgetAll();
  rig.fromServer(RST | ACK, 100);
  expect(rig.gone).toEqual([]);
});
