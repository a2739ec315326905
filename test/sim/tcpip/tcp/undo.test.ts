/**
 * Spurious retransmissions, as Linux finds them out: net/ipv4/tcp_input.c, tcp_dsack_set, tcp_check_dsack,
 * tcp_process_tlp_ack, tcp_packet_delayed, tcp_try_undo_loss, tcp_try_undo_partial, tcp_try_undo_dsack,
 * tcp_process_loss.
 */

import { describe, expect, it } from 'vitest';
import type { ProfileName } from '../../../../sim/tcpip/profile.ts';
import { Rig, type User } from '../rig.ts';

/** A connection with a measured round trip of 100 ms, and nothing in flight. */
function warmedUp(profile: ProfileName = 'linux'): { rig: Rig; user: User } {
  const rig = new Rig(profile);
  const user = rig.connect();
  rig.run(100);
  rig.peer('S. 0 ack 1 win 60000 mss 1000');
  rig.sent();
  return { rig, user };
}

/** `segments` of 1000 bytes are out, the tail loss probe too, and the first was sent again at a timeout. */
function timedOut(segments: number): { rig: Rig; user: User } {
  const { rig, user } = warmedUp();
  user.write(segments * 1000);
  expect(rig.sent()).toHaveLength(segments);
  while (rig.tcb?.recovery !== 'loss') rig.run(4);
  expect(rig.sent().at(-1)).toBe('. 1:1001 ack 1');
  return { rig, user };
}

/** Longer ago than the timeout; and since then. */
const ORIGINAL = { echoMs: 600 };
const RESENT = { echoMs: 0 };

describe('the receiver tells what came twice (RFC 2883)', () => {
  it.each([
    ['all of a segment', 'P. 1:11 ack 1', '. 1 ack 11 twice 1:11'],
    ['what precedes the window', 'P. -50:-40 ack 1', '. 1 ack 11 twice -50:-40'],
    ['a part', 'P. 6:16 ack 1', '. 1 ack 16 twice 6:11'],
  ])('%s', (_, again, answer) => {
    const { rig } = warmedUp();
    rig.peer('P. 1:11 ack 1');
    rig.sent();
    rig.peer(again);
    expect(rig.sent()).toEqual([answer]);
  });

  it('once, and with data where there is some', () => {
    const { rig, user } = warmedUp();
    rig.peer('P. 1:11 ack 1');
    rig.peer('P. 1:11 ack 1');
    user.write(1);
    rig.peer('P. 11:21 ack 2');
    expect(rig.sent().filter((text) => text.includes('twice'))).toEqual(['. 1 ack 11 twice 1:11']);
  });

  it.each(['lwip', 'w5500', 'freertos-tcp'] as const)('not %s', (name) => {
    const { rig } = warmedUp(name);
    rig.peer('P. 1:11 ack 1');
    rig.peer('P. 1:11 ack 1');
    rig.run(1000);
    expect(rig.sent().filter((text) => text.includes('twice'))).toEqual([]);
  });
});

