/** The processing of acknowledgements: RFC 9293 3.10.7.4 (fifth), RFC 5681, RFC 6582, and Linux's tcp_ack. */

import { FIN, SYN, type Packet } from '../../packet/packet.ts';
import { challenge } from './challenge.ts';
import { endRecovery, enterFastRecovery, grow, halveWindow, partialAck } from './congestion.ts';
import { armPersist, hasUnsent, retransmit, retransmitLost, segmentBytesMax, sendNew } from './output.ts';
import { echoedRttUs, endBackOff, measured, rearmRetransmission } from './rto.ts';
import { advance, distance } from './seq.ts';
import {
  confirmNeighbour, FIN_SENT, PROBE_OUT, PROBING, RETRANSMITTED, type Tcb, TIMING, WANTS_ROOM, WRITABLE,
} from './tcb.ts';
import { duplicateWasTold, tellsDuplicate, undoForwardRto, undoSpurious } from './undo.ts';

/** Takes the segment's ACK and window. Whether the rest of the segment counts. */
export function ackArrives(tcb: Tcb, packet: Packet): boolean {
  const isProbeTaken = isProbeByteTaken(tcb, packet.ack);
  if (isProbeTaken) {
    if (tcb.unsentBytes === 0) tcb.flags |= FIN_SENT;
    tcb.sndNxt = packet.ack;
  }
  const acked = distance(tcb.sndUna, packet.ack);
  if (distance(tcb.sndNxt, packet.ack) > 0 || -acked > Math.max(tcb.sndWndMax, 1)) {
    // RFC 5961 5.2: what was never sent, or is older than any window, is not believed.
    challenge(tcb);
    return false;
  }
  if (tellsDuplicate(packet)) duplicateWasTold(tcb, packet);
  // An old one, overtaken by others: its data may still count.
  if (acked < 0) return true;
  const { packetsOut } = tcb;
  tcb.lastAckTick = tcb.stack.clock.nowTick;
  if (tcb.trouble.probesOut > 0) tcb.inTrouble().probesOut = 0;
  // Linux's tcp_ack: something works, even if the network has reported an error.
  if (tcb.trouble.softError !== undefined) tcb.inTrouble().softError = undefined;
  keepTimestamp(tcb, packet);
  const isSameWindow = !takeWindow(tcb, packet);
  if (acked === 0 && isSameWindow) endProbeByDuplicate(tcb, packet);
  if (isProbeTaken) {
    forgetAcked(tcb, packet.ack, acked);
    probeAnswered(tcb);
  } else if (acked > 0) newAck(tcb, packet, acked, packetsOut);
  else if (packetsOut === 0) probeAnswered(tcb);
  else if (isSameWindow && packet.payloadBytes === 0 && (packet.flags & (SYN | FIN)) === 0) duplicateAck(tcb, packet);
  return true;
}

/**
 * RFC 7323 4.3: what is echoed is of the segment that the last ACK was about, or a later one that fills the same gap
 * (Linux's tcp_replace_ts_recent).
 */
export function keepTimestamp(tcb: Tcb, { seq, timestamp }: Packet): void {
  if (timestamp === 0 || distance(tcb.rcvAcked, seq) > 0) return;
  if (tcb.tsRecent === 0 || distance(tcb.tsRecent, timestamp) >= 0) tcb.tsRecent = timestamp;
}

/**
 * Linux's tcp_process_tlp_ack: a duplicate ACK of all that was sent before the tail loss probe tells that both have
 * arrived, the segment and its probe.
 */
function endProbeByDuplicate(tcb: Tcb, { ack, payloadBytes, flags }: Packet): void {
  if ((tcb.flags & PROBE_OUT) === 0 || payloadBytes > 0 || (flags & (SYN | FIN)) !== 0) return;
  if (distance(tcb.trouble.recover, ack) >= 0) tcb.flags &= ~PROBE_OUT;
}

/**
 * RFC 9293 3.10.7.4, as Linux's tcp_may_update_window has it: SND.WND, where the segment is newer than the last that
 * told it. SND.WL2 is never beyond SND.UNA, and older ACKs do not come here. Whether the window changed.
 */
function takeWindow(tcb: Tcb, { seq, ack, window, flags }: Packet): boolean {
  const bytes = window << ((flags & SYN) === 0 ? tcb.sndScale : 0);
  const isNewer =
    distance(tcb.sndUna, ack) > 0 ||
    distance(tcb.sndWl1, seq) > 0 ||
    (tcb.sndWl1 === seq && (bytes > tcb.sndWnd || bytes === 0));
  if (!isNewer) return false;
  const isChange = bytes !== tcb.sndWnd;
  tcb.sndWnd = bytes;
  tcb.sndWl1 = seq;
  if (bytes > tcb.sndWndMax) tcb.sndWndMax = bytes;
  return isChange;
}

