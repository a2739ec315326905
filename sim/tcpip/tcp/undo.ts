/**
 * Spurious retransmissions: nothing was lost, but late, or only its ACK was lost. The receiver tells what has arrived
 * twice (RFC 2883); the sender finds out by that, by the timestamp that is echoed (Eifel, RFC 3522), or as new data is
 * acknowledged that was never sent twice (F-RTO, RFC 5682), and goes on as before the recovery (RFC 4015).
 */

import type { Packet } from '../../packet/packet.ts';
import { distance } from './seq.ts';
import { PROBE_OUT, type Tcb } from './tcb.ts';

// ---- the receiver ----

/** Data has come that was here before. */
export function noteDuplicate(tcb: Tcb, from: number, to: number): void {
  if (!tcb.stack.profile.retransmission.duplicateSack) return;
  const trouble = tcb.inTrouble();
  trouble.duplicateFrom = from;
  trouble.duplicateTo = to;
}

/** The segment that goes out tells it, once. */
export function tellDuplicate(tcb: Tcb, packet: Packet): void {
  const trouble = tcb.inTrouble();
  packet.duplicateFrom = trouble.duplicateFrom;
  packet.duplicateTo = trouble.duplicateTo;
  trouble.duplicateFrom = trouble.duplicateTo;
}

// ---- the sender ----

export function tellsDuplicate({ duplicateFrom, duplicateTo }: Packet): boolean {
  return duplicateFrom !== duplicateTo;
}

/** A recovery begins (Linux's tcp_init_undo). A tail loss probe that is out may be what is reported as a duplicate. */
export function keepForUndo(tcb: Tcb): void {
  const { cwnd, ssthresh } = tcb;
  const { retransmission, congestion } = tcb.stack.profile;
  const { timestamps, duplicateSack, forwardRto } = retransmission;
  if (congestion.control === 'none' || !(timestamps || duplicateSack || forwardRto)) return;
  const trouble = tcb.inTrouble();
  trouble.undoCwnd = cwnd;
  // Linux's tcp_current_ssthresh.
  trouble.undoSsthresh = tcb.recovery === 'open' ? Math.max(ssthresh, (cwnd >> 1) + (cwnd >> 2)) : ssthresh;
  trouble.undoFrom = tcb.sndUna;
  const isProbeOut = (tcb.flags & PROBE_OUT) !== 0 && trouble.isProbeResent;
  trouble.undoCount = isProbeOut ? 1 : -1;
  trouble.sentOnceTo = isProbeOut ? trouble.probeFrom : tcb.sndNxt;
  trouble.firstResentStamp = 0;
}

/** A segment is sent again in a recovery (Linux's tcp_retransmit_skb). */
export function countResent(tcb: Tcb): void {
  if (tcb.recovery === 'open' || tcb.trouble.undoCwnd === 0) return;
  const trouble = tcb.inTrouble();
  trouble.undoCount = Math.max(trouble.undoCount, 0) + 1;
  if (trouble.firstResentStamp === 0) trouble.firstResentStamp = tcb.stack.clock.timestamp;
}

/** Linux's tcp_check_dsack. Only data of this recovery counts. */
export function duplicateWasTold(tcb: Tcb, { duplicateTo }: Packet): void {
  if (!tcb.stack.profile.retransmission.duplicateSack) return;
  const { undoCwnd, undoCount, undoFrom } = tcb.trouble;
  if (undoCwnd > 0 && undoCount > 0 && distance(undoFrom, duplicateTo) > 0) tcb.inTrouble().undoCount--;
}

/**
 * Ends a recovery that was for nothing. Whether it was: all that was sent again has arrived twice, or what has arrived
 * was sent before anything was sent again (Linux's tcp_may_undo and tcp_packet_delayed).
 */
export function undoSpurious(tcb: Tcb, packet: Packet): boolean {
  if (tcb.trouble.undoCwnd === 0 || (tcb.trouble.undoCount !== 0 && !isDelayed(tcb, packet))) return false;
  undo(tcb);
  return true;
}

/** Returns whether an echoed timestamp is of a transmission before the first retransmission. */
function isDelayed({ stack, trouble }: Tcb, { timestampEcho }: Packet): boolean {
  if (!stack.profile.retransmission.timestamps || timestampEcho === 0 || trouble.firstResentStamp === 0) return false;
  return distance(timestampEcho, trouble.firstResentStamp) > 0;
}

/**
 * Ends a recovery that was for nothing, by F-RTO: data is acknowledged that was sent before the timeout, and not again
 * (Linux's tcp_process_loss, step 3.b). While that is tried, the first segment has been sent again, up to
 * `retransmitNxt`, and a tail loss probe.
 */
export function undoForwardRto(tcb: Tcb): boolean {
  const { isForwardRto, undoCwnd, retransmitNxt, sentOnceTo } = tcb.trouble;
  if (!isForwardRto || undoCwnd === 0) return false;
  if (distance(retransmitNxt, sentOnceTo) <= 0 || distance(retransmitNxt, tcb.sndUna) <= 0) return false;
  undo(tcb);
  return true;
}

/** Linux's tcp_undo_cwnd_reduction: nothing counts as lost any more. */
function undo(tcb: Tcb): void {
  const trouble = tcb.inTrouble();
  tcb.cwnd = Math.max(tcb.cwnd, trouble.undoCwnd);
  tcb.ssthresh = Math.max(tcb.ssthresh, trouble.undoSsthresh);
  tcb.cwndCount = 0;
  tcb.recovery = 'open';
  trouble.undoCwnd = 0;
  trouble.isForwardRto = false;
  trouble.dupAcks = 0;
}
