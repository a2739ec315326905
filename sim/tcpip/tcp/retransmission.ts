/** Retransmission and its limits: RFC 6298, the tail loss probe of RFC 8985, and the rules by which stacks count. */

import type { Errno } from '../../../hal/errno.ts';
import { enterLoss } from './congestion.ts';
import { retransmit, retransmitLast, sendNext } from './output.ts';
import { backOff, revertBackOff } from './rto.ts';
import { sendSyn } from './segment.ts';
import {
  done, heldSinceTick, msToTicks, ORPHAN, PROBE_OUT, RETRANSMITTED, setSynTimer, setTimer, silentTicks, type Tcb,
  ticksSince, TIMING,
} from './tcb.ts';

/** RFC 8985 7.3: new data if there is some, or the last segment again; then the RTO, from now. */
export function lossProbeTimeout(tcb: Tcb): void {
  tcb.flags |= PROBE_OUT;
  const isResent = !sendNext(tcb, 'loss-probe');
  if (isResent && !retransmitLast(tcb)) {
    // Linux's tcp_send_loss_probe: no probe of what has not left the host; the RTO counts from when it should have.
    tcb.flags &= ~PROBE_OUT;
    const since = ticksSince(tcb.stack, heldSinceTick(tcb, tcb.sndUna) ?? tcb.stack.clock.nowTick);
    setTimer(tcb, 'retransmit', Math.max(tcb.rtoTicks - since, 1));
    return;
  }
  tcb.inTrouble().isProbeResent = isResent;
  tcb.inTrouble().recover = tcb.sndNxt;
  setTimer(tcb, 'retransmit', tcb.rtoTicks);
}

/** RFC 6298 5.4 to 5.6. */
export function retransmitTimeout(tcb: Tcb): void {
  const { stack } = tcb;
  const { handshake } = stack.profile;
  const isHandshake = tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED';
  if (isTimeToGiveUp(tcb, isHandshake)) {
    giveUp(tcb);
    return;
  }
  const heldTick = heldSinceTick(tcb, tcb.sndUna);
  if (heldTick !== undefined && waitsForNeighbour(tcb)) return;
  if (isFirstSyn(tcb)) return;
  tcb.inTrouble().timeouts++;
  if ((tcb.flags & RETRANSMITTED) === 0) {
    tcb.flags |= RETRANSMITTED;
    // Linux's tcp_retransmit_skb: the first attempt counts from when the segment was last sent, and so from now, unless
    // it has not left the host.
    tcb.inTrouble().retransmitSinceTick = heldTick ?? stack.clock.nowTick;
  }
  if (isHandshake) {
    if (heldTick === undefined || tcb.state !== 'SYN-SENT') sendSyn(tcb);
    // RFC 6298 3, Karn: a SYN that was sent twice measures nothing, but by the timestamp that the peer echoes.
    tcb.flags &= ~TIMING;
    // Linux's tcp_syn_linear_timeouts: the first retries come at even intervals.
    const isLinear = tcb.state === 'SYN-SENT' && tcb.trouble.timeouts <= handshake.synLinearTimeouts;
    if (!isLinear) backOff(tcb);
  } else {
    enterLoss(tcb);
    tcb.inTrouble().retransmitNxt = retransmit(tcb, tcb.sndUna);
    backOff(tcb);
  }
  const ticks = clampToUserTimeout(tcb, waitTicks(tcb, isHandshake));
  if (isTooFar(tcb, ticks)) tcb.inTrouble().stoppedSinceTick = stack.clock.nowTick;
  else setTimer(tcb, 'retransmit', ticks);
}

/** FreeRTOS+TCP's prvTCPNextTimeout: what does not fit into usTimeout does not come (profile.ts). */
function isTooFar({ keepAlive, stack }: Tcb, ticks: number): boolean {
  const { waitMaxMs } = stack.profile.retransmission;
  return waitMaxMs !== Infinity && keepAlive === undefined && ticks > msToTicks(stack, waitMaxMs);
}

/** The user sends: where retransmission has stopped, the connection is looked at. */
export function resumeRetransmission(tcb: Tcb): void {
  if (tcb.timer !== 'none' || tcb.packetsOut === 0) return;
  const left = tcb.rtoTicks - ticksSince(tcb.stack, tcb.trouble.stoppedSinceTick);
  if (left <= 0) retransmitTimeout(tcb);
  else if (!isTooFar(tcb, left)) setTimer(tcb, 'retransmit', left);
}

/**
 * A timeout of what has not left the host, since its neighbour has not answered ARP. Linux counts it as any other one.
 * lwIP's tcp_rexmit_rto_prepare and the W5500 come again, and nothing is counted. FreeRTOS+TCP's prvTCPPrepareConnect
 * asks again, and so often as it would send SYN.
 */
