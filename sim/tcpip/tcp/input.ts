/** The processing of an arriving segment: RFC 9293 3.10.7, with RFC 5961 as Linux implements it. */

import type { Errno } from '../../../hal/errno.ts';
import { ACK, FIN, Packet, RST, segmentEnd, SYN } from '../../packet/packet.ts';
import type { SynCookie } from '../syn-cookie.ts';
import { ackArrives } from './acknowledgement.ts';
import { initialize, shutdown } from './calls.ts';
import { challenge } from './challenge.ts';
import { ackOrDelay } from './delayed-ack.ts';
import { startKeepAlive } from './keepalive.ts';
import { retransmit, sendNew } from './output.ts';
import { enterQuickAcks } from './quick-ack.ts';
import { receiveWindow } from './receive-window.ts';
import { takeData } from './receive.ts';
import { resetReply } from './reset.ts';
import { giveUp, sendSynAgain, synAckTicks } from './retransmission.ts';
import { echoedRttUs, measured, TIMEOUT_US_MIN } from './rto.ts';
import { sendAck, sendSyn } from './segment.ts';
import { advance, distance, earlier } from './seq.ts';
import {
  confirmNeighbour, CONNECTED, done, FIN_RECEIVED, FIN_SENT, msToTicks, ORPHAN, RETRANSMITTED, SCALED, setSynTimer,
  setTimer, type Tcb, timeWait, TIMING, usToTicks, waitForFin,
} from './tcb.ts';
import { noteDuplicate } from './undo.ts';

/** MSS of a peer whose SYN has no MSS option (RFC 9293 3.7.1). */
const MSS_DEFAULT = 536;
/** RFC 7323 2.3. */
const WINDOW_SCALE_MAX = 14;
const WINDOW_UNSCALED_MAX = 0xffff;

/** Handles a segment of this connection. The packet is still the caller's. */
export function segmentArrives(tcb: Tcb, packet: Packet): void {
  if (tcb.state === 'CLOSED') return;
  if (tcb.state === 'SYN-SENT') {
    arrivesInSynSent(tcb, packet);
    return;
  }
  if (tcb.state === 'TIME-WAIT') {
    arrivesInTimeWait(tcb, packet);
    return;
  }
  if ((packet.flags & (SYN | ACK | RST)) === SYN && pureSynArrives(tcb, packet)) return;
  const end = segmentEnd(packet);
  if (!isAcceptable(tcb, packet.seq, end)) {
    answerUnacceptable(tcb, packet, end);
    return;
  }
  if ((packet.flags & RST) !== 0) {
    resetArrives(tcb, packet);
    return;
  }
  if ((packet.flags & SYN) !== 0 && !isCrossedSynAck(tcb, packet)) {
    synArrives(tcb, packet);
    return;
  }
  if ((packet.flags & ACK) === 0) return;
  if (tcb.state === 'SYN-RECEIVED' && !completeHandshake(tcb, packet)) return;
  if (!ackArrives(tcb, packet)) return;
  finAcknowledged(tcb);
  if (isClosed(tcb)) return;
  const hasText = packet.payloadBytes > 0 || (packet.flags & FIN) !== 0;
  if (hasText) {
    if (isTooLate(tcb, end, (packet.flags & FIN) !== 0)) {
      // RFC 9293 3.6.1, RFC 2525 2.17: nobody is there to read it, and the peer has to know. As to a segment for no
      // connection (Linux's tcp_v4_do_rcv after tcp_rcv_state_process; TCP_TW_RST of tcp_timewait_state_process).
      resetReply(tcb.stack, packet);
      done(tcb, undefined);
      return;
    }
    if (answersFinAgain(tcb, packet)) return;
    takeData(tcb, packet);
    if (tcb.state === 'CLOSE-WAIT' && tcb.stack.profile.fin === 'freertos-tcp') shutdown(tcb);
  }
  sendNew(tcb);
  // An ACK alone is no second segment: lwIP's tcp_ack, Linux's tcp_rcv_established (its fast path).
  if (hasText) ackOrDelay(tcb);
}

/** RFC 9293 3.8.4: an ACK below the window that asks for an answer. */
export function isEmptyProbe(tcb: Tcb, { flags, seq, payloadBytes }: Packet): boolean {
  return payloadBytes === 0 && flags === ACK && distance(seq, tcb.rcvNxt) === 1;
}

