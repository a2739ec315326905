/** Congestion control, in segments (RFC 5681, RFC 6582), and what routers say (RFC 1191, RFC 6069). */

import { describe, expect, it } from 'vitest';
import { HOST_UNREACHABLE } from '../../../../sim/packet/packet.ts';
import { halveWindow } from '../../../../sim/tcpip/tcp/congestion.ts';
import { lowerPathMtu } from '../../../../sim/tcpip/tcp/path-mtu.ts';
import { Rig } from '../rig.ts';
import { EXACT, opened } from './opened.ts';

describe('the congestion window', () => {
  it('doubles in a round trip up to ssthresh, and grows by one a window from there (RFC 5681 3.1)', () => {
    const { rig, user, tcb } = opened();
    tcb.ssthresh = 12;
    user.write(80_000);
    const seen: number[] = [];
    for (let ack = 1001; ack <= 30_001; ack += 1000) {
      rig.peer(`. 1 ack ${ack}`);
      seen.push(tcb.cwnd);
    }
    // 11, 12; then 12 ACKs to 13, 13 to 14.
    expect(seen.slice(0, 2)).toEqual([11, 12]);
    expect(seen.findIndex((cwnd) => cwnd === 13)).toBe(2 + 12 - 1);
    expect(seen.findIndex((cwnd) => cwnd === 14)).toBe(2 + 12 + 13 - 1);
    expect(seen.at(-1)).toBe(14);
  });

  it('does not grow where it is not used (tcp_is_cwnd_limited)', () => {
    const { rig, user, tcb } = opened();
    user.write(9000);
    rig.peer('. 1 ack 9001');
    expect(tcb.cwnd).toBe(10);
  });

  it('begins again after a pause of more than the RTO, and not of the RTO (RFC 5681 4.1)', () => {
    for (const [ticks, cwnd] of [[0, 20], [1, 10]] as const) {
      const { rig, user, tcb } = opened();
      user.write(10_000);
      rig.peer('. 1 ack 10001');
      rig.run(4 * (tcb.rtoTicks + ticks));
      user.write(1);
      expect(tcb.cwnd).toBe(cwnd);
    }
  });

  it.each([
    [10, 5],
    [7, 3],
    [6, 3],
    [5, 2],
    [1, 2],
  ])('of a time-out with %i segments out: half of them is the next goal, two at least', (count, ssthresh) => {
    const { rig, user, tcb } = opened();
    user.write(1000 * count);
    rig.run(1000);
    expect([tcb.recovery, tcb.cwnd, tcb.ssthresh]).toEqual(['loss', 1, ssthresh]);
  });

  it.each([
    [10, 5],
    [5, 2],
    [4, 2],
    [3, 2],
    [2, 2],
  ])('of %i is halved to %i by a tail loss probe that has mended a loss (tcp_reno_ssthresh)', (cwnd, half) => {
    const { tcb } = opened();
    tcb.cwnd = cwnd;
    tcb.cwndCount = 1;
    halveWindow(tcb);
    expect([tcb.cwnd, tcb.ssthresh, tcb.cwndCount]).toEqual([half, half, 0]);
  });

  it('is one at least after an ACK of nearly all in fast recovery', () => {
    const { rig, user, tcb } = opened();
    user.write(10_000);
    for (let i = 0; i < 3; i++) rig.peer('. 1 ack 1');
    rig.peer('. 1 ack 9001');
    expect([tcb.recovery, tcb.cwnd]).toEqual(['fast-recovery', 1]);
  });

  it('ends a recovery as it would begin: nothing is counted yet', () => {
    const { rig, user, tcb } = opened();
    user.write(10_000);
    for (let i = 0; i < 3; i++) rig.peer('. 1 ack 1');
    tcb.cwndCount = 3;
    rig.peer('. 1 ack 10001');
    expect([tcb.recovery, tcb.cwnd, tcb.cwndCount, tcb.trouble.dupAcks]).toEqual(['open', 5, 0, 0]);
  });

  it.each(['w5500', 'freertos-tcp'] as const)('%s has none: nothing changes what may be in flight', (name) => {
    const { rig, user, tcb } = opened(name);
    const { cwnd } = tcb;
    user.write(1000);
    user.write(1000);
    for (let i = 0; i < 5; i++) rig.peer('. 1 ack 1');
    rig.peer('. 1 ack 1001');
    rig.peer('. 1 ack 2001');
    user.write(10);
    rig.run(5000);
    rig.peer('. 1 ack 2011');
    halveWindow(tcb);
    expect(tcb.cwnd).toBe(cwnd);
  });
});

