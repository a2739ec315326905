/** Arriving segments: which of them count, and what each state makes of them (RFC 9293 3.10.7, RFC 5961). */

import { describe, expect, it } from 'vitest';
import { type Profile, PROFILE_NAMES, type ProfileName } from '../../../../sim/tcpip/profile.ts';
import { PORT, Rig, type User, windows } from '../rig.ts';
import { EXACT } from './opened.ts';

function opened(profile: ProfileName | Profile = EXACT, options = 'win 60000 mss 1460'): { rig: Rig; user: User } {
  const rig = new Rig(profile);
  return { rig, user: rig.connected(options) };
}

describe('an established connection', () => {
  it('takes nothing without ACK (RFC 9293 3.10.7.4, fifth)', () => {
    const { rig, user } = opened();
    rig.peer('P 1:5');
    expect(rig.sent()).toEqual([]);
    expect(user.read(10)).toBe('EAGAIN');
  });

  it('takes an ACK up to the edge of its window, and no further (tcp_sequence)', () => {
    for (const [seq, isTaken] of [[1 + 64_240, true], [2 + 64_240, false]] as const) {
      const { rig, user } = opened();
      user.write(10);
      rig.sent();
      rig.peer(`. ${seq} ack 11`);
      expect(rig.tcb?.packetsOut).toBe(isTaken ? 0 : 1);
      expect(rig.sent()).toEqual(isTaken ? [] : ['. 11 ack 1']);
    }
  });

  it('answers no RST that does not fit, nor a segment without data that came before twice in half a second', () => {
    const { rig } = opened();
    rig.peer('R 200000');
    expect(rig.sent()).toEqual([]);
    rig.peer('. 0 ack 1');
    rig.peer('. 0 ack 1');
    expect(rig.sent()).toEqual(['. 1 ack 1']);
    // A segment with data is answered each time.
    rig.peer('. 0:1 ack 1');
    rig.peer('. 0:1 ack 1');
    expect(rig.sent()).toHaveLength(2);
    rig.run(500);
    rig.peer('. 0 ack 1');
    expect(rig.sent()).toEqual(['. 1 ack 1']);
  });

  it('needs quick ACKs after what came before, and not after what is beyond its window', () => {
    const { rig } = opened();
    if (rig.tcb !== undefined) rig.tcb.quickAcks = 0;
    rig.peer('P. 70000:70001 ack 1');
    expect(rig.tcb?.quickAcks).toBe(0);
    rig.peer('P. 1:3 ack 1');
    if (rig.tcb !== undefined) rig.tcb.quickAcks = 0;
    rig.run(1000);
    rig.sent();
    rig.peer('P. 1:2 ack 1');
    expect(rig.tcb?.quickAcks).toBeGreaterThan(10);
  });

  it('is deaf to empty probes where its profile says so, and to nothing else (RFC 1122 4.2.3.6)', () => {
    for (const [text, isHeard] of [
      ['. 0 ack 1', false], ['. -1 ack 1', true], ['P. 0 ack 1', true], ['. 0:1 ack 1', true],
    ] as const) {
      const { rig } = opened({ ...EXACT, answersEmptyProbes: false });
      rig.peer(text);
      expect(rig.sent()).toHaveLength(isHeard ? 1 : 0);
    }
  });

  it('w5500: SYN before its window is answered by ACK, in it by RST', () => {
    for (const [seq, state] of [[0, 'ESTABLISHED'], [1, 'CLOSED']] as const) {
      const { rig } = opened('w5500');
      rig.peer(`S ${seq} mss 1460`);
      expect(rig.state).toBe(state);
    }
  });
});

