/**
 * Times of ACKs (RFC 9293 3.8.6.3): Linux's delayed ACKs and quick ACKs, and the ACKs that the user's reading causes.
 */

import { describe, expect, it } from 'vitest';
import type { Profile } from '../../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../../sim/tcpip/profiles/index.ts';
import { isPingPong } from '../../../../sim/tcpip/tcp/quick-ack.ts';
import type { Tcb } from '../../../../sim/tcpip/tcp/tcb.ts';
import { Rig, type User, windows } from '../rig.ts';
import { EXACT } from './opened.ts';

const TICK_MS = 4;

interface Receiver {
  readonly rig: Rig;
  readonly user: User;
  readonly tcb: Tcb;
  /** The peer sends so many bytes, after so many ticks. */
  readonly send: (bytes: number, pauseTicks?: number) => void;
  /** The peer acknowledges all before this number. */
  readonly confirm: (ack: number) => void;
}

function receiver(profile: Profile = EXACT, roundTripMs = 0): Receiver {
  const rig = new Rig(profile);
  const user = rig.connect();
  rig.run(roundTripMs);
  rig.peer('S. 0 ack 1 win 60000 mss 1460');
  rig.sent();
  const { tcb } = rig;
  if (tcb === undefined) throw new Error('no connection');
  let seq = 1;
  const send = (bytes: number, pauseTicks = 0): void => {
    rig.run(pauseTicks * TICK_MS);
    rig.peer(`P. ${seq}:${seq + bytes} ack 1`);
    seq += bytes;
  };
  return { rig, user, tcb, send, confirm: (ack) => rig.peer(`. ${seq} ack ${ack}`) };
}

/** A receiver whose quick ACKs are used up, and whose last segment came 25 ticks ago. */
function patient(profile: Profile = EXACT, roundTripMs = 0): Receiver & { readonly quickAcks: number } {
  const one = receiver(profile, roundTripMs);
  let quickAcks = -1;
  do {
    one.rig.sent();
    one.send(8);
    quickAcks++;
  } while (one.rig.sent().length > 0);
  one.rig.run(25 * TICK_MS);
  one.user.read(10_000);
  one.rig.sent();
  one.tcb.ackDelayTicks = 10;
  return { ...one, quickAcks };
}

