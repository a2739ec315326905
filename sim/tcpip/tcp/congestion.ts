/** Congestion control: RFC 5681 with NewReno (RFC 6582), counted in segments as Linux counts. */

import { distance } from './seq.ts';
import { PROBE_OUT, type Tcb, ticksSince } from './tcb.ts';
import { keepForUndo } from './undo.ts';

/** RFC 5681 3.1: what is left after a loss, at least. */
const SSTHRESH_MIN = 2;
const UNLIMITED = 0x7fff_ffff;

/** The window to begin with (RFC 6928). */
export function startCongestion(tcb: Tcb): void {
  const { control, initialWindowSegments } = tcb.stack.profile.congestion;
  tcb.cwnd = control === 'none' ? UNLIMITED : initialWindowSegments;
}

/**
 * RFC 5681 4.1: after a pause of more than an RTO nothing is known of the path any more, and no full window goes out at
 * once. The pause is counted from the last acknowledgement.
 */
export function restartAfterIdle(tcb: Tcb): void {
  const { control, initialWindowSegments } = tcb.stack.profile.congestion;
  if (control === 'none' || tcb.cwnd <= initialWindowSegments) return;
  if (ticksSince(tcb.stack, tcb.lastAckTick) >>> 0 > tcb.rtoTicks) tcb.cwnd = initialWindowSegments;
}

/**
 * Segments that are thought to be under way. After a timeout all of them are thought lost, but for those sent since.
 */
export function inFlight(tcb: Tcb): number {
  if (tcb.recovery !== 'loss') return tcb.packetsOut;
  const ends = tcb.segmentEnds;
  if (ends === undefined) return distance(tcb.sndUna, tcb.trouble.retransmitNxt) > 0 ? tcb.packetsOut : 0;
  // A duplicate ACK tells of one that has arrived.
  let count = -tcb.trouble.dupAcks;
  for (const end of ends) {
    if (distance(end, tcb.trouble.retransmitNxt) >= 0 || distance(tcb.trouble.recover, end) > 0) count++;
  }
  return Math.max(count, 0);
}

/** New data was acknowledged, `segments` of it, and nothing is lost: slow start, then congestion avoidance. */
export function grow(tcb: Tcb, segments: number, wasFull: boolean): void {
  // RFC 7661, and Linux's tcp_is_cwnd_limited: a window that is not used tells nothing about a larger one.
  if (tcb.stack.profile.congestion.control === 'none' || !wasFull) return;
  if (tcb.cwnd < tcb.ssthresh) {
    tcb.cwnd += segments;
    return;
  }
  tcb.cwndCount += segments;
  if (tcb.cwndCount >= tcb.cwnd) {
    tcb.cwndCount = 0;
    tcb.cwnd++;
  }
}

/** RFC 5681 3.1 (7): a timeout. */
export function enterLoss(tcb: Tcb): void {
  const { forwardRto } = tcb.stack.profile.retransmission;
  const trouble = tcb.inTrouble();
  const isRepeated = trouble.timeouts > 1;
  // Linux's tcp_enter_loss, RFC 5682 2.1 step 1: not within another recovery. Where duplicate ACKs have come, data
  // beyond the gap has arrived, and tells nothing.
  trouble.isForwardRto = forwardRto && (tcb.recovery === 'open' || isRepeated) && trouble.dupAcks === 0;
  if (tcb.recovery === 'open' || !isRepeated) keepForUndo(tcb);
  if (tcb.recovery !== 'loss') {
    tcb.ssthresh = halfOf(tcb);
    tcb.recovery = 'loss';
  }
  // RFC 6582 4: what was sent last, at each timeout.
  trouble.recover = tcb.sndNxt;
  trouble.retransmitNxt = tcb.sndUna;
  trouble.dupAcks = 0;
  endProbeEpisode(tcb);
  if (tcb.stack.profile.congestion.control !== 'none') tcb.cwnd = 1;
}

/**
 * Starts the recovery of segments that were too long for the path, and keeps the window: there is no congestion
 * (Linux's tcp_simple_retransmit).
 */
export function keepWindowInLoss(tcb: Tcb): void {
  if (tcb.recovery !== 'loss') {
    tcb.ssthresh = tcb.cwnd;
    tcb.recovery = 'loss';
  }
  tcb.inTrouble().recover = tcb.sndNxt;
  tcb.inTrouble().retransmitNxt = tcb.sndUna;
  endProbeEpisode(tcb);
}

/** RFC 8985 7.4.2, Linux's tcp_reno_ssthresh: the tail loss probe has mended a loss. */
export function halveWindow(tcb: Tcb): void {
  if (tcb.stack.profile.congestion.control === 'none') return;
  tcb.ssthresh = Math.max(tcb.cwnd >> 1, SSTHRESH_MIN);
  tcb.cwnd = tcb.ssthresh;
  tcb.cwndCount = 0;
}

/** RFC 6582 3.2 step 2: the third duplicate ACK. */
export function enterFastRecovery(tcb: Tcb): void {
  keepForUndo(tcb);
  tcb.ssthresh = halfOf(tcb);
  tcb.inTrouble().recover = tcb.sndNxt;
  tcb.recovery = 'fast-recovery';
  endProbeEpisode(tcb);
  if (tcb.stack.profile.congestion.control !== 'none') tcb.cwnd = tcb.ssthresh + tcb.trouble.dupAcks;
}

/** RFC 6582 3.2 step 3: an ACK in fast recovery that is not the last, of `segments`. */
export function partialAck(tcb: Tcb, segments: number): void {
  if (tcb.stack.profile.congestion.control !== 'none') tcb.cwnd = Math.max(tcb.cwnd - segments + 1, 1);
}

/** All that was in flight when it was lost is acknowledged. */
export function endRecovery(tcb: Tcb): void {
  if (tcb.recovery === 'fast-recovery' && tcb.stack.profile.congestion.control !== 'none') tcb.cwnd = tcb.ssthresh;
  tcb.recovery = 'open';
  if (tcb.trouble.dupAcks > 0) tcb.inTrouble().dupAcks = 0;
  tcb.cwndCount = 0;
}

/** A recovery begins: what the tail loss probe was to tell is told (Linux's tlp_high_seq = 0). */
function endProbeEpisode(tcb: Tcb): void {
  tcb.flags &= ~PROBE_OUT;
}

/** RFC 5681 3.1 (4): half of what is in flight. */
function halfOf(tcb: Tcb): number {
  return Math.max(tcb.packetsOut >> 1, SSTHRESH_MIN);
}