describe('the sender', () => {
  it.each([
    ['it has arrived twice', [1, 11], 'loss-probe', 10],
    ['something else has arrived twice', [-9, 1], 'retransmit', 5],
  ] as const)('if the ACK of a tail loss probe shows that %s: halves the window or not', (_, [from, to], timer, cwnd) => {
    const { rig, user } = warmedUp();
    user.write(10);
    rig.run(310);
    expect(rig.sent()).toHaveLength(2);
    // The ACK of the first is lost.
    rig.peer('. 1 ack 11', { ...ORIGINAL, duplicate: [from, to] });
    user.write(10);
    expect(rig.tcb?.timer).toBe(timer);
    rig.peer('. 1 ack 21');
    expect(rig.tcb?.cwnd).toBe(cwnd);
  });

  it('takes three ACKs of what came twice for no loss', () => {
    for (const isTold of [true, false]) {
      const { rig, user } = warmedUp();
      user.write(4000);
      rig.peer('. 1 ack 1001');
      rig.sent();
      for (let i = 0; i < 3; i++) rig.peer('. 1 ack 1001', isTold ? { duplicate: [1, 1001] } : {});
      expect(rig.sent()).toEqual(isTold ? [] : ['. 1001:2001 ack 1']);
    }
  });

  it('after a timeout, an echo of the first transmission ends the recovery: nothing else is sent again', () => {
    const { rig } = timedOut(5);
    rig.peer('. 1 ack 1001', ORIGINAL);
    expect(rig.sent()).toEqual([]);
    expect(rig.tcb).toMatchObject({ recovery: 'open', cwnd: 10, backoff: 0, timer: 'loss-probe' });
    rig.peer('. 1 ack 5001', ORIGINAL);
    expect(rig.tcb?.timer).toBe('none');
  });

  it('an echo of the retransmission does not', () => {
    const { rig } = timedOut(5);
    rig.peer('. 1 ack 1001', RESENT);
    expect(rig.sent()).toEqual(['. 1001:2001 ack 1', '. 2001:3001 ack 1']);
    expect(rig.tcb).toMatchObject({ recovery: 'loss', cwnd: 2 });
  });

  it('in fast recovery too: what came late filled the gap', () => {
    for (const [options, cwnd, sent] of [[ORIGINAL, 14, []], [RESENT, 3, ['. 1001:2001 ack 1']]] as const) {
      const { rig, user } = warmedUp();
      user.write(8000);
      rig.run(100);
      for (let i = 0; i < 4; i++) rig.peer('. 1 ack 1');
      rig.sent();
      rig.peer('. 1 ack 1001', options);
      expect(rig.tcb?.recovery).toBe(options === ORIGINAL ? 'open' : 'fast-recovery');
      expect(rig.sent()).toEqual(sent);
      expect(rig.tcb?.cwnd).toBeGreaterThanOrEqual(Math.min(cwnd, 8));
    }
  });

  it('if all retransmitted data has arrived twice, the window is as before', () => {
    const { rig, user } = warmedUp();
    user.write(8000);
    for (let i = 0; i < 3; i++) rig.peer('. 1 ack 1');
    rig.sent();
    rig.peer('. 1 ack 1', { duplicate: [1, 1001] });
    expect(rig.tcb).toMatchObject({ recovery: 'open', cwnd: 10 });
  });

  describe('with a peer that echoes no timestamp (F-RTO, RFC 5682)', () => {
    it('data that was sent only once is acknowledged: the timeout was spurious', () => {
      const { rig, user } = timedOut(3);
      user.write(4000);
      rig.peer('. 1 ack 1001');
      // New data, and not what may be lost.
      expect(rig.sent()).toEqual(['. 3001:4001 ack 1', '. 4001:5001 ack 1']);
      rig.peer('. 1 ack 2001');
      expect(rig.tcb?.recovery).toBe('open');
      expect(rig.sent()).toEqual(['. 5001:6001 ack 1', 'P. 6001:7001 ack 1']);
    });

    it('a duplicate ACK: the loss was real, and the next that was lost goes again', () => {
      const { rig, user } = timedOut(3);
      user.write(4000);
      rig.peer('. 1 ack 1001');
      rig.sent();
      rig.peer('. 1 ack 1001');
      expect(rig.tcb?.recovery).toBe('loss');
      expect(rig.sent()).toEqual(['. 1001:2001 ack 1']);
    });

    it('without new data: what may be lost goes again at once', () => {
      const { rig } = timedOut(3);
      rig.peer('. 1 ack 1001');
      expect(rig.sent()[0]).toBe('. 1001:2001 ack 1');
    });
  });
});

it('a user timeout counts from the first retransmission of a recovery, though data is acknowledged meanwhile', () => {
  for (const isOver of [false, true]) {
    const { rig, user } = timedOut(5);
    user.socket?.setUserTimeout(3000);
    rig.run(2800);
    rig.peer(isOver ? '. 1 ack 5001' : '. 1 ack 1001', RESENT);
    if (isOver) user.write(10);
    rig.run(2500);
    expect(user.told.includes('ended ETIMEDOUT')).toBe(!isOver);
  }
});