describe('a connect', () => {
  it('is not answered by an ACK alone, though it fits', () => {
    const rig = new Rig(EXACT);
    const user = rig.connect();
    rig.sent();
    rig.peer('. 1 ack 1');
    expect([rig.state, rig.sent(), user.told]).toEqual(['SYN-SENT', [], []]);
  });

  it('that crosses another sends SYN and ACK again, until it is acknowledged', () => {
    const rig = new Rig(EXACT);
    rig.connect();
    rig.sent();
    rig.run(500);
    rig.peer('S 0 mss 1460');
    expect(rig.sent()).toEqual(['S. 0 ack 1 mss 1460']);
    // This is the time at which SYN would have been sent again.
    rig.run(505);
    expect(rig.sent()).toEqual(['S. 0 ack 1 mss 1460']);
    // The peer's SYN and ACK acknowledges our SYN.
    rig.peer('S. 0 ack 1 mss 1460');
    expect(rig.state).toBe('ESTABLISHED');
  });

  it('crossed by another is not open by SYN and ACK with other numbers', () => {
    for (const text of ['S. 5 ack 1 mss 1460', 'S. 0 ack 0 mss 1460', 'S. 0:1 ack 1 mss 1460']) {
      const rig = new Rig(EXACT);
      rig.connect();
      rig.peer('S 0 mss 1460');
      rig.peer(text);
      expect(rig.state).toBe('SYN-RECEIVED');
    }
  });

  it.each([
    [9000, 1460],
    [1000, 1000],
    [0, 536],
  ])('to a peer with an MSS of %i sends %i bytes at most (RFC 9293 3.7.1)', (mss, bytes) => {
    const { rig, user } = opened(EXACT, mss > 0 ? `win 60000 mss ${mss}` : 'win 60000');
    user.write(3000);
    expect(rig.sent()[0]).toBe(`. 1:${1 + bytes} ack 1`);
  });

  it('that had to be repeated leaves nothing behind: all retries are for the data (RFC 6298 5.7)', () => {
    const rig = new Rig('w5500');
    const user = rig.connect();
    rig.run(3000);
    rig.peer('S. 0 ack 1 win 60000 mss 1460');
    user.write(10);
    rig.sent();
    const fromMs = rig.nowMs;
    rig.run(60_000);
    const afterS = rig.times().map((ms) => Math.round((ms - fromMs) / 100) / 10);
    expect(afterS).toEqual([0.2, 0.6, 1.4, 3, 6.2, 12.6, 19, 25.4]);
  });

  it('lwip: the silence of a connection counts from when it was open', () => {
    const rig = new Rig('lwip');
    const user = rig.connect();
    rig.run(10_000);
    rig.peer('S. 0 ack 1 win 60000 mss 1460');
    user.socket?.close();
    rig.peer('. 1 ack 2');
    rig.run(20_000);
    expect(rig.state).toBe('FIN-WAIT-2');
    rig.run(1000);
    expect(rig.state).toBe('CLOSED');
  });
});

describe('windows of the handshake (RFC 7323 2.2, 2.3)', () => {
  it('that of SYN and ACK is not scaled, that of what follows is', () => {
    const { rig } = opened(EXACT, 'win 100 mss 1460 wscale 3');
    expect(rig.tcb?.sndWnd).toBe(100);
    const passive = new Rig(EXACT);
    passive.listen();
    passive.peer('S 0 win 100 mss 1460 wscale 3');
    passive.peer('. 1 ack 1 win 100');
    expect(passive.tcb?.sndWnd).toBe(800);
  });

  it('a peer whose scale is 0 scales all the same', () => {
    for (const [wscale, window] of [[' wscale 0', Math.ceil(64_240 / 128)], ['', 64_240]] as const) {
      const rig = new Rig(EXACT);
      const seen = windows(rig);
      rig.connected(`win 60000 mss 1460${wscale}`);
      expect(seen).toEqual([64_240, window]);
    }
  });

  it('no more than 65535 bytes are offered before scales are known', () => {
    const rig = new Rig({ ...EXACT, receiveBufferBytes: 200_000 });
    const seen = windows(rig);
    rig.connected();
    expect(seen).toEqual([65_535, 65_535]);
    expect((rig.tcb?.rcvEdge ?? 0) - (rig.tcb?.rcvNxt ?? 0)).toBe(65_535);
  });

  it('SYN and ACK echoes the timestamp of SYN', () => {
    const rig = new Rig(EXACT);
    const seen: number[] = [];
    rig.onSent = ({ timestampEcho }) => seen.push(timestampEcho);
    rig.listen();
    rig.peer('S 0 mss 1460', { timestamp: 77 });
    expect(seen).toEqual([77]);
  });
});

