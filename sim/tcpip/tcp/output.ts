/**
 * The segments that a connection sends: new data as far as windows and Nagle allow, retransmissions, ACKs, probes,
 * resets.
 */

import { inFlight, restartAfterIdle } from './congestion.ts';
import { countReply } from './quick-ack.ts';
import { armRetransmission, TIMEOUT_US_MIN } from './rto.ts';
import { sendData } from './segment.ts';
import { advance, distance } from './seq.ts';
import {
  EXCHANGED, FIN_SENT, FIN_WANTED, heldSinceTick, msToTicks, NO_DELAY, PROBING, RETRANSMITTED, setTimer, type Tcb,
  ticksSince, TIMING, usToTicks,
} from './tcb.ts';
import { countResent } from './undo.ts';

/** Sends all new data, and the FIN, that may go now; and sees to it that a closed window is probed. */
export function sendNew(tcb: Tcb, purpose: 'nagle' | 'push' = 'nagle'): void {
  if (!maySend(tcb)) return;
  if (tcb.packetsOut === 0) restartAfterIdle(tcb);
  let count = 0;
  while (sendNext(tcb, purpose)) count++;
  if (count > 0) armRetransmission(tcb);
  else if (tcb.packetsOut === 0 && tcb.timer === 'none' && hasUnsent(tcb)) armPersist(tcb);
}

/** Returns whether data or the FIN waits that was never sent. */
export function hasUnsent(tcb: Tcb): boolean {
  return tcb.unsentBytes > 0 || ((tcb.flags & FIN_WANTED) !== 0 && (tcb.flags & FIN_SENT) === 0);
}

function maySend({ state }: Tcb): boolean {
  return (
    state === 'ESTABLISHED' ||
    state === 'CLOSE-WAIT' ||
    state === 'FIN-WAIT-1' ||
    state === 'LAST-ACK' ||
    state === 'CLOSING'
  );
}

/**
 * Purpose of a new segment. `nagle`: a small one may have to wait (RFC 9293 3.7.4); `push`: it does not, nor do the
 * others. `loss-probe`: goes with any congestion window. `window-probe`: what the window takes goes, however
 * little that is.
 */
type Purpose = 'nagle' | 'push' | 'loss-probe' | 'window-probe';

/** Sends one new segment, if one may go. */
export function sendNext(tcb: Tcb, purpose: Purpose): boolean {
  const unsent = tcb.unsentBytes;
  const isFinDue = (tcb.flags & FIN_WANTED) !== 0 && (tcb.flags & FIN_SENT) === 0;
  if (unsent === 0 && !isFinDue) return false;
  // RFC 5681 3.1: no more in flight than the congestion window; but for a probe of the tail (RFC 8985 7.3, Linux's
  // tcp_write_xmit: "Force out a loss probe pkt").
  if (purpose !== 'loss-probe' && inFlight(tcb) >= tcb.cwnd) return false;
  const room = distance(tcb.sndNxt, advance(tcb.sndUna, tcb.sndWnd));
  const mssBytes = segmentBytesMax(tcb);
  let bytes = Math.min(unsent, mssBytes);
  if (bytes > room) {
    // RFC 9293 3.8.6.2.1, silly window syndrome: what does not fill a segment goes only where it is half of the largest
    // window there was.
    if (room <= 0 || purpose === 'loss-probe') return false;
    const { smallWindow } = tcb.stack.profile;
    const isTooSmall = smallWindow === 'nothing' || (room < mssBytes && room < tcb.sndWndMax / 2);
    if (purpose !== 'window-probe' && isTooSmall) return false;
    bytes = room;
  }
  const withFin = isFinDue && bytes === unsent && mayCarryFin(tcb, bytes, room);
  if (bytes === 0 && !withFin) return false;
  const flightBytes = distance(tcb.sndUna, tcb.sndNxt);
  if (flightBytes > 0 && flightBytes + bytes > tcb.stack.profile.flightBytesMax) return false;
  if (bytes < mssBytes && !withFin && purpose === 'nagle' && isHeldByNagle(tcb)) return false;
  sendData(tcb, tcb.sndNxt, bytes, withFin);
  sent(tcb, bytes, withFin);
  return true;
}

