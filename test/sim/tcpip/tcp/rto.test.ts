/**
 * The retransmission timeout, held against the rules written a second time, with fractions: RFC 6298 as Linux has it
 * (tcp_rtt_estimator), lwIP's tcp_receive, and FreeRTOS+TCP's prvTCPWindowTxCheckAck_CalcSRTT.
 */

import { describe, expect, it } from 'vitest';
import type { Profile, ProfileName } from '../../../../sim/tcpip/profile.ts';
import { PROFILES } from '../../../../sim/tcpip/profiles/index.ts';
import { echoedRttUs, measured, revertBackOff } from '../../../../sim/tcpip/tcp/rto.ts';
import { Packet } from '../../../../sim/packet/packet.ts';
import { Seeded } from '../../../support/seeded.ts';
import { Rig } from '../rig.ts';
import { type Opened, opened as openedWith } from './opened.ts';

/** A connection whose handshake took so long, and nothing else was measured. */
function opened(profile: ProfileName | Profile, roundTripMs: number, seed = 1): Opened {
  return openedWith(profile, undefined, { roundTripMs, seed });
}

describe('linux', () => {
  const MIN_US = 200_000;

  /** tcp_rtt_estimator, as its comments have it. A flight is what was under way at one measurement. */
  class Estimator {
    srttUs: number;
    mdevUs: number;
    rttvarUs: number;
    #mdevMaxUs: number;

    constructor(firstUs: number) {
      this.srttUs = firstUs;
      this.mdevUs = firstUs / 2;
      // Twice the round trip, in units of four times the deviation.
      this.rttvarUs = Math.max(firstUs * 2, MIN_US);
      this.#mdevMaxUs = this.rttvarUs;
    }

    measure(us: number, isNewFlight: boolean): void {
      const error = us - this.srttUs;
      this.srttUs += error / 8;
      const change = Math.abs(error) - this.mdevUs;
      // RFC 6298: by a quarter. A round trip that got shorter by more than the deviation: by an eighth of that.
      this.mdevUs += error < 0 && change > 0 ? change / 32 : change / 4;
      const now = 4 * this.mdevUs;
      if (now > this.#mdevMaxUs) {
        this.#mdevMaxUs = now;
        this.rttvarUs = Math.max(this.rttvarUs, now);
      }
      if (!isNewFlight) return;
      // The deviation falls once in a flight, by a quarter, towards the largest that the flight had.
      if (this.#mdevMaxUs < this.rttvarUs) this.rttvarUs -= (this.rttvarUs - this.#mdevMaxUs) / 4;
      this.#mdevMaxUs = MIN_US;
    }
  }

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('is that of the rules, for round trips of any length (seed %i)', (seed) => {
    const random = new Seeded(seed);
    const firstMs = 1 + random.below(800);
    const { tcb } = opened('linux', firstMs, seed);
    const reference = new Estimator(firstMs * 1000);
    let flightEnd = tcb.sndNxt;
    let baseUs = 1000 + random.below(700_000);
    for (let i = 0; i < 300; i++) {
      if (random.chance(20)) baseUs = 1000 + random.below(700_000);
      tcb.sndNxt = (tcb.sndNxt + random.below(3)) | 0;
      tcb.sndUna = random.chance(2) ? tcb.sndNxt : (flightEnd + random.below(2)) | 0;
      if (((tcb.sndNxt - tcb.sndUna) | 0) < 0) tcb.sndNxt = tcb.sndUna;
      const isNewFlight = ((tcb.sndUna - flightEnd) | 0) > 0;
      if (isNewFlight) flightEnd = tcb.sndNxt;
      const us = baseUs + random.below(1 + (baseUs >> (i % 6)));
      measured(tcb, us);
      reference.measure(us, isNewFlight);
      // The kernel's numbers have no fractions: what is cut off stays below a few microseconds.
      expect(Math.abs(tcb.srttUs8 / 8 - reference.srttUs)).toBeLessThan(2);
      expect(Math.abs(tcb.mdevUs4 / 4 - reference.mdevUs)).toBeLessThan(6);
      const rtoUs = Math.max(reference.srttUs + reference.rttvarUs, MIN_US);
      expect(tcb.rtoTicks * 4000).toBeGreaterThan(rtoUs - 60);
      expect(tcb.rtoTicks * 4000).toBeLessThan(rtoUs + 4060);
    }
  });

  it('a round trip of no time is one, too: what is measured next counts for an eighth (RFC 6298 2.3)', () => {
    const { tcb } = opened('linux', 0);
    expect(tcb.srttUs8).toBe(8);
    measured(tcb, 80_000);
    expect(tcb.srttUs8 / 8).toBeCloseTo(10_000, -1);
  });

  it('is 120 s at most, and 200 ms at least', () => {
    const { tcb } = opened('linux', 0);
    for (let i = 0; i < 50; i++) measured(tcb, 0);
    expect(tcb.rtoTicks).toBe(51);
    for (let i = 0; i < 50; i++) measured(tcb, 200_000_000);
    expect(tcb.rtoTicks).toBe(30_000);
  });

  it.each([
    [-1, undefined],
    [0, 1000],
    [1, 1000],
    [2, 2000],
    [2_147_482, 2_147_482_000],
    [2_147_483, undefined],
  ])('a timestamp of %i ms ago tells a round trip of %s us (tcp_rtt_tsopt_us)', (agoMs, us) => {
    const { rig, tcb } = opened('linux', 0);
    // The clock of timestamps wraps after 24.9 days.
    for (const atMs of [2 ** 31 - 2_000_000, 2 ** 31 - 1, 2 ** 31 + 1, 2 ** 32 + 1_000_000]) {
      rig.runTo(atMs);
      const packet = new Packet();
      packet.timestampEcho = (rig.stack.clock.timestamp - agoMs) | 0;
      expect(echoedRttUs(tcb, packet)).toBe(us);
    }
  });

  it('no timestamp tells nothing', () => {
    expect(echoedRttUs(opened('linux', 0).tcb, new Packet())).toBeUndefined();
  });

  it('the measured RTO is the base of the back-off, and an unreachable host takes the last doubling back', () => {
    const { rig, tcb, user } = opened('linux', 400);
    // tcp_rtt_estimator: 400 ms and twice that.
    const rtoTicks = 300;
    expect(tcb.rtoTicks).toBe(rtoTicks);
    user.write(1);
    for (const doublings of [1, 2, 3, 4, 5, 6]) {
      rig.run(1);
      while (tcb.backoff < doublings) rig.run(100);
      expect(tcb.rtoTicks).toBe(rtoTicks * 2 ** doublings);
    }
    revertBackOff(tcb);
    expect([tcb.backoff, tcb.rtoTicks]).toEqual([5, rtoTicks * 32]);
    while (tcb.backoff < 9) rig.run(1000);
    expect(tcb.rtoTicks).toBe(30_000);
    revertBackOff(tcb);
    expect([tcb.backoff, tcb.rtoTicks]).toEqual([8, 30_000]);
  });
});

describe('lwip', () => {
  /** tcp_receive, in whole calls of the slow timer: sa is 8 times the round trip, sv the deviation as it counts. */
  class Jacobson {
    sa = 0;
    sv = 6;

    measure(calls: number): void {
      const m = calls - Math.floor(this.sa / 8);
      this.sa += m;
      this.sv += Math.abs(m) - Math.floor(this.sv / 4);
    }

    get rtoCalls(): number {
      return Math.floor(this.sa / 8) + this.sv;
    }
  }

  it.each([1, 2, 3, 4])('is that of the rules, in calls of the slow timer (seed %i)', (seed) => {
    const random = new Seeded(seed);
    const { rig, tcb } = opened('lwip', 0, seed);
    const callsUntil = (us: number): number => Math.floor(us / 500_000);
    const reference = new Jacobson();
    // The handshake is measured, too.
    reference.measure(0);
    for (let i = 0; i < 200; i++) {
      rig.run(random.below(1000));
      rig.stack.clock.read();
      const us = i % 40 < 20 ? random.below(700_000) : random.below(15_000_000);
      measured(tcb, us);
      // tcp_ticks now, less those when it was sent.
      const nowUs = rig.nowMs * 1000;
      reference.measure(callsUntil(nowUs) - callsUntil(nowUs - us));
      expect([tcb.srttUs8, tcb.rttvarUs4]).toEqual([reference.sa, reference.sv]);
      // A connection's ticks are fast ones, two to a call.
      expect(tcb.rtoTicks).toBe(2 * Math.max(reference.rtoCalls, 3));
    }
  });

  it('the table of the back-off begins with what was measured, and ends at its last (tcp_backoff)', () => {
    const { rig, tcb, user } = opened('lwip', 2000);
    const base = tcb.rtoTicks;
    // 4 calls more than 0: sv is 6 + 4 - 1.
    expect(base).toBe(2 * 9);
    user.write(1);
    for (const [i, shift] of [1, 2, 3, 4, 5, 6, 7, 7].entries()) {
      while (tcb.backoff <= i) rig.run(100);
      expect(tcb.rtoTicks).toBe(base * 2 ** shift);
    }
    // An ACK of the segment ends the back-off, though it measures nothing.
    rig.peer('. 1 ack 2');
    expect([tcb.backoff, tcb.rtoTicks]).toEqual([0, base]);
  });

  it('nothing is measured if SYN was sent twice: LWIP_TCP_RTO_TIME, and its doublings by the table', () => {
    const rig = new Rig('lwip');
    const user = rig.connect();
    rig.run(3500);
    rig.peer('S. 0 ack 1 win 60000 mss 1000');
    rig.sent();
    expect(rig.tcb?.rtoTicks).toBe(12);
    user.write(1);
    while ((rig.tcb?.backoff ?? 2) < 2) rig.run(100);
    expect(rig.tcb?.rtoTicks).toBe(12 * 4);
  });

  it('a port with a least RTO of its own has that', () => {
    const profile = { ...PROFILES.lwip, retransmission: { ...PROFILES.lwip.retransmission, rtoMinMs: 5000 } };
    const { tcb } = opened(profile, 0);
    expect(tcb.rtoTicks).toBe(20);
  });

  it('is 0x7fff calls at most (tcp_slowtmr), with any entry of the table', () => {
    const { rig, tcb, user } = opened('lwip', 0);
    for (let i = 0; i < 40; i++) measured(tcb, 600_000_000);
    user.write(1);
    while (tcb.backoff < 8) rig.run(1_000_000);
    expect(tcb.rtoTicks).toBe(2 * 0x7fff);
  });
});

describe('freertos-tcp', () => {
  it.each([1, 2, 3])('is twice a round trip that falls by 1/8 and rises by 2/8, in whole ms (seed %i)', (seed) => {
    const random = new Seeded(seed);
    const { tcb } = opened('freertos-tcp', 0, seed);
    // vTCPWindowInit.
    let smoothedMs = 500;
    for (let i = 0; i < 200; i++) {
      const ms = random.below(i % 40 < 20 ? 100 : 3000);
      measured(tcb, ms * 1000 + random.below(1000));
      smoothedMs = Math.floor(ms > smoothedMs ? (2 * ms + 6 * smoothedMs) / 8 : (ms + 7 * smoothedMs) / 8);
      // ipconfigTCP_SRTT_MINIMUM_VALUE_MS.
      smoothedMs = Math.max(smoothedMs, 50);
      expect(tcb.rtoTicks).toBe(2 * smoothedMs);
    }
  });

  it('does not measure the handshake (vTCPWindowInit comes after it)', () => {
    expect(opened('freertos-tcp', 2000).tcb.rtoTicks).toBe(1000);
  });

  it('the back-off is over with an ACK, and the RTO is what was measured', () => {
    const { rig, tcb, user } = opened('freertos-tcp', 0);
    for (let i = 0; i < 8; i++) measured(tcb, 100_000);
    const { rtoTicks } = tcb;
    expect(rtoTicks).toBeLessThan(700);
    for (const doublings of [1, 3]) {
      user.write(1);
      while (tcb.backoff < doublings) rig.run(100);
      expect(tcb.rtoTicks).toBe(2 ** doublings * rtoTicks);
      rig.peer(`. 1 ack ${doublings === 1 ? 2 : 3}`);
      expect([tcb.backoff, tcb.rtoTicks]).toEqual([0, rtoTicks]);
    }
  });
});

describe('w5500', () => {
  it('measures nothing, and begins again with RTR', () => {
    const { rig, tcb, user } = opened('w5500', 1000);
    expect(tcb.rtoTicks).toBe(2000);
    user.write(1);
    while (tcb.backoff < 3) rig.run(100);
    expect(tcb.rtoTicks).toBe(16_000);
    rig.peer('. 1 ack 2');
    expect([tcb.backoff, tcb.rtoTicks, tcb.srttUs8]).toEqual([0, 2000, 0]);
  });
});
