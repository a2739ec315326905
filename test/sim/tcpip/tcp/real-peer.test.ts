/** Findings with a real peer: path MTU, ICMP errors, ping, initial sequence numbers, the IPv4 header. */

import { describe, expect, it } from 'vitest';
import {
  ECHO_REQUEST,
  ECHO_REPLY,
  FRAGMENTATION_NEEDED,
  HOST_UNREACHABLE,
  ICMP,
  Packet,
  PORT_UNREACHABLE,
  TIME_EXCEEDED,
} from '../../../../sim/packet/packet.ts';
import { clockedIss } from '../../../../sim/tcpip/initial-seq.ts';
import { PROFILE_NAMES } from '../../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../../sim/tcpip/profiles/index.ts';
import { Rig } from '../rig.ts';

describe('path MTU', () => {
  const tooBig = { code: FRAGMENTATION_NEEDED, nextHopMtuBytes: 1300 };

  it('is obeyed by Linux: the segment that was too long goes again at once, in pieces that fit, and all later segments fit', () => {
    const rig = new Rig('linux');
    const user = rig.connected();
    user.write(2920);
    expect(rig.sent()).toEqual(['. 1:1461 ack 1', 'P. 1461:2921 ack 1']);
    rig.complain(tooBig);
    expect(rig.sent()).toEqual(['. 1:1261 ack 1', '. 1261:2521 ack 1', 'P. 2521:2921 ack 1']);
    rig.peer('. 1 ack 2921');
    user.write(1461);
    expect(rig.sent()[0]).toBe('. 2921:4181 ack 1');
  });

  it('does not fall below 552 bytes, and means nothing where it is no news', () => {
    const rig = new Rig('linux');
    const user = rig.connected();
    user.write(1000);
    rig.sent();
    rig.complain({ ...tooBig, nextHopMtuBytes: 1500 });
    expect(rig.sent()).toEqual([]);
    rig.complain({ ...tooBig, nextHopMtuBytes: 0 });
    expect(rig.sent()).toEqual(['. 1:513 ack 1', 'P. 513:1001 ack 1']);
  });

  it('is not believed of what was never sent, or was acknowledged (RFC 5927 4.1)', () => {
    const rig = new Rig('linux');
    rig.connected().write(1460);
    rig.sent();
    rig.complain(tooBig, -1);
    rig.complain(tooBig, 1461);
    expect(rig.sent()).toEqual([]);
    rig.complain(tooBig, 1460);
    expect(rig.sent()).toHaveLength(2);
  });
});

describe.each(PROFILE_NAMES)('%s', (name) => {
  const { icmpErrors, timeToLive, dontFragment } = PROFILES[name];
  const isHeeded = icmpErrors === 'linux';

  it('obeys an ICMP error while it connects, or does not', () => {
    for (const [fields, errno] of [
      [{ code: HOST_UNREACHABLE }, 'EHOSTUNREACH'],
      [{ code: 0 }, 'ENETUNREACH'],
      [{ code: 13 }, 'EHOSTUNREACH'],
      [{ code: PORT_UNREACHABLE }, 'ECONNREFUSED'],
      [{ icmpType: TIME_EXCEEDED, code: 0 }, 'EHOSTUNREACH'],
    ] as const) {
      const rig = new Rig(name);
      const user = rig.connect();
      rig.complain(fields);
      expect(user.told).toEqual(isHeeded ? [`ended ${errno}`] : []);
      expect(rig.state).toBe(isHeeded ? 'CLOSED' : 'SYN-SENT');
    }
  });

  it('keeps an established connection after any message of a router', () => {
    const rig = new Rig(name);
    rig.connected().write(10);
    for (const code of [0, 1, 2, 3, 5, 13, 255]) rig.complain({ code });
    rig.complain({ icmpType: TIME_EXCEEDED });
    expect(rig.state).toBe('ESTABLISHED');
    expect(rig.tcb?.trouble.softError).toBe(isHeeded ? 'EHOSTUNREACH' : undefined);
  });

  it('answers a ping with its own number and data (RFC 1122 3.2.2.6), and asks nobody', () => {
    const rig = new Rig(name);
    const answers: Partial<Packet>[] = [];
    rig.onSent = ({ protocol, icmpType, seq, source, destination, payload, payloadBytes }) =>
      answers.push({ protocol, icmpType, seq, source, destination, payload: payload.slice(0, payloadBytes) });
    const ping = Object.assign(rig.newPeerPacket(), { protocol: ICMP, icmpType: ECHO_REQUEST, seq: 0x1234_0001 });
    ping.reserve(3);
    ping.payload.set([1, 2, 3]);
    const { source, destination } = ping;
    rig.arrive(ping);
    rig.run(1);
    const payload = Uint8Array.of(1, 2, 3);
    const [from, to] = [destination, source];
    expect(answers).toEqual([
      { protocol: ICMP, icmpType: ECHO_REPLY, seq: 0x1234_0001, source: from, destination: to, payload },
    ]);
    rig.arrive(Object.assign(rig.newPeerPacket(), { protocol: ICMP, icmpType: ECHO_REPLY }));
    rig.run(1);
    expect(answers).toHaveLength(1);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('sends with its own TTL, and with DF or numbers that tell fragments apart', () => {
    const rig = new Rig(name);
    const seen: [number, boolean, number][] = [];
    rig.onSent = ({ timeToLive: ttl, dontFragment: df, identification }) => seen.push([ttl, df, identification]);
    rig.connected().write(10);
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.every(([ttl, df]) => ttl === timeToLive && df === dontFragment)).toBe(true);
    const numbers = seen.map(([, , identification]) => identification);
    expect(numbers).toEqual(dontFragment ? numbers.map(() => 0) : numbers.map((_, i) => i + 1));
  });
});

describe('the first sequence number', () => {
  const numberAfter = (rig: Rig, ms: number): number => {
    rig.run(ms);
    rig.connect();
    return rig.stack.connections.all()[0]?.sndUna ?? 0;
  };

  it("goes with a clock of 64 ns for the same two ends, and is another one's for others (RFC 6528)", () => {
    const first = clockedIss(0, 99, 1, 2, 3, 4);
    expect((clockedIss(64_000, 99, 1, 2, 3, 4) - first) | 0).toBe(1_000_000);
    const others = [
      clockedIss(0, 98, 1, 2, 3, 4),
      clockedIss(0, 99, 5, 2, 3, 4),
      clockedIss(0, 99, 1, 5, 3, 4),
      clockedIss(0, 99, 1, 2, 5, 4),
      clockedIss(0, 99, 1, 2, 3, 5),
    ];
    expect(new Set([first, ...others]).size).toBe(6);
  });

  it('of lwIP adds the ticks of its slow timer to the last one', () => {
    const rig = new Rig('lwip');
    expect(numberAfter(rig, 0)).toBe(6510);
    expect(numberAfter(rig, 10_000)).toBe(6510 + 20);
    expect(numberAfter(rig, 999)).toBe(6510 + 20 + 21);
  });

  it('of the others is not the same in a world of another seed', () => {
    for (const name of ['linux', 'w5500', 'freertos-tcp'] as const) {
      const numbers = [1, 2, 3].map((seed) => numberAfter(new Rig(name, seed), 0));
      expect(new Set(numbers).size).toBe(3);
    }
  });
});