function mayCarryFin({ stack, sndUna, sndNxt }: Tcb, bytes: number, room: number): boolean {
  switch (stack.profile.fin) {
    case 'linux':
      // FIN has a number too, that must be in the window (RFC 9293 3.4; Linux's tcp_snd_wnd_test).
      return bytes < room;
    case 'freertos-tcp':
      // FreeRTOS+TCP's prvTCPPrepareSend: alone, when xTCPWindowTxDone, with any window.
      return bytes === 0 && sndUna === sndNxt;
  }
}

/** Returns the largest number of data bytes in one segment. */
export function segmentBytesMax(tcb: Tcb): number {
  const { sndMss, sndWndMax } = tcb;
  return sndWndMax >= 2 * sndMss ? sndMss : boundToHalfWindow(tcb);
}

function boundToHalfWindow({ sndMss, sndWndMax, stack }: Tcb): number {
  const half = sndWndMax >> 1;
  switch (stack.profile.halfWindow) {
    case 'none':
      return sndMss;
    case 'lwip':
      return half === 0 ? sndMss : Math.min(sndMss, half);
    case 'linux': {
      const cutoff = sndWndMax > TCP_MSS_DEFAULT ? half : sndWndMax;
      return cutoff === 0 ? sndMss : Math.min(sndMss, Math.max(cutoff, SEGMENT_BYTES_MIN));
    }
  }
}

/** include/net/tcp.h, tcp_bound_to_half_wnd: what is half of a window only above; and 68 bytes less the TCP header. */
const TCP_MSS_DEFAULT = 536;
const SEGMENT_BYTES_MIN = 48;

/** RFC 9293 3.7.4. */
function isHeldByNagle(tcb: Tcb): boolean {
  if ((tcb.flags & NO_DELAY) !== 0 || tcb.packetsOut === 0) return false;
  switch (tcb.stack.profile.nagle) {
    case 'none':
      return false;
    case 'nagle':
      return true;
    case 'minshall':
      // As Linux has it: a small segment waits only for a small one.
      return distance(tcb.sndUna, tcb.sndSmall) > 0 && distance(tcb.sndSmall, tcb.sndNxt) >= 0;
  }
}

/** New data has gone out. */
function sent(tcb: Tcb, bytes: number, withFin: boolean): void {
  const end = advance(tcb.sndNxt, bytes + (withFin ? 1 : 0));
  if (tcb.sndNxt !== tcb.sndUna) {
    const { tailLossProbe } = tcb.stack.profile.retransmission;
    const { ends, sentTicks } = (tcb.segments ??= {
      ends: [tcb.sndNxt],
      sentTicks: tailLossProbe ? [onlySentTick(tcb)] : undefined,
    });
    ends.push(end);
    sentTicks?.push(tcb.stack.clock.nowTick);
  }
  tcb.sndNxt = end;
  if (bytes < segmentBytesMax(tcb)) tcb.sndSmall = end;
  if (withFin) tcb.flags |= FIN_SENT;
  if (bytes > 0) {
    tcb.flags |= EXCHANGED;
    countReply(tcb);
  }
  if ((tcb.flags & TIMING) === 0) timeSegment(tcb, end);
}

/**
 * Returns the tick at which the only segment in flight was sent. Unless it was retransmitted, it is the timed segment.
 */
function onlySentTick({ flags, sndNxt, timedSeq, timedUs, stack }: Tcb): number {
  const { nowTick, nowUs } = stack.clock;
  if ((flags & TIMING) === 0 || timedSeq !== sndNxt) return nowTick;
  return (nowTick - Math.floor(((nowUs - timedUs) | 0) / stack.profile.tickUs)) | 0;
}

/** Measures the round trip of the segment that ends at `end`: one at a time (RFC 6298 3). */
function timeSegment(tcb: Tcb, end: number): void {
  tcb.flags |= TIMING;
  tcb.timedSeq = end;
  tcb.timedUs = tcb.stack.clock.nowUs;
}

/**
 * Sends again from `from` on, as much as one segment takes, and gives where it ends; `from`, where that still waits in
 * the host. Small segments go together, as on Linux.
 */
