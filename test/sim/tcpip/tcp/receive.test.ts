/** Received data and FIN (RFC 9293 3.10.7.4, seventh and eighth), and the calls of a socket in each state. */

import { describe, expect, it } from 'vitest';
import type { Profile, ProfileName } from '../../../../sim/tcpip/profile.ts';
import { Rig, type User, windows } from '../rig.ts';
import { EXACT } from './opened.ts';

function opened(profile: ProfileName | Profile = EXACT): { rig: Rig; user: User } {
  const rig = new Rig(profile);
  return { rig, user: rig.connected() };
}

/** The ACK in each segment that was sent. */
function acks(rig: Rig): string[] {
  return rig.sent().map((text) => / ack \d+/.exec(text)?.[0] ?? '');
}

describe('data', () => {
  it('behind FIN is acknowledged, and not taken', () => {
    const { rig, user } = opened();
    rig.peer('F. 1 ack 1');
    rig.sent();
    rig.peer('P. 2:5 ack 1');
    expect(acks(rig)).toEqual([' ack 2']);
    expect(user.read(10)).toBe(0);
  });

  it('that was here before is acknowledged at once, though its ACK waits; FIN behind it is news', () => {
    for (const [text, ack, state] of [
      ['P. 1:9 ack 1', ' ack 9', 'ESTABLISHED'], ['FP. 1:9 ack 1', ' ack 10', 'CLOSE-WAIT'],
    ] as const) {
      const { rig, user } = opened('lwip');
      rig.run(10);
      rig.peer('P. 1:9 ack 1');
      expect(rig.sent()).toEqual([]);
      rig.peer(text);
      expect(acks(rig)).toEqual([ack]);
      expect(rig.state).toBe(state);
      expect(user.read(20)).toBe(8);
    }
  });

  it('beyond the window is cut off, and FIN behind it with it', () => {
    const { rig, user } = opened({ ...EXACT, receiveBufferBytes: 10 });
    rig.peer('FP. 1:21 ack 1');
    expect(rig.state).toBe('ESTABLISHED');
    expect(acks(rig)).toEqual([' ack 11']);
    // Nothing fits: nothing is kept.
    rig.peer('P. 11:12 ack 1');
    expect(acks(rig)).toEqual([' ack 11']);
    expect(user.read(100)).toBe(10);
  });

  it('at the edge of the window, behind a gap, is not kept', () => {
    const { rig } = opened({ ...EXACT, receiveBufferBytes: 10 });
    rig.peer('P. 11:12 ack 1');
    expect(rig.tcb?.fragments).toBeUndefined();
    rig.peer('P. 10:12 ack 1');
    expect(rig.tcb?.fragments).toHaveLength(1);
  });

  it('out of order makes ACKs quick, and not those of who answers (tcp_enter_quickack_mode)', () => {
    const { rig, user } = opened();
    rig.peer('P. 1:2 ack 1');
    user.write(1);
    rig.peer('. 2 ack 2');
    const { tcb } = rig;
    if (tcb === undefined) throw new Error('no connection');
    tcb.quickAcks = 0;
    tcb.ackDelayTicks = 30;
    rig.sent();
    rig.peer('P. 3:4 ack 2');
    expect(acks(rig)).toEqual([' ack 2']);
    expect([tcb.quickAcks, tcb.ackDelayTicks]).toEqual([15, 10]);
    rig.peer('P. 2:3 ack 2');
    rig.peer('P. 4:5 ack 2');
    // All three at once: ping-pong mode is over.
    expect(acks(rig)).toEqual([' ack 4', ' ack 5']);
  });

  it.each([
    [['31:41', '11:21', '21:31', '1:11'], 41],
    [['11:21', '11:31', '1:11'], 31],
    [['11:31', '11:21', '1:11'], 31],
    [['21:31', '11:26', '1:11'], 31],
    [['21:31', '1:11', '11:21'], 31],
    [['31:41', '1:11', '11:31'], 41],
    [['31:41', '11:21', '1:11'], 21],
    [['11:21', '1:15', '15:21'], 21],
  ] as const)('in pieces %j is whole up to %i', (pieces, end) => {
    const { rig, user } = opened();
    for (const piece of pieces) rig.peer(`P. ${piece} ack 1`);
    expect(acks(rig).at(-1)).toBe(` ack ${end}`);
    expect(user.read(100)).toBe(end - 1);
  });

  it.each([
    [['P. 11:21', 'FP. 11:21', 'P. 1:11']],
    [['FP. 11:21', 'P. 11:21', 'P. 1:11']],
    [['F. 21', 'P. 11:21', 'P. 1:11']],
    [['FP. 11:21', 'P. 1:21']],
  ] as const)('with FIN in one of the pieces %j ends with it', (pieces) => {
    const { rig, user } = opened();
    for (const piece of pieces) rig.peer(`${piece} ack 1`);
    expect(rig.state).toBe('CLOSE-WAIT');
    expect(acks(rig).at(-1)).toBe(' ack 22');
    expect([user.read(100), user.read(100)]).toEqual([20, 0]);
  });

  it('the same piece again, or a shorter one, is not kept twice', () => {
    const { rig } = opened();
    for (const piece of ['11:31', '11:31', '11:21']) rig.peer(`P. ${piece} ack 1`);
    expect(rig.tcb?.fragments).toHaveLength(1);
    for (const piece of ['11:32', '41:42']) rig.peer(`P. ${piece} ack 1`);
    expect(rig.tcb?.fragments).toHaveLength(3);
  });
});