/** A passive open (RFC 9293 3.10.7.2): the SYN that a listener got. */
export function openPassive(tcb: Tcb, syn: Packet, isn?: number): void {
  initialize(tcb, isn);
  tcb.state = 'SYN-RECEIVED';
  takeSyn(tcb, syn);
  sendSyn(tcb);
  setSynTimer(tcb, synAckTicks(tcb));
}

/** A passive open by the third segment of the handshake. All facts about the first segment are in the cookie. */
export function openByCookie(tcb: Tcb, { packet, cookie }: { packet: Packet; cookie: SynCookie }): void {
  initialize(tcb, advance(packet.ack, -1));
  tcb.state = 'SYN-RECEIVED';
  // The time at which the cookie was sent is not known any more.
  tcb.flags &= ~TIMING;
  const syn = new Packet();
  syn.seq = advance(packet.seq, -1);
  syn.mss = cookie.mssBytes;
  syn.windowScale = cookie.windowScale;
  takeSyn(tcb, syn);
  segmentArrives(tcb, packet);
}

// ---- the handshake ----

function arrivesInSynSent(tcb: Tcb, packet: Packet): void {
  const hasAck = (packet.flags & ACK) !== 0;
  if (tcb.timer === 'refused') {
    resetReply(tcb.stack, packet);
    return;
  }
  if (hasAck && packet.ack !== tcb.sndNxt) {
    strayAckArrives(tcb, packet);
    return;
  }
  if ((packet.flags & RST) !== 0) {
    if (hasAck) refused(tcb);
    return;
  }
  if ((packet.flags & SYN) === 0) return;
  if (!hasAck) {
    synsCross(tcb, packet);
    return;
  }
  takeSyn(tcb, packet);
  establish(tcb, packet);
  confirmNeighbour(tcb);
  sendAck(tcb);
}

/**
 * Handles a segment that may be of an old connection: the peer must learn that the connection is gone (RFC 9293 3.5.1,
 * figure 9).
 */
function strayAckArrives(tcb: Tcb, packet: Packet): void {
  const { stack } = tcb;
  const isReset = (packet.flags & RST) !== 0;
  resetReply(stack, packet);
  switch (stack.profile.handshake.strayAck) {
    case 'linux':
      // Linux's tcp_rcv_synsent_state_process: SYN goes out again soon, after a RST of an old one too.
      if (tcb.trouble.timeouts === 0) setTimer(tcb, 'retransmit', usToTicks(stack, TIMEOUT_US_MIN));
      break;
    case 'at-once':
      if (!isReset) sendSynAgain(tcb);
      break;
    case 'in-time':
      break;
    case 'gives-up':
      if (!isReset) giveUp(tcb);
      break;
  }
}

/** RFC 9293 3.10.7.3: RST that acknowledges our SYN. */
function refused(tcb: Tcb): void {
  const { refusedErrno, refusedAfterMs } = tcb.stack.profile;
  if (refusedAfterMs === 0) done(tcb, refusedErrno);
  else setTimer(tcb, 'refused', msToTicks(tcb.stack, refusedAfterMs));
}

/** Both ends have opened at once (RFC 9293 3.5, figure 7). */
function synsCross(tcb: Tcb, packet: Packet): void {
  switch (tcb.stack.profile.handshake.crossedSyn) {
    case 'opens':
      takeSyn(tcb, packet);
      tcb.state = 'SYN-RECEIVED';
      // The timer of SYN runs on (Linux's tcp_rcv_synsent_state_process).
      sendSyn(tcb);
      break;
    case 'ignored':
      break;
    case 'gives-up':
      resetReply(tcb.stack, packet);
      giveUp(tcb);
      break;
  }
}

function takeSyn(tcb: Tcb, packet: Packet): void {
  const { profile } = tcb.stack;
  tcb.rcvNxt = advance(packet.seq, 1);
  tcb.rcvAcked = tcb.rcvNxt;
  tcb.rcvEdge = advance(tcb.rcvNxt, Math.min(profile.receiveBufferBytes, profile.windowBytesMax, WINDOW_UNSCALED_MAX));
  tcb.sndMss = Math.min(profile.mssBytes, packet.mss > 0 ? packet.mss : MSS_DEFAULT);
  tcb.tsRecent = packet.timestamp;
  if (packet.windowScale >= 0 && profile.windowScale >= 0) {
    tcb.flags |= SCALED;
    tcb.setScales(Math.min(packet.windowScale, WINDOW_SCALE_MAX), profile.windowScale);
  }
}