function newAck(tcb: Tcb, packet: Packet, acked: number, packetsOut: number): void {
  const { ack } = packet;
  // Linux's tcp_ack: sk_dst_confirm. An answer to a probe does not confirm.
  confirmNeighbour(tcb);
  const isOfResent = isResent(tcb, ack);
  const segments = forgetAcked(tcb, ack, acked);
  if (tcb.trouble.timeouts > 0) tcb.inTrouble().timeouts = 0;
  tcb.flags &= ~PROBING;
  endBackOff(tcb);
  const isTimed = (tcb.flags & TIMING) !== 0 && distance(tcb.timedSeq, ack) >= 0;
  if (isTimed) tcb.flags &= ~TIMING;
  // Linux's tcp_ack_update_rtt: where anything acknowledged was sent twice, the echo tells when the one was sent that
  // has arrived, which need not be the last.
  const timedUs = isTimed ? (tcb.stack.clock.nowUs - tcb.timedUs) | 0 : undefined;
  const rttUs = isOfResent ? echoedRttUs(tcb, packet) : timedUs;
  if (rttUs !== undefined) measured(tcb, rttUs);
  recover(tcb, { packet, segments, wasFull: packetsOut >= tcb.cwnd });
  rearmRetransmission(tcb);
  // Linux's tcp_retrans_stamp_cleanup: as long as a recovery lasts, the user's timeout counts from its start, whatever
  // is acknowledged meanwhile.
  if (tcb.recovery === 'open') tcb.flags &= ~RETRANSMITTED;
  // Until something beyond `recover` is acknowledged, duplicate ACKs may be answers to what was sent in the recovery.
  if (tcb.recovery === 'open' && tcb.sndUna !== tcb.trouble.recover) tcb.endTrouble();
}

/**
 * Returns whether anything up to `ack` was sent more than once. The acknowledged part is then deleted from that record.
 */
function isResent(tcb: Tcb, ack: number): boolean {
  const { resentFrom, resentNxt } = tcb.trouble;
  if (resentFrom === resentNxt || distance(resentFrom, ack) <= 0) return false;
  tcb.inTrouble().resentFrom = distance(ack, resentNxt) > 0 ? ack : resentNxt;
  return true;
}

/** Drops what was acknowledged, and gives how many segments that were. */
function forgetAcked(tcb: Tcb, ack: number, acked: number): number {
  const { sending, stack, segmentEnds } = tcb;
  tcb.sndUna = ack;
  if (sending !== undefined) {
    // FIN has a number too, but is no byte.
    sending.drop(Math.min(acked, sending.length));
    if (sending.length === 0) {
      stack.queues.release(sending);
      tcb.sending = undefined;
    }
  }
  if ((tcb.flags & WANTS_ROOM) !== 0) tellRoom(tcb);
  if (segmentEnds === undefined) return 1;
  let count = 0;
  while (count < segmentEnds.length && distance(segmentEnds[count] ?? ack, ack) >= 0) count++;
  if (count === segmentEnds.length) {
    tcb.segments = undefined;
  } else {
    segmentEnds.splice(0, count);
    tcb.sentTicks?.splice(0, count);
  }
  return count;
}

/** Linux's sk_stream_write_space: when a third of the buffer is free, so that a writer is not woken for a byte. */
function tellRoom(tcb: Tcb): void {
  const { sendBufferBytes } = tcb.stack.profile;
  if ((tcb.sending?.length ?? 0) > (sendBufferBytes * 2) / 3) return;
  tcb.flags &= ~WANTS_ROOM;
  tcb.news |= WRITABLE;
}

/** An ACK of new data: of how many segments, and whether the window was full. */
interface NewAck {
  readonly packet: Packet;
  readonly segments: number;
  readonly wasFull: boolean;
}

function recover(tcb: Tcb, { packet, segments, wasFull }: NewAck): void {
  const isOver = distance(tcb.trouble.recover, tcb.sndUna) >= 0;
  switch (tcb.recovery) {
    case 'open':
      if (tcb.trouble.dupAcks > 0) tcb.inTrouble().dupAcks = 0;
      endProbe(tcb, packet);
      grow(tcb, segments, wasFull);
      break;
    case 'fast-recovery':
      if (undoSpurious(tcb, packet)) break;
      if (isOver) {
        endRecovery(tcb);
      } else {
        // RFC 6582 3.2 step 3: the next one is lost too.
        partialAck(tcb, segments);
        retransmit(tcb, tcb.sndUna);
      }
      break;
    case 'loss':
      if (undoSpurious(tcb, packet) || undoForwardRto(tcb)) break;
      if (tcb.trouble.dupAcks > 0) tcb.inTrouble().dupAcks = 0;
      grow(tcb, segments, true);
      if (isOver) {
        endRecovery(tcb);
      } else if (!triesNewData(tcb)) {
        retransmitLost(tcb);
      }
      break;
  }
}