describe('the window', () => {
  it('is told in steps of half of a small buffer (RFC 9293 3.8.6.2.2)', () => {
    for (const [bytes, told] of [[999, []], [1000, [1000]]] as const) {
      const { rig, user } = opened({ ...EXACT, receiveBufferBytes: 2000 });
      rig.peer('P. 1:1001 ack 1');
      rig.peer('P. 1001:2001 ack 1');
      rig.run(1000);
      const seen = windows(rig);
      user.read(bytes);
      expect(seen).toEqual(told);
    }
  });

  it.each(['FIN-WAIT-1', 'FIN-WAIT-2'])('is told in %s, too, where the peer may still send', (state) => {
    const { rig, user } = opened({ ...EXACT, receiveBufferBytes: 2000 });
    user.socket?.shutdown();
    const ack = state === 'FIN-WAIT-2' ? 2 : 1;
    rig.peer(`P. 1:1001 ack ${ack}`);
    rig.peer(`P. 1001:2001 ack ${ack}`);
    expect(rig.state).toBe(state);
    rig.run(100);
    rig.sent();
    user.read(2000);
    expect(rig.sent()).toHaveLength(1);
  });

  it('freertos-tcp: is what is free, of two segments at most', () => {
    const { rig, user } = opened('freertos-tcp');
    const seen = windows(rig);
    rig.peer('P. 1:1461 ack 1');
    rig.peer('P. 1461:2921 ack 1');
    rig.peer('P. 2921:3001 ack 1');
    user.read(1);
    rig.peer('P. 3001:3002 ack 1');
    expect(seen).toEqual([2920, 2920, 5840 - 3000, 5840 - 3000]);
  });
});