/** The third segment of the handshake, or what stands for it. */
function completeHandshake(tcb: Tcb, packet: Packet): boolean {
  if (packet.ack !== tcb.sndNxt) {
    resetReply(tcb.stack, packet);
    return false;
  }
  if (tcb.user?.isFull === true) return false;
  establish(tcb, packet);
  return true;
}

function establish(tcb: Tcb, packet: Packet): void {
  const { stack } = tcb;
  const { rtoInitialMs } = stack.profile.retransmission;
  tcb.state = 'ESTABLISHED';
  tcb.news |= CONNECTED;
  tcb.sndUna = packet.ack;
  tcb.sndWnd = packet.window << ((packet.flags & SYN) === 0 ? tcb.sndScale : 0);
  tcb.sndWndMax = tcb.sndWnd;
  tcb.sndWl1 = packet.seq;
  tcb.timer = 'none';
  if (tcb.trouble.timeouts > 0) tcb.inTrouble().timeouts = 0;
  tcb.backoff = 0;
  tcb.lastAckTick = stack.clock.nowTick;
  // RFC 6298 5.7: where SYN had to be sent again, nothing was measured, and the back-off is not kept.
  tcb.rtoTicks = msToTicks(stack, rtoInitialMs);
  const rttUs = (tcb.flags & TIMING) !== 0 ? (stack.clock.nowUs - tcb.timedUs) | 0 : echoedRttUs(tcb, packet);
  // FreeRTOS+TCP's vTCPWindowInit comes after the handshake, which it does not measure.
  if (rttUs !== undefined && stack.profile.retransmission.rto !== 'smoothed') measured(tcb, rttUs);
  tcb.flags &= ~(TIMING | RETRANSMITTED);
  startKeepAlive(tcb);
}

// ---- what does not fit ----

/** RFC 9293 3.4: the left edge is what was last acknowledged, as Linux's tcp_sequence has it. */
function isAcceptable(tcb: Tcb, seq: number, end: number): boolean {
  return distance(tcb.rcvAcked, end) >= 0 && distance(seq, advance(tcb.rcvNxt, receiveWindow(tcb))) >= 0;
}

/**
 * RFC 9293 3.10.7.4: an ACK in answer, that tells what would fit. Those without data only so often, so that two ends
 * cannot answer one another forever.
 */
function answerUnacceptable(tcb: Tcb, packet: Packet, end: number): void {
  if ((packet.flags & RST) !== 0) return;
  if (packet.payloadBytes > 0 && (packet.flags & SYN) === 0) {
    if (distance(packet.seq, tcb.rcvNxt) > 0) {
      enterQuickAcks(tcb);
      noteDuplicate(tcb, packet.seq, earlier(end, tcb.rcvNxt));
    }
    sendAck(tcb);
    return;
  }
  challenge(tcb);
}

/** RFC 5961 3.2: exactly the next number resets; one in the window asks for proof. */
function resetArrives(tcb: Tcb, packet: Packet): void {
  if (packet.seq !== tcb.rcvNxt && tcb.stack.profile.challengeAcks) {
    challenge(tcb);
    return;
  }
  done(tcb, resetErrno(tcb));
}

/** Linux's tcp_reset; what the others say, their profiles have. */
function resetErrno({ state, stack: { profile } }: Tcb): Errno | undefined {
  switch (state) {
    case 'SYN-RECEIVED':
      return profile.refusedErrno;
    case 'CLOSE-WAIT':
      return profile.resetAfterFinErrno;
    case 'TIME-WAIT':
    case 'CLOSED':
      return undefined;
    default:
      return profile.resetErrno;
  }
}

/** SYN alone, of a peer that has rebooted, perhaps, or whose SYN came twice. Whether that is all about it. */
function pureSynArrives(tcb: Tcb, packet: Packet): boolean {
  const { synInConnection, handshake } = tcb.stack.profile;
  if (tcb.state !== 'SYN-RECEIVED') return synInConnection === 'ignored';
  if (isRepeatedSyn(tcb, packet)) return false;
  if (handshake.otherSyn === 'taken') {
    takeSyn(tcb, packet);
    answerSynAgain(tcb);
  }
  return handshake.otherSyn !== 'challenge';
}

/** The peer's SYN has arrived again, and its time starts again. */
function answerSynAgain(tcb: Tcb): void {
  tcb.lastDataTick = tcb.stack.clock.nowTick;
  sendSyn(tcb);
}