describe('a path that takes less (RFC 1191, tcp_simple_retransmit)', () => {
  it('is no congestion: the window is kept, and the recovery is over with what was out', () => {
    const { rig, user, tcb } = opened();
    user.write(5000);
    lowerPathMtu(tcb, 640);
    expect([tcb.recovery, tcb.cwnd, tcb.ssthresh, tcb.timer]).toEqual(['loss', 10, 10, 'retransmit']);
    rig.peer('. 1 ack 5001');
    expect(tcb.recovery).toBe('open');
  });

  it.each([
    [1500, 1000, false],
    [1040, 1000, false],
    [1039, 999, true],
    [552, 512, true],
    [100, 512, true],
  ])('of %i bytes: segments of %i', (mtuBytes, bytes, isShorter) => {
    const { rig, user, tcb } = opened();
    user.write(1000);
    rig.sent();
    lowerPathMtu(tcb, mtuBytes);
    expect(tcb.sndMss).toBe(bytes);
    expect(rig.sent().length > 0).toBe(isShorter);
  });

  it('sends nothing again of what was short enough: the longest of all in flight counts', () => {
    for (const [sizes, isAgain] of [
      [[600, 600, 600], false], [[600, 601, 600], true], [[601, 10, 10], true], [[10, 10, 601], true],
    ] as const) {
      const { rig, user, tcb } = opened();
      user.socket?.setNoDelay(true);
      for (const bytes of sizes) user.write(bytes);
      rig.sent();
      lowerPathMtu(tcb, 640);
      expect(rig.sent().length > 0).toBe(isAgain);
    }
  });

  it('means nothing before the connection', () => {
    const rig = new Rig(EXACT);
    rig.connect();
    rig.sent();
    if (rig.tcb !== undefined) lowerPathMtu(rig.tcb, 600);
    expect(rig.tcb?.sndMss).toBe(1460);
    expect(rig.sent()).toEqual([]);
    rig.peer('S 0 mss 1460');
    rig.sent();
    if (rig.tcb !== undefined) lowerPathMtu(rig.tcb, 600);
    expect(rig.tcb?.sndMss).toBe(1460);
    expect(rig.sent()).toEqual([]);
  });
});

describe('a router that cannot reach the peer (RFC 6069, tcp_ld_RTO_revert)', () => {
  const UNREACHABLE = { code: HOST_UNREACHABLE };

  /** After so many time-outs of 300 ms and their doublings. */
  function backedOff(timeouts: number): ReturnType<typeof opened> {
    const open = opened();
    open.user.socket?.setNoDelay(true);
    open.user.write(10);
    open.user.write(10);
    while (open.tcb.backoff < timeouts) open.rig.run(1);
    open.rig.sent();
    return open;
  }

  it('takes the last doubling back: what is due by that goes at once, and else when it is', () => {
    const early = backedOff(3);
    const { rtoTicks } = early.tcb;
    early.rig.complain(UNREACHABLE);
    expect([early.tcb.backoff, early.tcb.rtoTicks]).toEqual([2, rtoTicks / 2]);
    expect(early.rig.sent()).toEqual([]);
    early.rig.run(2 * rtoTicks - 8);
    expect(early.rig.sent()).toEqual([]);
    early.rig.run(16);
    expect(early.rig.sent()).toHaveLength(1);

    const late = backedOff(3);
    late.rig.run(2 * rtoTicks + 8);
    expect(late.rig.sent()).toEqual([]);
    late.rig.complain(UNREACHABLE);
    expect(late.rig.sent()).toHaveLength(1);
  });

  it('says nothing where no time-out was, nor of a segment behind', () => {
    const fresh = opened();
    fresh.user.write(10);
    const { timer, timerTick } = fresh.tcb;
    fresh.rig.complain(UNREACHABLE);
    expect([fresh.tcb.backoff, fresh.tcb.timer, fresh.tcb.timerTick]).toEqual([0, timer, timerTick]);

    const behind = backedOff(3);
    behind.rig.complain(UNREACHABLE, 10);
    expect(behind.tcb.backoff).toBe(3);
  });

  it('says nothing of a closed window', () => {
    const { rig, user, tcb } = opened();
    rig.peer('. 1 ack 1 win 0');
    user.write(10);
    while (tcb.backoff < 3) rig.run(10);
    rig.complain(UNREACHABLE);
    expect([tcb.backoff, tcb.timer]).toEqual([3, 'persist']);
  });

  it('is the reason that the user is told at the end; an ACK is a sign that something works', () => {
    const { rig, user } = backedOff(3);
    rig.complain(UNREACHABLE);
    rig.run(2_000_000);
    expect(user.told.at(-1)).toBe('ended EHOSTUNREACH');

    const second = backedOff(3);
    second.rig.complain(UNREACHABLE);
    second.rig.peer('. 1 ack 11');
    second.rig.run(2_000_000);
    expect(second.user.told.at(-1)).toBe('ended ETIMEDOUT');
  });

  it('ends a connection that is opening, from either side', () => {
    const rig = new Rig(EXACT);
    const user = rig.connect();
    rig.complain(UNREACHABLE);
    expect(user.told).toEqual(['ended EHOSTUNREACH']);
    const passive = new Rig(EXACT);
    passive.listen();
    passive.peer('S 0 mss 1460');
    passive.complain(UNREACHABLE);
    expect(passive.state).toBe('CLOSED');
  });
});