describe('linux', () => {
  it.each([
    // Half of the window in full segments. The largest segment so far had 536 bytes.
    [64_240, 16],
    [17_152, 16],
    [17_151, 15],
    [2144, 2],
    [1072, 1],
    [1071, 2],
  ])('a window of %i bytes: %i quick ACKs (tcp_incr_quickack, TCP_MAX_QUICKACKS)', (receiveBufferBytes, count) => {
    expect(patient({ ...EXACT, receiveBufferBytes }).quickAcks).toBe(count);
  });

  it.each([
    // Half of the delay and half of the least, after a pause of up to half of the least.
    [[8, 5], [10, 13, 11]],
    [[8, 6], [10, 13, 12]],
    // Half of the delay and the pause, if the pause is shorter than the delay.
    [[9, 13, 12], [10, 14, 20, 22]],
    // The delay stays, if the pause is longer.
    [[9, 14, 50], [10, 14, 14, 14]],
    [[10], [10, 10]],
    // The delay is at most the RTO, 51 ticks.
    [[9, 13, 19, 28, 41], [10, 14, 20, 29, 42, 51]],
  ])('after pauses of %j ticks the delay was %j ticks (tcp_event_data_recv)', (pauses, delays) => {
    const { tcb, send } = receiver();
    send(8);
    const seen = [tcb.ackDelayTicks];
    for (const pause of pauses) {
      send(8, pause);
      seen.push(tcb.ackDelayTicks);
    }
    expect(seen).toEqual(delays);
  });

  it('with the last quick ACK the delay is 40 ms again (tcp_dec_quickack_mode); data is none where nothing is owed', () => {
    const { rig, tcb, send, confirm, user } = receiver();
    send(8);
    for (let pauseTicks = 9; tcb.quickAcks > 1; pauseTicks = Math.min(pauseTicks + 4, 13)) send(8, pauseTicks);
    expect(tcb.ackDelayTicks).toBeGreaterThan(10);
    // Too late for an answer, and not yet a pause that matters.
    rig.run(30 * TICK_MS);
    user.write(1);
    expect(tcb.quickAcks).toBe(1);
    confirm(2);
    send(8);
    expect([tcb.quickAcks, tcb.ackDelayTicks]).toEqual([0, 10]);
  });

  it('an answer is one within the delay (tcp_event_data_sent)', () => {
    for (const [pauseTicks, isAnswer] of [[9, true], [10, false]] as const) {
      const { rig, tcb, user, send } = receiver();
      send(8);
      rig.run(pauseTicks * TICK_MS);
      user.write(1);
      expect(isPingPong(tcb)).toBe(isAnswer);
    }
  });

  it('after a pause of more than the RTO the sender may need ACKs: quick ones', () => {
    for (const [pauseTicks, isQuick] of [[51, false], [52, true]] as const) {
      const { rig, tcb, send } = patient();
      expect(tcb.rtoTicks).toBe(51);
      send(8);
      rig.run(12 * TICK_MS);
      rig.sent();
      send(8, pauseTicks - 12);
      expect(tcb.quickAcks > 0).toBe(isQuick);
    }
  });

  it('the delay is no longer than a round trip, nor than 200 ms (tcp_send_delayed_ack)', () => {
    for (const [roundTripMs, delayTicks, expected] of [
      [80, 40, 20],
      [80, 15, 15],
      [20, 40, 10],
      [400, 40, 40],
      [400, 60, 50],
    ] as const) {
      const { rig, tcb, send } = patient(EXACT, roundTripMs);
      tcb.ackDelayTicks = delayTicks;
      // A pause that is longer than the delay does not change it.
      send(8, Math.max(delayTicks - 15, 0));
      expect(tcb.ackTick - rig.stack.clock.nowTick).toBe(expected + 1);
    }
  });

  it('a small segment behind a small one: the ACK goes when it is due soon, and no later than it was to', () => {
    for (const [pauseTicks, isNow] of [[6, false], [7, true], [8, true], [3, false]] as const) {
      const { rig, tcb, send } = patient(EXACT, 400);
      send(8);
      const { ackTick } = tcb;
      rig.sent();
      send(8, pauseTicks);
      expect(rig.sent()).toHaveLength(isNow ? 1 : 0);
      if (!isNow) expect(tcb.ackTick).toBe(ackTick);
    }
    // The delay has become shorter than what is left.
    const { rig, tcb, send } = patient(EXACT, 400);
    rig.run(300);
    tcb.ackDelayTicks = 40;
    send(8);
    send(8, 2);
    expect(tcb.ackDelayTicks).toBe(25);
    expect(tcb.ackTick - rig.stack.clock.nowTick).toBe(26);
  });

  it('a delay that the user has not used is twice as long next time, up to the RTO (tcp_delack_timer_handler)', () => {
    const { rig, tcb, send } = patient(EXACT, 400);
    for (const expected of [20, 40, 80, 160, 300]) {
      send(8);
      // A pause that is longer than the delay does not change it.
      const { ackDelayTicks } = tcb;
      rig.run(400);
      expect(tcb.ackDelayTicks).toBe(Math.min(2 * ackDelayTicks, tcb.rtoTicks));
      expect(tcb.ackDelayTicks).toBe(expected);
      rig.run(700);
    }
  });

  it('a user that answers soon (ping-pong) and then does not: that mode is over, and the delay is 40 ms again', () => {
    const { rig, user, tcb, send, confirm } = patient();
    send(8);
    user.write(1);
    confirm(2);
    rig.sent();
    rig.run(100);
    tcb.ackDelayTicks = 15;
    tcb.quickAcks = 5;
    send(8);
    // A user who answers gets no quick ACKs.
    expect(rig.sent()).toEqual([]);
    rig.run(100);
    expect(rig.sent()).toHaveLength(1);
    expect(tcb.ackDelayTicks).toBe(10);
    send(8);
    expect(rig.sent()).toHaveLength(1);
  });

  it('more than a full segment is acknowledged at once; the largest that came is a full one (tcp_measure_rcv_mss)', () => {
    const { rig, tcb, send } = patient();
    send(1000);
    expect(tcb.rcvMss).toBe(1000);
    expect(rig.sent()).toEqual([]);
    send(1);
    expect(rig.sent()).toHaveLength(1);
    send(600);
    send(400);
    expect(rig.sent()).toEqual([]);
    send(1);
    expect(rig.sent()).toHaveLength(1);
    // The measured MSS is never larger than its own MSS.
    send(2000);
    expect(tcb.rcvMss).toBe(1460);
  });

  describe('small data is acknowledged when the user has read all of it (tcp_cleanup_rbuf)', () => {
    it('one, of who does not answer', () => {
      const { rig, user, send } = patient();
      send(8);
      user.read(7);
      expect(rig.sent()).toEqual([]);
      user.read(1);
      expect(rig.sent()).toHaveLength(1);
    });

    it('not what fills a segment', () => {
      const { rig, user, send } = patient();
      send(536);
      user.read(536);
      expect(rig.sent()).toEqual([]);
    });

    it('the second, of who answers (ICSK_ACK_PUSHED2)', () => {
      const { rig, user, tcb, send, confirm } = patient();
      send(8);
      user.write(1);
      confirm(2);
      rig.sent();
      rig.run(100);
      user.read(8);
      tcb.ackDelayTicks = 10;
      send(8);
      user.read(8);
      expect(rig.sent()).toEqual([]);
      send(8);
      user.read(7);
      expect(rig.sent()).toEqual([]);
      user.read(1);
      expect(rig.sent()).toHaveLength(1);
    });

    it('not twice', () => {
      const { rig, user, send } = patient();
      send(8);
      user.read(4);
      rig.run(1000);
      expect(rig.sent()).toHaveLength(1);
      user.read(4);
      expect(rig.sent()).toEqual([]);
    });
  });

  it('the window is told where it can be twice what it was, and is not closed (__tcp_cleanup_rbuf)', () => {
    const SMALL: Profile = { ...EXACT, receiveBufferBytes: 8000 };
    for (const [filled, read, told] of [
      [6000, 1999, []],
      [6000, 2000, [4000]],
      [4000, 3999, []],
      [4000, 4000, [8000]],
      [8000, 1459, []],
      [8000, 1460, [1460]],
    ] as const) {
      const { rig, user, send } = receiver(SMALL);
      for (let left: number = filled; left > 0; left -= 1000) send(Math.min(left, 1000));
      rig.run(1000);
      const seen = windows(rig);
      user.read(read);
      expect(seen).toEqual(told);
    }
  });

  it('after the peer has finished no window is told', () => {
    const { rig, user, send } = receiver({ ...EXACT, receiveBufferBytes: 8000 });
    for (let i = 0; i < 7; i++) send(1000);
    rig.peer('F. 7001 ack 1');
    rig.sent();
    user.read(7000);
    expect(rig.sent()).toEqual([]);
  });
});

it.each([250, 500, 750])('lwip: a timer of %i ms has its beats at multiples of that (tcp_fasttmr)', (delayMs) => {
  for (const atMs of [10_000, 10_010, 10_260, 10_749]) {
    const { rig, tcb } = receiver({ ...PROFILES.lwip, delayedAck: { kind: 'timer', delayMs } });
    rig.runTo(atMs);
    rig.peer('P. 1:9 ack 1');
    const dueMs = (Math.floor(atMs / delayMs) + 1) * delayMs;
    expect(tcb.ackTick * 250).toBe(dueMs);
    rig.runTo(dueMs - 1);
    expect(rig.sent()).toEqual([]);
    rig.runTo(dueMs);
    expect(rig.sent()).toEqual(['. 1 ack 9']);
  }
});