describe('calls', () => {
  it('shutdown gives 0, once or twice, and ENOTCONN before the connection', () => {
    const { rig, user } = opened();
    expect([user.socket?.shutdown(), user.socket?.shutdown()]).toEqual([0, 0]);
    rig.peer('F. 1 ack 1');
    expect(user.socket?.shutdown()).toBe(0);
    const second = opened();
    second.rig.peer('F. 1 ack 1');
    expect(second.user.socket?.shutdown()).toBe(0);
    expect(second.rig.state).toBe('LAST-ACK');
  });

  it('read and write give ENOTCONN while two SYNs have crossed, and close sends RST then', () => {
    const rig = new Rig(EXACT);
    const user = rig.connect();
    rig.peer('S 0 mss 1460');
    expect(rig.state).toBe('SYN-RECEIVED');
    expect([user.read(1), user.write(1)]).toEqual(['ENOTCONN', 'ENOTCONN']);
    rig.sent();
    user.socket?.close();
    expect(rig.sent()).toEqual(['R. 1 ack 1']);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('close while it connects sends nothing, nor does abort; nor abort in TIME-WAIT', () => {
    for (const end of ['close', 'abort'] as const) {
      const rig = new Rig(EXACT);
      const user = rig.connect();
      rig.sent();
      user.socket?.[end]();
      expect(rig.sent()).toEqual([]);
      expect(rig.leftovers).toBe('0 0 0 ');
    }
    const { rig, user } = opened();
    user.socket?.shutdown();
    rig.peer('. 1 ack 2');
    rig.peer('F. 1 ack 2');
    rig.sent();
    expect(rig.state).toBe('TIME-WAIT');
    user.socket?.abort();
    expect(rig.sent()).toEqual([]);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it.each([['linux', 60_000], ['lwip', 20_500], ['w5500', 31_800]] as const)(
    '%s: close in FIN-WAIT-2, which has no end before, gives it %i ms', (name, ms) => {
      const { rig, user } = opened(name);
      user.socket?.shutdown();
      rig.peer('. 1 ack 2');
      rig.run(200_000);
      rig.peer('. 1 ack 2');
      expect(rig.state).toBe('FIN-WAIT-2');
      user.socket?.close();
      rig.run(ms - 1000);
      expect(rig.state).toBe('FIN-WAIT-2');
      rig.run(10_000);
      expect(rig.leftovers).toBe('0 0 0 ');
    },
  );

  it.each(['close', 'abort'] as const)('%s with data unread sends RST, and leaves nothing', (end) => {
    const { rig, user } = opened();
    rig.peer('P. 1:9 ack 1');
    rig.sent();
    user.socket?.[end]();
    expect(rig.sent()).toEqual(['R. 1 ack 9']);
    expect(rig.leftovers).toBe('0 0 0 ');
  });

  it('lwip: with its address a connection ends by RST, but nobody is told who does not know of it (tcp_abandon)', () => {
    const open = opened('lwip');
    open.rig.stack.abortAll();
    expect(open.rig.sent()).toEqual(['R. 1 ack 1']);
    expect(open.user.told).toEqual(['ended ECONNABORTED']);

    const opening = new Rig('lwip');
    const user = opening.connect();
    opening.sent();
    opening.stack.abortAll();
    expect(opening.sent()).toEqual([]);
    expect(user.told).toEqual(['ended ECONNABORTED']);

    const over = opened('lwip');
    over.user.socket?.close();
    over.rig.peer('. 1 ack 2');
    over.rig.peer('F. 1 ack 2');
    over.rig.sent();
    over.rig.stack.abortAll();
    expect(over.rig.sent()).toEqual([]);
    expect(over.rig.leftovers).toBe('0 0 0 ');
  });

  it('lwip: what is read is not acknowledged for that', () => {
    const { rig, user } = opened('lwip');
    rig.run(10);
    rig.peer('P. 1:9 ack 1');
    user.read(8);
    expect(rig.sent()).toEqual([]);
  });

  it('a closed socket is not kept alive', () => {
    const { rig, user } = opened();
    user.socket?.setKeepAlive({ idle: 1, interval: 1, count: 1 });
    user.socket?.close();
    rig.peer('. 1 ack 2');
    rig.sent();
    rig.run(30_000);
    expect(rig.sent()).toEqual([]);
    expect(rig.state).toBe('FIN-WAIT-2');
  });

  it('without no-delay again, small segments wait again', () => {
    const { rig, user } = opened();
    user.socket?.setNoDelay(true);
    user.write(1);
    user.write(1);
    expect(rig.sent()).toHaveLength(2);
    user.socket?.setNoDelay(false);
    user.write(1);
    expect(rig.sent()).toEqual([]);
  });
});
