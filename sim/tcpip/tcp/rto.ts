/**
 * The retransmission timeout: measured from round trips (RFC 6298 2; Linux's tcp_rtt_estimator, which lets the
 * deviation fall slowly), backed off, and set as the timer of what is in flight.
 */

import type { Packet } from '../../packet/packet.ts';
import { distance } from './seq.ts';
import { FIN_SENT, msToTicks, PROBE_OUT, setTimer, type Tcb, ticksSince, usToTicks, waitForFin } from './tcb.ts';

const SECOND_MS = 1000;

/** Linux's TCP_TIMEOUT_MIN: two jiffies. */
export const TIMEOUT_US_MIN = 8000;

/** A slow tick is two of the stack's. */
const SLOW_TICK = 2;

/** Two milliseconds: what Linux's TCP_TIMEOUT_MIN_US adds where no delayed ACK is waited for. */
const PROBE_WAIT_US_MIN = 2000;

/**
 * Returns the time since the echoed timestamp was sent, in microseconds (RFC 7323 4.1); undefined: the peer echoes
 * nothing. Linux's tcp_rtt_tsopt_us: the clock has milliseconds, and a time below one counts as one.
 */
export function echoedRttUs({ stack }: Tcb, { timestampEcho }: Packet): number | undefined {
  if (!stack.profile.retransmission.timestamps || timestampEcho === 0) return undefined;
  const ms = (stack.clock.timestamp - timestampEcho) | 0;
  return ms >= 0 && ms < ECHO_MS_MAX ? Math.max(ms, 1) * 1000 : undefined;
}

/** Longest time that fits into 31 bits of microseconds. */
const ECHO_MS_MAX = 2_147_483;

/** Applies a measured round trip time. */
export function measured(tcb: Tcb, rttUs: number): void {
  const { retransmission } = tcb.stack.profile;
  switch (retransmission.rto) {
    case 'fixed':
      break;
    case 'slow-ticks':
      measureInTicks(tcb, rttUs);
      break;
    case 'smoothed':
      smooth(tcb, rttUs);
      break;
    case 'measured':
      measureInUs(tcb, Math.max(rttUs, 1), retransmission.rtoMinMs * 1000);
      break;
  }
  tcb.backoff = 0;
}

function measureInUs(tcb: Tcb, rttUs: number, minUs: number): void {
  if (tcb.srttUs8 === 0) {
    tcb.srttUs8 = rttUs << 3;
    tcb.mdevUs4 = rttUs << 1;
    tcb.rttvarUs4 = Math.max(tcb.mdevUs4, minUs);
    tcb.mdevMaxUs4 = tcb.rttvarUs4;
    tcb.rttSeq = tcb.sndNxt;
  } else {
    let error = rttUs - (tcb.srttUs8 >> 3);
    tcb.srttUs8 += error;
    if (error < 0) {
      error = -error - (tcb.mdevUs4 >> 2);
      // A round trip that got shorter is no reason to wait longer: its deviation counts for an eighth (Linux, after
      // Eifel).
      if (error > 0) error >>= 3;
    } else {
      error -= tcb.mdevUs4 >> 2;
    }
    tcb.mdevUs4 += error;
    if (tcb.mdevUs4 > tcb.mdevMaxUs4) {
      tcb.mdevMaxUs4 = tcb.mdevUs4;
      tcb.rttvarUs4 = Math.max(tcb.rttvarUs4, tcb.mdevMaxUs4);
    }
    if (distance(tcb.rttSeq, tcb.sndUna) > 0) {
      if (tcb.mdevMaxUs4 < tcb.rttvarUs4) tcb.rttvarUs4 -= (tcb.rttvarUs4 - tcb.mdevMaxUs4) >> 2;
      tcb.rttSeq = tcb.sndNxt;
      tcb.mdevMaxUs4 = minUs;
    }
  }
  tcb.rtoTicks = clampRto(tcb, usToTicks(tcb.stack, (tcb.srttUs8 >> 3) + tcb.rttvarUs4));
}

/** FreeRTOS+TCP's prvTCPWindowTxCheckAck_CalcSRTT, in whole ms: "RTT becomes smaller: adapt slowly". */
function smooth(tcb: Tcb, rttUs: number): void {
  const oldMs = smoothedMs(tcb);
  const ms = Math.trunc(rttUs / 1000);
  const newMs = Math.trunc(oldMs >= ms ? (7 * oldMs + ms) / 8 : (6 * oldMs + 2 * ms) / 8);
  tcb.srttUs8 = Math.max(newMs, tcb.stack.profile.retransmission.rtoMinMs / 2) * 8000;
  tcb.rtoTicks = smoothedRtoTicks(tcb);
}

function smoothedMs({ srttUs8, stack }: Tcb): number {
  return srttUs8 === 0 ? stack.profile.retransmission.rtoInitialMs / 2 : srttUs8 / 8000;
}

function smoothedRtoTicks(tcb: Tcb): number {
  return msToTicks(tcb.stack, 2 * smoothedMs(tcb));
}

/**
 * lwIP's tcp_receive: Jacobson's algorithm in ticks of the slow timer. A round trip is the ticks that came meanwhile:
 * mostly none, and one even for a short one if the timer happened to run.
 */
function measureInTicks(tcb: Tcb, rttUs: number): void {
  const { stack } = tcb;
  // Until the first measurement, the deviation is what makes up the first RTO.
  if (tcb.rttvarUs4 === 0) tcb.rttvarUs4 = msToTicks(stack, stack.profile.retransmission.rtoInitialMs) / SLOW_TICK;
  let error = slowTicksIn(tcb, rttUs) - (tcb.srttUs8 >> 3);
  tcb.srttUs8 += error;
  error = Math.abs(error) - (tcb.rttvarUs4 >> 2);
  tcb.rttvarUs4 += error;
  tcb.rtoTicks = clampRto(tcb, slowRtoTicks(tcb));
}