function synArrives(tcb: Tcb, packet: Packet): void {
  const { synInConnection } = tcb.stack.profile;
  if (isRepeatedSyn(tcb, packet)) {
    answerSynAgain(tcb);
  } else if (synInConnection !== 'window' || tcb.state === 'SYN-RECEIVED' || distance(tcb.rcvNxt, packet.seq) < 0) {
    // RFC 5961 4.2: an ACK, with any number; a peer that has rebooted will answer it with the right RST. And
    // without that RFC, where it is before the window: the peer has not got the last segment of the handshake (RFC 793
    // 3.9, first check).
    challenge(tcb);
  } else {
    // RFC 793: a SYN in the window ends the connection.
    resetReply(tcb.stack, packet);
    done(tcb, tcb.stack.profile.resetErrno);
  }
}

/** The peer has not got our SYN and ACK. */
function isRepeatedSyn(tcb: Tcb, { flags, seq }: Packet): boolean {
  return tcb.state === 'SYN-RECEIVED' && (flags & (SYN | ACK)) === SYN && advance(seq, 1) === tcb.rcvNxt;
}

/** Both have opened at once, and this acknowledges our SYN (Linux's tcp_validate_incoming). */
function isCrossedSynAck(tcb: Tcb, { flags, seq, ack, payloadBytes }: Packet): boolean {
  return (
    tcb.state === 'SYN-RECEIVED' &&
    (flags & ACK) !== 0 &&
    payloadBytes === 0 &&
    advance(seq, 1) === tcb.rcvNxt &&
    ack === tcb.sndNxt
  );
}

// ---- the end ----

/** Returns whether data has arrived that no user will read any more. */
function isTooLate({ flags, state, rcvNxt }: Tcb, end: number, withFin: boolean): boolean {
  return (
    (flags & ORPHAN) !== 0 &&
    (state === 'FIN-WAIT-1' || state === 'FIN-WAIT-2') &&
    distance(rcvNxt, advance(end, withFin ? -1 : 0)) > 0
  );
}

/** FreeRTOS+TCP sends its FIN again only as the answer to the peer's (prvTCPHandleFin in eLAST_ACK). */
function answersFinAgain(tcb: Tcb, { flags }: Packet): boolean {
  if (tcb.stack.profile.fin !== 'freertos-tcp' || (flags & FIN) === 0) return false;
  if ((tcb.flags & FIN_RECEIVED) === 0 || (tcb.flags & FIN_SENT) === 0 || tcb.packetsOut === 0) return false;
  retransmit(tcb, tcb.sndUna);
  return true;
}

/** RFC 9293 3.10.7.4, fifth: our FIN, if that is what was acknowledged. */
function finAcknowledged(tcb: Tcb): void {
  if ((tcb.flags & FIN_SENT) === 0 || tcb.sndUna !== tcb.sndNxt) return;
  switch (tcb.state) {
    case 'FIN-WAIT-1':
      tcb.state = 'FIN-WAIT-2';
      if ((tcb.flags & ORPHAN) !== 0) waitForFin(tcb);
      break;
    case 'CLOSING':
      timeWait(tcb);
      break;
    case 'LAST-ACK':
      done(tcb, undefined);
      break;
    default:
  }
}

function arrivesInTimeWait(tcb: Tcb, packet: Packet): void {
  const { timeWaitRst, timeWaitSyn } = tcb.stack.profile;
  if ((packet.flags & RST) !== 0) {
    // Linux, tcp_rfc1337 being 0: RST ends it.
    if (packet.seq === tcb.rcvNxt && timeWaitRst === 'ends') done(tcb, undefined);
    return;
  }
  if ((packet.flags & SYN) !== 0 && timeWaitSyn === 'lwip' && isInWindow(tcb, packet.seq)) {
    // lwIP's tcp_timewait_input: "If the SYN is in the window it is an error".
    resetReply(tcb.stack, packet);
    return;
  }
  if ((packet.flags & SYN) !== 0 || segmentEnd(packet) !== packet.seq) {
    sendAck(tcb);
    if ((packet.flags & FIN) !== 0) {
      tcb.lastDataTick = tcb.stack.clock.nowTick;
      timeWait(tcb);
    }
  }
}

function isInWindow(tcb: Tcb, seq: number): boolean {
  const beyond = distance(tcb.rcvNxt, seq);
  return beyond >= 0 && beyond <= receiveWindow(tcb);
}

function isClosed({ state }: Tcb): boolean {
  return state === 'CLOSED' || state === 'TIME-WAIT';
}
