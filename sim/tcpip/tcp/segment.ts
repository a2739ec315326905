/** The segments that a connection sends, one function a kind: data, SYN, ACK, probe, RST. */

import { ACK, FIN, type Packet, PSH, RST, SYN } from '../../packet/packet.ts';
import { ackWasSent } from './quick-ack.ts';
import { receiveWindow, selectWindow } from './receive-window.ts';
import { advance, distance, later } from './seq.ts';
import { NEIGHBOUR_CONFIRMED, SCALED, type Tcb } from './tcb.ts';
import { tellDuplicate } from './undo.ts';

const WINDOW_MAX = 0xffff;

/** A segment of what is queued: `bytes` from `seq` on, and the FIN behind them. */
export function sendData(tcb: Tcb, seq: number, bytes: number, withFin: boolean): void {
  const packet = newSegment(tcb, seq, ACK | (withFin ? FIN : 0));
  if (bytes > 0) {
    const queue = tcb.sending;
    if (queue === undefined) throw new Error('there is nothing to send');
    const offset = distance(tcb.sndUna, seq);
    packet.reserve(bytes);
    queue.peek(offset, bytes, packet.payload);
    // RFC 9293 3.9.1.2: PSH goes with the last byte there is. What is sent again keeps it, though more has come behind
    // (a flag of Linux's segment, tcp_mark_push); it had it, where it ended for want of more.
    if (offset + bytes === queue.length || (bytes < tcb.sndMss && distance(seq, tcb.sndNxt) > 0)) packet.flags |= PSH;
  }
  tcb.stack.transmit(packet);
}

/** The SYN, or in SYN-RECEIVED the SYN and ACK (RFC 9293 3.5), with the options of the first segment. */
export function sendSyn(tcb: Tcb): void {
  const { profile } = tcb.stack;
  const isReply = tcb.state === 'SYN-RECEIVED';
  const packet = newSegment(tcb, tcb.sndUna, isReply ? SYN | ACK : SYN);
  if (!isReply) packet.ack = 0;
  packet.mss = profile.mssBytes;
  // RFC 7323 2.2: the reply scales only where the SYN did; and the window of a SYN itself is never scaled.
  packet.windowScale = isReply && (tcb.flags & SCALED) === 0 ? -1 : profile.windowScale;
  packet.window = Math.min(receiveWindow(tcb), WINDOW_MAX);
  tcb.stack.transmit(packet);
}

/** An ACK of all that has come. */
export function sendAck(tcb: Tcb): void {
  const packet = newSegment(tcb, tcb.sndNxt, ACK);
  tcb.stack.transmit(packet);
}

/** RFC 9293 3.8.4, and the same for a closed window: a segment below the window, that the peer must answer. */
export function sendProbe(tcb: Tcb, withGarbage: boolean): void {
  const packet = newSegment(tcb, advance(tcb.sndUna, -1), ACK);
  if (withGarbage) {
    packet.reserve(1);
    packet.payload[0] = 0;
  }
  tcb.stack.transmit(packet);
}

/**
 * lwIP's tcp_zero_window_probe: the first byte that waits, or the FIN, which the peer may take though its window is
 * closed. It counts as not sent until then.
 */
export function sendByteProbe(tcb: Tcb): void {
  if (tcb.unsentBytes === 0) {
    tcb.stack.transmit(newSegment(tcb, tcb.sndNxt, ACK | FIN));
    return;
  }
  const packet = newSegment(tcb, tcb.sndNxt, ACK);
  packet.reserve(1);
  tcb.sending?.peek(distance(tcb.sndUna, tcb.sndNxt), 1, packet.payload);
  tcb.stack.transmit(packet);
}

/** Sends RST, as one who gives up does: it is in the peer's window (Linux's tcp_send_active_reset). */
export function sendReset(tcb: Tcb): void {
  tcb.stack.transmit(newSegment(tcb, tcb.sndNxt, RST | ACK));
}

function newSegment(tcb: Tcb, seq: number, flags: number): Packet {
  const packet = tcb.stack.newPacket(tcb);
  packet.seq = seq;
  packet.flags = flags;
  packet.ack = tcb.rcvNxt;
  const window = selectWindow(tcb);
  tcb.rcvEdge = later(tcb.rcvEdge, advance(tcb.rcvNxt, window));
  tcb.rcvAcked = tcb.rcvNxt;
  packet.window = Math.min(window >> tcb.rcvScale, WINDOW_MAX);
  if (tcb.stack.profile.retransmission.timestamps) {
    packet.timestamp = tcb.stack.clock.timestamp;
    packet.timestampEcho = tcb.tsRecent;
  }
  if (tcb.trouble.duplicateFrom !== tcb.trouble.duplicateTo) tellDuplicate(tcb, packet);
  if ((flags & ACK) !== 0) ackWasSent(tcb);
  if ((tcb.flags & NEIGHBOUR_CONFIRMED) !== 0) {
    tcb.flags &= ~NEIGHBOUR_CONFIRMED;
    tcb.stack.neighbours?.confirm(tcb.remoteAddress);
  }
  return packet;
}