describe('a SYN that comes again', () => {
  it.each(PROFILE_NAMES)('%s: is answered by the same SYN and ACK while the handshake lasts', (name) => {
    const rig = new Rig(name);
    rig.listen();
    rig.peer('S 0 mss 1460');
    const [first = ''] = rig.sent();
    rig.run(10);
    rig.peer('S 0 mss 1460');
    expect(rig.sent()).toEqual([first]);
    expect(rig.state).toBe('SYN-RECEIVED');
  });

  it('linux: is answered by ACK when it is over (RFC 5961 4.2)', () => {
    const rig = new Rig(EXACT);
    rig.acceptedFrom();
    rig.peer('S 0 mss 1460');
    expect(rig.sent()).toEqual(['. 1 ack 1']);
  });

  it('w5500: with a number in the window does not end a handshake', () => {
    const rig = new Rig('w5500');
    rig.listen();
    rig.peer('S 0 mss 1460');
    rig.sent();
    rig.peer('S 5 mss 1460');
    expect([rig.state, rig.sent()]).toEqual(['SYN-RECEIVED', ['. 1 ack 1']]);
  });

  it('a SYN of its own acknowledges nothing: the field is 0', () => {
    const rig = new Rig(EXACT);
    const fields: number[] = [];
    rig.onSent = ({ ack }) => fields.push(ack);
    rig.connect();
    expect(fields).toEqual([0]);
  });
});

describe('the last segment of a handshake', () => {
  it('may bring data', () => {
    const rig = new Rig(EXACT);
    rig.listen();
    rig.peer('S 0 mss 1460');
    rig.peer('P. 1:9 ack 1');
    expect(rig.accepted[0]?.read(10)).toBe(8);
  });

  it('that acknowledges something else is answered by RST, and is not the last (RFC 9293 3.10.7.4)', () => {
    const rig = new Rig(EXACT);
    rig.listen();
    rig.peer('S 0 mss 1460');
    rig.sent();
    rig.peer('. 1 ack 99');
    expect(rig.sent()).toEqual(['R 99']);
    expect(rig.state).toBe('SYN-RECEIVED');
  });

  it('of a cookie tells all that was in SYN (tcp_v4_syncookies.c, cookie_v4_check)', () => {
    const rig = new Rig(EXACT);
    rig.listen(1);
    // Two wait to be accepted, and the listener has no room for the handshake of a third.
    const seen = new Map<number, number>();
    rig.onSent = ({ flags, seq, destinationPort }) => void (flags === 0x12 && seen.set(destinationPort, seq));
    for (let sourcePort = 1; sourcePort <= 8; sourcePort++) {
      rig.peer('S 0 win 1000 mss 1440 wscale 2', { sourcePort, destinationPort: PORT, timestamp: 5 });
    }
    const { connections } = rig.stack;
    const withCookie = [...seen].filter(([port]) => connections.get((10 << 24) | 2, port, PORT) === undefined);
    const [port = 0, isn = 0] = withCookie.at(-1) ?? [];
    expect(port).toBeGreaterThan(0);
    const packet = rig.newPeerPacket({ sourcePort: port, destinationPort: PORT, timestamp: 9 });
    Object.assign(packet, { flags: 0x10, seq: -2, ack: (isn + 1) | 0, window: 200 });
    rig.arrive(packet);
    const tcb = connections.get((10 << 24) | 2, port, PORT);
    expect(tcb).toMatchObject({
      state: 'ESTABLISHED', sndWnd: 800, sndScale: 2, sndMss: 1440, tsRecent: 9, srttUs8: 0,
    });
  });
});