function waitsForNeighbour(tcb: Tcb): boolean {
  const { stack } = tcb;
  const { arp } = stack.profile;
  switch (arp.kind) {
    case 'linux':
      return false;
    case 'lwip':
    case 'w5500':
      setTimer(tcb, 'retransmit', msToTicks(stack, arp.retryMs));
      return true;
    case 'freertos-tcp':
      if (tcb.trouble.probesOut > stack.profile.handshake.synRetries) {
        giveUp(tcb);
      } else {
        tcb.inTrouble().probesOut++;
        sendSyn(tcb);
        setTimer(tcb, 'retransmit', msToTicks(stack, arp.retryMs));
      }
      return true;
  }
}

/** FreeRTOS+TCP: the neighbour has answered by now. Only what was sent since then counts (ucRepCount). */
function isFirstSyn(tcb: Tcb): boolean {
  if (tcb.state !== 'SYN-SENT' || tcb.trouble.probesOut === 0) return false;
  tcb.inTrouble().probesOut = 0;
  sendSyn(tcb);
  setSynTimer(tcb, tcb.rtoTicks);
  return true;
}

/** lwIP's tcp_rexmit_rto in SYN_SENT: SYN goes out now, as one of those that are allowed. */
export function sendSynAgain(tcb: Tcb): void {
  if (tcb.trouble.timeouts < synRetries(tcb)) retransmitTimeout(tcb);
}

/** Until SYN and ACK is sent again, or the handshake given up. */
export function synAckTicks(tcb: Tcb): number {
  const { synReceivedMs, synAckRetries } = tcb.stack.profile.handshake;
  if (synReceivedMs === undefined) return tcb.rtoTicks;
  if (tcb.trouble.timeouts < synAckRetries) return tcb.rtoTicks;
  return msToTicks(tcb.stack, synReceivedMs) - silentTicks(tcb);
}

/** Until the next timeout; after the last send some stacks wait a time of its own. */
function waitTicks(tcb: Tcb, isHandshake: boolean): number {
  const { retransmission, handshake } = tcb.stack.profile;
  if (isHandshake && tcb.state !== 'SYN-SENT') return synAckTicks(tcb);
  if (tcb.state === 'LAST-ACK') return Math.min(tcb.rtoTicks, lastAckTicksLeft(tcb));
  const { lastWaitMs } = isHandshake ? handshake : retransmission;
  const retries = isHandshake ? synRetries(tcb) : retransmission.giveUp.retries;
  return lastWaitMs !== undefined && tcb.trouble.timeouts >= retries ? msToTicks(tcb.stack, lastWaitMs) : tcb.rtoTicks;
}

/** Until a connection in LAST-ACK is forgotten. */
function lastAckTicksLeft(tcb: Tcb): number {
  const { lastAckMs, closedSince } = tcb.stack.profile;
  if (lastAckMs === undefined) return Infinity;
  const isSinceArrival = closedSince === 'last-arrival' && (tcb.flags & ORPHAN) !== 0;
  const elapsed = isSinceArrival ? ticksSince(tcb.stack, tcb.lastDataTick) >>> 0 : silentTicks(tcb);
  return Math.max(msToTicks(tcb.stack, lastAckMs) - elapsed, 0);
}

function synRetries({ state, stack }: Tcb): number {
  const { handshake } = stack.profile;
  return state === 'SYN-SENT' ? handshake.synRetries + handshake.synLinearTimeouts : handshake.synAckRetries;
}

/**
 * Linux's tcp_clamp_rto_to_user_timeout: the last timeout comes when the user wants it, counted from the first
 * retransmission.
 */
function clampToUserTimeout(tcb: Tcb, ticks: number): number {
  if (tcb.userTimeoutMs === 0) return ticks;
  const left = msToTicks(tcb.stack, tcb.userTimeoutMs) - ticksSince(tcb.stack, tcb.trouble.retransmitSinceTick);
  return Math.min(ticks, Math.max(left, 1));
}

// ---- giving up ----

