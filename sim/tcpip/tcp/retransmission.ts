/** When to send again, and when to give up: RFC 6298, the tail loss probe of RFC 8985, and how stacks count. */

import type { Errno } from '../../../hal/errno.ts';
import { enterLoss } from './congestion.ts';
import { hasUnsent, retransmit, retransmitLast, sendNext, sendSyn } from './output.ts';
import { distance } from './seq.ts';
import {
  done, msToTicks, ORPHAN, PROBE_OUT, RETRANSMITTED, setTimer, ticksSince, TIMING, usToTicks, type Tcb,
} from './tcb.ts';

// ---- the round trip (RFC 6298 2; Linux's tcp_rtt_estimator, which lets the deviation fall slowly) ----

/** A round trip took so long. */
export function measured(tcb: Tcb, rttUs: number): void {
  const { retransmission } = tcb.stack.profile;
  switch (retransmission.rto) {
    case 'fixed':
      break;
    case 'slow-ticks':
      measureInTicks(tcb, rttUs);
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
    tcb.srttUs8 = Math.max(tcb.srttUs8 + error, 1);
    if (error < 0) {
      error = -error - (tcb.mdevUs4 >> 2);
      // A round trip that got shorter is no reason to wait longer: its deviation counts for an eighth (Linux, after Eifel).
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

/** lwIP's tcp_receive: Jacobson's algorithm in ticks of the slow timer, of which a round trip is mostly none. */
function measureInTicks(tcb: Tcb, rttUs: number): void {
  const { stack } = tcb;
  // Until the first measurement, the deviation is what makes up the first RTO.
  if (tcb.rttvarUs4 === 0) tcb.rttvarUs4 = msToTicks(stack, stack.profile.retransmission.rtoInitialMs) / SLOW_TICK;
  let error = Math.floor(rttUs / (stack.profile.tickUs * SLOW_TICK)) - (tcb.srttUs8 >> 3);
  tcb.srttUs8 += error;
  error = Math.abs(error) - (tcb.rttvarUs4 >> 2);
  tcb.rttvarUs4 += error;
  tcb.rtoTicks = clampRto(tcb, slowRtoTicks(tcb));
}

function slowRtoTicks(tcb: Tcb): number {
  return ((tcb.srttUs8 >> 3) + tcb.rttvarUs4) * SLOW_TICK;
}

/** A slow tick is two of the stack's. */
const SLOW_TICK = 2;

function clampRto(tcb: Tcb, ticks: number): number {
  const { rtoMinMs, rtoMaxMs } = tcb.stack.profile.retransmission;
  return Math.max(Math.min(ticks, msToTicks(tcb.stack, rtoMaxMs)), msToTicks(tcb.stack, rtoMinMs));
}

// ---- the timer ----

/** Something new was sent, or an ACK of something has come: the timer runs anew, as a probe of the tail or to the RTO. */
export function armRetransmission(tcb: Tcb): void {
  if (tcb.packetsOut === 0) {
    if (tcb.timer === 'retransmit' || tcb.timer === 'loss-probe') tcb.timer = 'none';
    return;
  }
  const probeTicks = lossProbeTicks(tcb);
  if (probeTicks === undefined) {
    // RFC 6298 5.1: a running timer is not restarted by what is sent behind.
    if (tcb.timer !== 'retransmit') setTimer(tcb, 'retransmit', tcb.rtoTicks);
  } else {
    setTimer(tcb, 'loss-probe', probeTicks);
  }
}

/** RFC 6298 5.3. */
export function rearmRetransmission(tcb: Tcb): void {
  if (tcb.timer === 'retransmit' || tcb.timer === 'loss-probe') tcb.timer = 'none';
  armRetransmission(tcb);
}

/** RFC 8985 7.2, as Linux's tcp_schedule_loss_probe has it; undefined where there is none. */
function lossProbeTicks(tcb: Tcb): number | undefined {
  const { stack } = tcb;
  if (!stack.profile.retransmission.tailLossProbe || tcb.recovery !== 'open' || (tcb.flags & PROBE_OUT) !== 0) return undefined;
  if (tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED') return undefined;
  let ticks = msToTicks(stack, SECOND_MS);
  if (tcb.srttUs8 > 0) {
    ticks = usToTicks(stack, tcb.srttUs8 >> 2);
    // One segment alone may be waiting for the peer's delayed ACK.
    ticks += tcb.packetsOut === 1 ? msToTicks(stack, stack.profile.retransmission.rtoMinMs) : usToTicks(stack, TIMEOUT_US_MIN);
  }
  return Math.min(ticks, tcb.rtoTicks);
}

const SECOND_MS = 1000;
/** Linux's TCP_TIMEOUT_MIN: two jiffies. */
export const TIMEOUT_US_MIN = 8000;

/** RFC 8985 7.3: new data if there is some, or the last segment again; then the RTO, from now. */
export function lossProbeTimeout(tcb: Tcb): void {
  tcb.flags |= PROBE_OUT;
  if (!hasUnsent(tcb) || !sendNext(tcb, true)) retransmitLast(tcb);
  tcb.recover = tcb.sndNxt;
  setTimer(tcb, 'retransmit', tcb.rtoTicks);
}

/** RFC 6298 5.4 to 5.6. */
export function retransmitTimeout(tcb: Tcb): void {
  const { stack } = tcb;
  const { retransmission, handshake } = stack.profile;
  const isHandshake = tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED';
  if (isTimeToGiveUp(tcb, isHandshake)) {
    giveUp(tcb);
    return;
  }
  tcb.timeouts++;
  if ((tcb.flags & RETRANSMITTED) === 0) {
    tcb.flags |= RETRANSMITTED;
    tcb.retransmitSinceTick = stack.nowTick;
  }
  if (isHandshake) {
    sendSyn(tcb);
    // RFC 6298 3, Karn: a SYN that was sent twice measures nothing, but by its timestamp.
    if (retransmission.timestamps) tcb.timedUs = stack.nowUs;
    else tcb.flags &= ~TIMING;
    // Linux's tcp_syn_linear_timeouts: the first retries come at even intervals.
    const isLinear = tcb.state === 'SYN-SENT' && tcb.timeouts <= handshake.synLinearTimeouts;
    if (!isLinear) backOff(tcb, retransmission.backoffShifts, msToTicks(stack, handshake.rtoMs));
  } else {
    enterLoss(tcb);
    tcb.retransmitNxt = retransmit(tcb, tcb.sndUna);
    backOff(tcb, retransmission.backoffShifts, undefined);
  }
  setTimer(tcb, 'retransmit', clampToUserTimeout(tcb, waitTicks(tcb, isHandshake)));
}

/** Until the next time-out; after the last send some stacks wait a time of its own. */
function waitTicks(tcb: Tcb, isHandshake: boolean): number {
  const { retransmission, handshake } = tcb.stack.profile;
  if (isHandshake && tcb.state !== 'SYN-SENT') return tcb.rtoTicks;
  const { lastWaitMs } = isHandshake ? handshake : retransmission;
  const retries = isHandshake ? synRetries(tcb) : retransmission.giveUp.retries;
  return lastWaitMs !== undefined && tcb.timeouts >= retries ? msToTicks(tcb.stack, lastWaitMs) : tcb.rtoTicks;
}

function synRetries({ state, stack }: Tcb): number {
  const { handshake } = stack.profile;
  return state === 'SYN-SENT' ? handshake.synRetries + handshake.synLinearTimeouts : handshake.synAckRetries;
}

/** The next time-out takes longer. */
function backOff(tcb: Tcb, shifts: readonly number[] | undefined, firstTicks: number | undefined): void {
  const maxTicks = msToTicks(tcb.stack, tcb.stack.profile.retransmission.rtoMaxMs);
  if (shifts === undefined) {
    tcb.rtoTicks = Math.min(tcb.rtoTicks * 2, maxTicks);
  } else {
    // lwIP's tcp_slowtmr: of what was measured, not of the time-out before.
    const base = firstTicks ?? baseRtoTicks(tcb);
    tcb.rtoTicks = Math.min(base * 2 ** (shifts[Math.min(tcb.backoff, shifts.length - 1)] ?? 0), maxTicks);
  }
  tcb.backoff++;
}

/** lwIP's tcp_receive, and the others without timestamps: what is acknowledged ends the back-off, though it measures nothing. */
export function endBackOff(tcb: Tcb): void {
  if (tcb.backoff === 0 || tcb.stack.profile.retransmission.timestamps) return;
  tcb.backoff = 0;
  tcb.rtoTicks = baseRtoTicks(tcb);
}

/** The RTO before any back-off, where the profile's table begins with it. */
function baseRtoTicks(tcb: Tcb): number {
  const { stack } = tcb;
  const { rto, rtoInitialMs } = stack.profile.retransmission;
  if (rto === 'fixed' || tcb.rttvarUs4 === 0) return msToTicks(stack, rtoInitialMs);
  return clampRto(tcb, rto === 'slow-ticks' ? slowRtoTicks(tcb) : usToTicks(stack, (tcb.srttUs8 >> 3) + tcb.rttvarUs4));
}

/** Linux's tcp_clamp_rto_to_user_timeout: the last time-out comes when the user wants it, counted from the first retransmission. */
function clampToUserTimeout(tcb: Tcb, ticks: number): number {
  if (tcb.userTimeoutMs === 0) return ticks;
  const left = msToTicks(tcb.stack, tcb.userTimeoutMs) - ticksSince(tcb.stack, tcb.retransmitSinceTick);
  return Math.min(ticks, Math.max(left, 1));
}

// ---- giving up ----

function isTimeToGiveUp(tcb: Tcb, isHandshake: boolean): boolean {
  const { stack } = tcb;
  const { by, retries } = stack.profile.retransmission.giveUp;
  if (isHandshake && tcb.timeouts >= synRetries(tcb)) return true;
  if (by === 'elapsed' && !isHandshake && tcb.sndWnd === 0 && (tcb.flags & ORPHAN) === 0) return isShrunkAndSilent(tcb);
  if (tcb.userTimeoutMs > 0) return hasElapsed(tcb, tcb.userTimeoutMs);
  switch (by) {
    case 'count':
      return !isHandshake && (tcb.timeouts >= retries || isForsaken(tcb));
    case 'elapsed': {
      // tcp_write_timeout asks for a SYN too, and of the linear time-outs, which fit into this time unless the retries are few, it knows nothing.
      if (isHandshake) return tcb.state === 'SYN-SENT' && hasElapsed(tcb, modelTimeoutMs(tcb, stack.profile.handshake.synRetries, stack.profile.handshake.rtoMs));
      const allowed = (tcb.flags & ORPHAN) === 0 ? retries : orphanRetries(tcb, tcb.rtoTicks);
      return hasElapsed(tcb, modelTimeoutMs(tcb, allowed, stack.profile.retransmission.rtoMinMs));
    }
  }
}

/** Nobody waits for it any more, and nobody answers. */
function isForsaken(tcb: Tcb): boolean {
  const { orphanMs } = tcb.stack.profile;
  return orphanMs !== undefined && (tcb.flags & ORPHAN) !== 0 && hasElapsed(tcb, orphanMs);
}

/** Linux's tcp_orphan_retries, tcp_orphan_retries being 0: what nobody waits for is given up after a time of its own, and when back-off is at its end. */
export function orphanRetries({ stack }: Tcb, waitTicks: number): number {
  return waitTicks < msToTicks(stack, stack.profile.retransmission.rtoMaxMs) ? ORPHAN_RETRIES : 0;
}

const ORPHAN_RETRIES = 8;

/** Linux's tcp_model_timeout: how long so many doublings of a first RTO take, the last of them at the largest. */
function modelTimeoutMs({ stack }: Tcb, retries: number, firstMs: number): number {
  const { rtoMaxMs } = stack.profile.retransmission;
  const doublings = Math.floor(Math.log2(rtoMaxMs / firstMs));
  if (retries <= doublings) return (2 ** (retries + 1) - 1) * firstMs;
  return (2 ** (doublings + 1) - 1) * firstMs + (retries - doublings) * rtoMaxMs;
}

/**
 * RFC 9293 3.8.6.1 (MUST-37), Linux's tcp_rtx_probe0_timed_out: the peer has taken back the window that it gave for what is in flight. So what
 * is sent again is a probe, and the connection lives as long as such are answered; but for a user's timeout.
 */
function isShrunkAndSilent(tcb: Tcb): boolean {
  const { stack, userTimeoutMs } = tcb;
  if (userTimeoutMs > 0 && hasElapsed(tcb, userTimeoutMs)) return true;
  const silenceMs = 2 * stack.profile.retransmission.rtoMaxMs;
  return ticksSince(stack, tcb.lastAckTick) > msToTicks(stack, silenceMs) && hasElapsed(tcb, silenceMs);
}

/** Linux's retransmits_timed_out. */
function hasElapsed(tcb: Tcb, ms: number): boolean {
  return tcb.timeouts > 0 && ticksSince(tcb.stack, tcb.retransmitSinceTick) >= msToTicks(tcb.stack, ms);
}

/** Nobody answers. What the network has said meanwhile is the better reason (RFC 1122 4.2.3.9, Linux's tcp_write_err). */
export function giveUp(tcb: Tcb, errno: Errno = tcb.stack.profile.timeoutErrno): void {
  done(tcb, tcb.softError ?? errno);
}