describe('a closed socket that waits for FIN (RFC 2525 2.17)', () => {
  it.each([
    ['FIN-WAIT-2', '. 1 ack 2'],
    ['FIN-WAIT-1', '. 1 ack 1'],
  ])('in %s: data that nobody reads is answered by RST, what came before and FIN are not', (state, ack) => {
    for (const [text, isReset] of [
      ['P. 9:10 ack', true],
      ['FP. 9:10 ack', true],
      ['FP. 1:9 ack', false],
      ['P. 1:9 ack', false],
      ['F. 9 ack', false],
    ] as const) {
      const { rig, user } = opened();
      rig.peer('P. 1:9 ack 1');
      user.read(8);
      rig.run(1000);
      user.socket?.close();
      rig.peer(`. 9 ack ${ack.at(-1) ?? ''}`);
      expect(rig.state).toBe(state);
      rig.sent();
      rig.peer(`${text} ${ack.at(-1) ?? ''}`);
      expect(rig.sent().some((sent) => sent.startsWith('R'))).toBe(isReset);
      expect(rig.state === 'CLOSED').toBe(isReset);
    }
  });
});

describe('TIME-WAIT', () => {
  function timeWaiting(name: ProfileName | Profile): Rig {
    const { rig, user } = opened(name);
    rig.toTimeWait(user);
    expect(rig.state).toBe('TIME-WAIT');
    return rig;
  }

  it('linux: RST ends it, if it has the next number (RFC 1337)', () => {
    const rig = timeWaiting(EXACT);
    rig.peer('R 3');
    expect(rig.state).toBe('TIME-WAIT');
    rig.peer('R 2');
    expect(rig.state).toBe('CLOSED');
  });

  it.each(['linux', 'lwip'] as const)('%s: acknowledges data and FIN that come again, and nothing else', (name) => {
    const rig = timeWaiting(name);
    rig.peer('. 2 ack 2');
    expect(rig.sent()).toEqual([]);
    rig.peer('P. 2:3 ack 2');
    expect(rig.sent()).toEqual(['. 2 ack 2']);
    rig.peer('F. 1 ack 2');
    expect(rig.sent()).toEqual(['. 2 ack 2']);
  });

  it.each([['linux', 60_000], ['lwip', 120_500]] as const)('%s: FIN starts its time again, data does not', (name, ms) => {
    for (const [text, isAgain] of [['F. 1 ack 2', true], ['P. 2:3 ack 2', false]] as const) {
      const rig = timeWaiting(name);
      rig.run(50_000);
      rig.peer(text);
      rig.run(ms - 50_000 + 5000);
      expect(rig.state).toBe(isAgain ? 'TIME-WAIT' : 'CLOSED');
      rig.run(50_000);
      expect(rig.state).toBe('CLOSED');
    }
  });

  it('lwip: resets SYN from its edge to its edge, and acknowledges others', () => {
    for (const [seq, isReset] of [[1, false], [2, true], [1 + 4 * 1460, true], [2 + 4 * 1460, false]] as const) {
      const rig = timeWaiting('lwip');
      rig.peer(`S ${seq} mss 1460`);
      expect(rig.sent()[0]?.startsWith('R')).toBe(isReset);
      expect(rig.state).toBe('TIME-WAIT');
    }
    // Only SYN.
    const rig = timeWaiting('lwip');
    rig.peer('F. 2 ack 2');
    expect(rig.sent()).toEqual(['. 2 ack 2']);
  });

  it('lwip: of a socket that has only shut down counts from its own beginning', () => {
    const { rig, user } = opened('lwip');
    rig.peer('P. 1:2 ack 1');
    rig.run(60_000);
    user.socket?.shutdown();
    rig.peer('F. 2 ack 2');
    expect(rig.state).toBe('TIME-WAIT');
    rig.run(119_500);
    expect(rig.state).toBe('TIME-WAIT');
    rig.run(2000);
    expect(rig.state).toBe('CLOSED');
  });

  it('linux: an older SYN is acknowledged', () => {
    const rig = timeWaiting(EXACT);
    rig.peer('S -5 mss 1460');
    expect(rig.sent()).toEqual(['. 2 ack 2']);
  });
});