export function retransmit(tcb: Tcb, from: number): number {
  const { sndUna, sndNxt, flags } = tcb;
  const finSeq = advance(sndNxt, (flags & FIN_SENT) !== 0 ? -1 : 0);
  const bytes = Math.max(0, Math.min(distance(from, finSeq), segmentBytesMax(tcb)));
  const withFin = (flags & FIN_SENT) !== 0 && advance(from, bytes) === finSeq;
  const end = advance(from, bytes + (withFin ? 1 : 0));
  // Linux's skb_still_in_host_queue, lwIP's tcp_output_segment_busy: it has not even left the host.
  if (heldSinceTick(tcb, from) !== undefined) return from;
  sendData(tcb, from, bytes, withFin);
  if (from === sndUna && (flags & RETRANSMITTED) !== 0) tcb.inTrouble().resentTick = tcb.stack.clock.nowTick;
  if (tcb.segments !== undefined) {
    const ends = tcb.segments.ends.filter(
      (segmentEnd) => distance(from, segmentEnd) <= 0 || distance(end, segmentEnd) >= 0,
    );
    if (!ends.includes(end)) insertEnd(ends, end);
    tcb.segments = { ends, sentTicks: undefined };
  }
  // Karn: a segment that was sent twice measures nothing, but by the timestamp that the peer echoes (newAck).
  if (distance(from, tcb.timedSeq) > 0) tcb.flags &= ~TIMING;
  if (tcb.stack.profile.retransmission.timestamps) noteResent(tcb, from, end);
  countResent(tcb);
  return end;
}

function noteResent(tcb: Tcb, from: number, end: number): void {
  const trouble = tcb.inTrouble();
  const isFirst = trouble.resentFrom === trouble.resentNxt;
  if (isFirst || distance(from, trouble.resentFrom) > 0) trouble.resentFrom = from;
  if (isFirst || distance(trouble.resentNxt, end) > 0) trouble.resentNxt = end;
}

function insertEnd(ends: number[], end: number): void {
  const at = ends.findIndex((other) => distance(end, other) > 0);
  if (at < 0) ends.push(end);
  else ends.splice(at, 0, end);
}

/** Retransmits the segments that were in flight at a timeout, as fast as the window grows. */
export function retransmitLost(tcb: Tcb): void {
  if (distance(tcb.trouble.retransmitNxt, tcb.sndUna) > 0) tcb.inTrouble().retransmitNxt = tcb.sndUna;
  while (distance(tcb.trouble.retransmitNxt, tcb.trouble.recover) > 0 && inFlight(tcb) < tcb.cwnd) {
    const end = retransmit(tcb, tcb.trouble.retransmitNxt);
    if (end === tcb.trouble.retransmitNxt) return;
    tcb.inTrouble().retransmitNxt = end;
  }
}

/** Sends the last segment in flight again (RFC 8985 7.3). Whether it did: it may wait in the host. */
export function retransmitLast(tcb: Tcb): boolean {
  const from = tcb.segmentEnds?.at(-2) ?? tcb.sndUna;
  tcb.inTrouble().probeFrom = from;
  return retransmit(tcb, from) !== from;
}

// ---- a closed window (RFC 9293 3.8.6.1) ----

/** Data waits and nothing is in flight whose acknowledgement would let it go: the window is asked for. */
export function armPersist(tcb: Tcb): void {
  if (tcb.stack.profile.persist.kind === 'none') return;
  setTimer(tcb, 'persist', clampToUserTimeout(tcb, persistTicks(tcb)));
}

/** Returns the time until the next probe. */
export function persistTicks(tcb: Tcb): number {
  const { stack } = tcb;
  const { persist, retransmission } = stack.profile;
  switch (persist.kind) {
    case 'none':
      return 0;
    case 'doubling':
      // Linux's tcp_probe0_when.
      return Math.min(
        Math.max(tcb.rtoTicks, msToTicks(stack, retransmission.rtoMinMs)) * 2 ** tcb.backoff,
        msToTicks(stack, retransmission.rtoMaxMs),
      );
    case 'table':
      return msToTicks(
        stack,
        persist.intervalsMs[Math.min(tcb.backoff, persist.intervalsMs.length - 1)] ?? retransmission.rtoMaxMs,
      );
  }
}

/** Linux's tcp_clamp_probe0_to_user_timeout: not beyond what the user has set, counted from the first probe. */
function clampToUserTimeout(tcb: Tcb, ticks: number): number {
  if (tcb.userTimeoutMs === 0 || (tcb.flags & PROBING) === 0) return ticks;
  const left = msToTicks(tcb.stack, tcb.userTimeoutMs) - ticksSince(tcb.stack, tcb.trouble.persistSinceTick);
  return Math.min(ticks, Math.max(left, usToTicks(tcb.stack, TIMEOUT_US_MIN)));
}