function isTimeToGiveUp(tcb: Tcb, isHandshake: boolean): boolean {
  const { stack } = tcb;
  const { by, retries } = stack.profile.retransmission.giveUp;
  if (tcb.state === 'SYN-RECEIVED' && stack.profile.handshake.synReceivedMs !== undefined) {
    return silentTicks(tcb) >= msToTicks(stack, stack.profile.handshake.synReceivedMs);
  }
  if (isHandshake && tcb.trouble.timeouts >= synRetries(tcb)) return true;
  if (tcb.state === 'LAST-ACK' && lastAckTicksLeft(tcb) === 0) return true;
  if (by === 'elapsed' && !isHandshake && tcb.sndWnd === 0 && (tcb.flags & ORPHAN) === 0) return isShrunkAndSilent(tcb);
  if (tcb.userTimeoutMs > 0) return hasElapsed(tcb, tcb.userTimeoutMs);
  switch (by) {
    case 'count':
      return !isHandshake && (tcb.trouble.timeouts >= retries || isOrphanOverdue(tcb));
    case 'elapsed': {
      // tcp_write_timeout asks for a SYN too, and of the linear timeouts, which fit into this time unless the retries
      // are few, it knows nothing.
      if (isHandshake) {
        return (
          tcb.state === 'SYN-SENT' &&
          hasElapsed(tcb, modelTimeoutMs(tcb, stack.profile.handshake.synRetries, stack.profile.handshake.rtoMs))
        );
      }
      const allowed = (tcb.flags & ORPHAN) === 0 ? retries : orphanRetries(tcb, tcb.rtoTicks);
      return hasElapsed(tcb, modelTimeoutMs(tcb, allowed, stack.profile.retransmission.rtoMinMs));
    }
  }
}

/** Nobody waits for it any more, and nobody answers. */
function isOrphanOverdue(tcb: Tcb): boolean {
  const { orphanMs } = tcb.stack.profile;
  return orphanMs !== undefined && (tcb.flags & ORPHAN) !== 0 && hasElapsed(tcb, orphanMs);
}

/**
 * Linux's tcp_orphan_retries, tcp_orphan_retries being 0: what nobody waits for is given up after a time of its own,
 * and when back-off is at its end.
 */
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
 * RFC 9293 3.8.6.1 (MUST-37), Linux's tcp_rtx_probe0_timed_out: the peer has taken back the window that it gave for
 * what is in flight. So what is sent again is a probe, and the connection lives as long as such are answered; but for a
 * user's timeout.
 */
function isShrunkAndSilent(tcb: Tcb): boolean {
  const { stack, userTimeoutMs } = tcb;
  if (userTimeoutMs > 0 && hasElapsed(tcb, userTimeoutMs)) return true;
  const silenceMs = 2 * stack.profile.retransmission.rtoMaxMs;
  return ticksSince(stack, tcb.lastAckTick) > msToTicks(stack, silenceMs) && hasElapsed(tcb, silenceMs);
}

/** Linux's retransmits_timed_out. */
function hasElapsed(tcb: Tcb, ms: number): boolean {
  return tcb.trouble.timeouts > 0 && ticksSince(tcb.stack, tcb.trouble.retransmitSinceTick) >= msToTicks(tcb.stack, ms);
}

/**
 * Nobody answers. What the network has said meanwhile is the better reason (RFC 1122 4.2.3.9, Linux's tcp_write_err).
 */
export function giveUp(tcb: Tcb, errno: Errno = tcb.stack.profile.timeoutErrno): void {
  done(tcb, tcb.trouble.softError ?? errno);
}

// ---- what ARP and ICMP say ----

export interface Unreachable {
  readonly errno: Errno;
  /** Sequence number of the segment that did not arrive. */
  readonly seq: number;
  /** Tick since which the segment waits for its neighbour; undefined: a router reports a sent segment. */
  readonly heldTick: number | undefined;
}

/**
 * RFC 6069 and Linux's tcp_ld_RTO_revert: the timeouts tell of no congestion, so that the last doubling is undone, and
 * what is due by that goes at once.
 */
export function hostUnreachable(tcb: Tcb, { errno, seq, heldTick }: Unreachable): void {
  if (seq === tcb.sndUna && tcb.timer === 'retransmit' && tcb.trouble.timeouts > 0 && tcb.backoff > 0) {
    revertBackOff(tcb);
    const left = tcb.rtoTicks - ticksSince(tcb.stack, heldTick ?? tcb.trouble.resentTick);
    if (left > 0) setTimer(tcb, 'retransmit', left);
    else retransmitTimeout(tcb);
  }
  if (tcb.state !== 'CLOSED') unreachable(tcb, errno);
}

/** The W5500's ARPTO. */
export function neighbourTimeout(tcb: Tcb): void {
  if (tcb.state === 'SYN-SENT') giveUp(tcb);
}

/**
 * Handles an ICMP error for a connection (RFC 1122 4.2.3.9): during the handshake it ends the connection, later it is
 * only remembered.
 */
export function unreachable(tcb: Tcb, errno: Errno): void {
  if (tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED') done(tcb, errno);
  else tcb.inTrouble().softError = errno;
}