/** Returns how often the slow timer ran in the time up to now. */
function slowTicksIn({ stack: { clock, profile } }: Tcb, us: number): number {
  const everyUs = profile.tickUs * SLOW_TICK;
  // The next that it counts is an even tick.
  const sinceLastUs = everyUs - clock.usUntil((clock.nowTick | 1) + 1);
  return Math.max(Math.ceil((us - sinceLastUs) / everyUs), 0);
}

function slowRtoTicks(tcb: Tcb): number {
  return ((tcb.srttUs8 >> 3) + tcb.rttvarUs4) * SLOW_TICK;
}

function clampRto(tcb: Tcb, ticks: number): number {
  const { rtoMinMs, rtoMaxMs } = tcb.stack.profile.retransmission;
  return Math.max(Math.min(ticks, msToTicks(tcb.stack, rtoMaxMs)), msToTicks(tcb.stack, rtoMinMs));
}

/** The RTO before any back-off, where the profile's table begins with it. */
function baseRtoTicks(tcb: Tcb): number {
  const { stack } = tcb;
  const { rto, rtoInitialMs } = stack.profile.retransmission;
  if (rto === 'smoothed') return smoothedRtoTicks(tcb);
  if (tcb.rttvarUs4 === 0) return msToTicks(stack, rtoInitialMs);
  return clampRto(tcb, rto === 'slow-ticks' ? slowRtoTicks(tcb) : usToTicks(stack, (tcb.srttUs8 >> 3) + tcb.rttvarUs4));
}

/** The next timeout takes longer. */
export function backOff(tcb: Tcb): void {
  const { backoffShifts: shifts, rtoMaxMs } = tcb.stack.profile.retransmission;
  const maxTicks = msToTicks(tcb.stack, rtoMaxMs);
  if (shifts === undefined) {
    tcb.rtoTicks = Math.min(tcb.rtoTicks * 2, maxTicks);
  } else {
    // lwIP's tcp_slowtmr: of what was measured, not of the timeout before.
    const base = baseRtoTicks(tcb);
    tcb.rtoTicks = Math.min(base * 2 ** (shifts[Math.min(tcb.backoff, shifts.length - 1)] ?? 0), maxTicks);
  }
  tcb.backoff++;
}

/** The last doubling is undone (Linux's tcp_ld_RTO_revert). */
export function revertBackOff(tcb: Tcb): void {
  tcb.backoff--;
  const maxTicks = msToTicks(tcb.stack, tcb.stack.profile.retransmission.rtoMaxMs);
  tcb.rtoTicks = Math.min(baseRtoTicks(tcb) * 2 ** tcb.backoff, maxTicks);
}

/**
 * lwIP's tcp_receive, and the others without timestamps: what is acknowledged ends the back-off, though it measures
 * nothing.
 */
export function endBackOff(tcb: Tcb): void {
  if (tcb.backoff === 0 || tcb.stack.profile.retransmission.timestamps) return;
  tcb.backoff = 0;
  tcb.rtoTicks = baseRtoTicks(tcb);
}

/**
 * Starts the timer again, as a tail loss probe or with the RTO, after new data was sent or an ACK has acknowledged
 * data.
 */
export function armRetransmission(tcb: Tcb, oldestTick = tcb.sentTicks?.[0]): void {
  if (tcb.packetsOut === 0) return;
  if (isFinAlone(tcb)) {
    waitForFin(tcb);
    return;
  }
  const probeTicks = lossProbeTicks(tcb, oldestTick ?? tcb.stack.clock.nowTick);
  if (probeTicks === undefined) {
    // RFC 6298 5.1: a running timer is not restarted by what is sent behind.
    if (tcb.timer !== 'retransmit') setTimer(tcb, 'retransmit', tcb.rtoTicks);
  } else {
    setTimer(tcb, 'loss-probe', probeTicks);
  }
}

/** FreeRTOS+TCP's FIN goes out when all else is acknowledged, and is not sent again. */
function isFinAlone({ flags, stack }: Tcb): boolean {
  return (flags & FIN_SENT) !== 0 && stack.profile.fin === 'freertos-tcp';
}

/** RFC 6298 5.3. */
export function rearmRetransmission(tcb: Tcb): void {
  if (tcb.timer === 'retransmit' || tcb.timer === 'loss-probe') tcb.timer = 'none';
  armRetransmission(tcb, tcb.stack.clock.nowTick);
}

/**
 * RFC 8985 7.2, as Linux's tcp_schedule_loss_probe has it: not later than the RTO, which for new data counts from when
 * the oldest in flight was sent (tcp_rto_delta_us), and for an ACK from now. undefined where there is none.
 */
function lossProbeTicks(tcb: Tcb, oldestTick: number): number | undefined {
  const { stack } = tcb;
  if (!stack.profile.retransmission.tailLossProbe || tcb.recovery !== 'open' || (tcb.flags & PROBE_OUT) !== 0) {
    return undefined;
  }
  let ticks = msToTicks(stack, SECOND_MS);
  if (tcb.srttUs8 > 0) {
    // Two round trips, and more: one segment alone may be waiting for the peer's delayed ACK. The sum is rounded once.
    const moreUs = tcb.packetsOut === 1 ? stack.profile.retransmission.rtoMinMs * 1000 : PROBE_WAIT_US_MIN;
    ticks = usToTicks(stack, (tcb.srttUs8 >> 2) + moreUs);
  }
  const leftTicks = tcb.rtoTicks - ticksSince(stack, oldestTick);
  return leftTicks > 0 ? Math.min(ticks, leftTicks) : ticks;
}