/**
 * RFC 5682 2.1 step 2.b, Linux's tcp_process_loss: after the first ACK new data goes in place of what may be lost. Not
 * if there is none.
 */
function triesNewData(tcb: Tcb): boolean {
  const { sndNxt, trouble } = tcb;
  if (!trouble.isForwardRto || trouble.recover !== sndNxt) return false;
  sendNew(tcb, 'push');
  if (tcb.sndNxt === sndNxt) tcb.inTrouble().isForwardRto = false;
  return tcb.sndNxt !== sndNxt;
}

/**
 * Linux's tcp_process_tlp_ack: a probe with new data is over when that is acknowledged. A segment sent again is over
 * only when something beyond it is: then it was lost, as no duplicate has told that both arrived, and the window is
 * halved. But where the ACK itself tells that the probe has arrived twice, nothing was lost.
 */
function endProbe(tcb: Tcb, packet: Packet): void {
  if ((tcb.flags & PROBE_OUT) === 0) return;
  const beyond = distance(tcb.trouble.recover, tcb.sndUna);
  if (beyond >= 0 && tellsDuplicate(packet) && packet.duplicateTo === tcb.trouble.recover) {
    tcb.flags &= ~PROBE_OUT;
    return;
  }
  if (beyond < 0 || (beyond === 0 && tcb.trouble.isProbeResent)) return;
  tcb.flags &= ~PROBE_OUT;
  if (tcb.trouble.isProbeResent) halveWindow(tcb);
}

/** RFC 5681 2. What tells of data that has arrived twice is no sign of a loss (Linux's FLAG_DSACKING_ACK). */
function duplicateAck(tcb: Tcb, packet: Packet): void {
  const { congestion, retransmission } = tcb.stack.profile;
  confirmNeighbour(tcb);
  if (retransmission.duplicateSack && tellsDuplicate(packet)) {
    // Linux's tcp_try_undo_dsack.
    if (tcb.recovery !== 'loss' && tcb.trouble.undoCount === 0) undoSpurious(tcb, packet);
    return;
  }
  if (tcb.recovery === 'loss') {
    duplicateInLoss(tcb);
    return;
  }
  tcb.inTrouble().dupAcks++;
  if (tcb.recovery === 'fast-recovery') {
    // RFC 5681 3.2 step 4: a segment has left the network.
    if (tcb.stack.profile.congestion.control !== 'none') tcb.cwnd++;
  } else if (tcb.trouble.dupAcks >= congestion.dupAckThreshold && tcb.sndUna !== tcb.trouble.recover) {
    // RFC 6582 3.2 step 1: not where the last recovery has just ended.
    enterFastRecovery(tcb);
    retransmit(tcb, tcb.sndUna);
    rearmRetransmission(tcb);
  }
}

/** RFC 5682 2.1 step 3.a, Linux's tcp_process_loss: it is about the new data, and so the loss was real. */
function duplicateInLoss(tcb: Tcb): void {
  if (!tcb.stack.profile.retransmission.forwardRto || distance(tcb.trouble.recover, tcb.sndNxt) <= 0) return;
  tcb.inTrouble().dupAcks++;
  tcb.inTrouble().isForwardRto = false;
  retransmitLost(tcb);
}

/** Nothing was in flight: an answer to a probe, perhaps. Linux's tcp_ack_probe. */
function probeAnswered(tcb: Tcb): void {
  if (tcb.timer !== 'persist') return;
  // Bytes of the next segment. FIN counts as one. Zero means that the probe has sent everything.
  const next = Math.max(Math.min(tcb.unsentBytes, segmentBytesMax(tcb)), hasUnsent(tcb) ? 1 : 0);
  if (distance(advance(tcb.sndNxt, next), advance(tcb.sndUna, tcb.sndWnd)) >= 0) {
    tcb.backoff = 0;
    tcb.flags &= ~PROBING;
    tcb.timer = 'none';
  } else {
    armPersist(tcb);
  }
}

/** The peer has taken the byte or the FIN of a window probe, which counted as not sent, though its window is closed. */
function isProbeByteTaken(tcb: Tcb, ack: number): boolean {
  return (tcb.flags & PROBING) !== 0 && tcb.stack.profile.windowProbe === 'byte' && tcb.packetsOut === 0
    && hasUnsent(tcb) && distance(tcb.sndNxt, ack) === 1;
}
