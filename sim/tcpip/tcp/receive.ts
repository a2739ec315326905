/**
 * The processing of received data: data in order, data out of order, and the FIN (RFC 9293 3.10.7.4, seventh and
 * eighth).
 */

import { FIN, type Packet } from '../../packet/packet.ts';
import { dataCame } from './delayed-ack.ts';
import { enterQuickAcks } from './quick-ack.ts';
import { advance, distance } from './seq.ts';
import {
  ACK_AT_ONCE, ACK_SCHEDULED, ENDED, EXCHANGED, FIN_RECEIVED, type Fragment, READABLE, type Tcb, timeWait,
} from './tcb.ts';
import { noteDuplicate } from './undo.ts';

/** Pieces out of order that are kept; what comes beyond is dropped, and has to be sent again. */
const FRAGMENTS_MAX = 128;

/** Takes the data of a segment that touches the window. */
export function takeData(tcb: Tcb, packet: Packet): void {
  const { flags, payload, payloadBytes } = packet;
  // After the FIN nothing can come (RFC 9293 3.10.7.4).
  if ((tcb.flags & FIN_RECEIVED) !== 0) {
    tcb.flags |= ACK_SCHEDULED | ACK_AT_ONCE;
    return;
  }
  const skipped = distance(packet.seq, tcb.rcvNxt);
  const end = advance(packet.seq, payloadBytes);
  let withFin = (flags & FIN) !== 0;
  if (distance(tcb.rcvNxt, end) <= 0 && !(withFin && end === tcb.rcvNxt)) {
    // All of it was here before: our ACK was lost, or the peer is impatient.
    enterQuickAcks(tcb);
    noteDuplicate(tcb, packet.seq, end);
    tcb.flags |= ACK_SCHEDULED | ACK_AT_ONCE;
    return;
  }
  if (skipped > 0 && payloadBytes > 0) noteDuplicate(tcb, packet.seq, tcb.rcvNxt);
  const room = distance(packet.seq, tcb.rcvEdge);
  const kept = Math.min(payloadBytes, room);
  if (kept < payloadBytes) withFin = false;
  if (skipped < 0) {
    if (kept > 0 || withFin) keep(tcb, { seq: packet.seq, bytes: payload.slice(0, kept), withFin });
    enterQuickAcks(tcb);
    tcb.flags |= ACK_SCHEDULED | ACK_AT_ONCE;
    return;
  }
  if (kept > skipped) {
    dataCame(tcb, kept - skipped);
    append(tcb, payload, skipped, kept);
  } else if (payloadBytes > 0) {
    // The window is closed.
    tcb.flags |= ACK_SCHEDULED | ACK_AT_ONCE;
  }
  if (tcb.fragments !== undefined) joinFragments(tcb);
  if (withFin) takeFin(tcb);
}

function append(tcb: Tcb, bytes: Uint8Array, start: number, end: number): void {
  (tcb.receiving ??= tcb.stack.queues.take()).push(bytes, start, end);
  tcb.rcvNxt = advance(tcb.rcvNxt, end - start);
  tcb.flags |= EXCHANGED;
  tcb.news |= READABLE;
  closeWhenFull(tcb);
}

/** FreeRTOS+TCP's vTCPAddRxdata_Stored: what is left is so little that the peer is stopped at once. */
function closeWhenFull(tcb: Tcb): void {
  const { windowUpdate, receiveBufferBytes } = tcb.stack.profile;
  if (windowUpdate.kind !== 'emptied') return;
  if (receiveBufferBytes - (tcb.receiving?.length ?? 0) > windowUpdate.littleShare * receiveBufferBytes) return;
  tcb.inTrouble().isLowWater = true;
  tcb.flags |= ACK_AT_ONCE;
}

/** Keeps a fragment, in the order of beginnings; fragments may overlap. */
function keep(tcb: Tcb, fragment: Fragment): void {
  const fragments = (tcb.fragments ??= []);
  const at = fragments.findIndex(({ seq }) => distance(fragment.seq, seq) >= 0);
  const same = fragments[at];
  if (
    same !== undefined &&
    same.seq === fragment.seq &&
    same.bytes.length >= fragment.bytes.length &&
    (same.withFin || !fragment.withFin)
  ) {
    return;
  }
  if (fragments.length >= FRAGMENTS_MAX) return;
  if (at < 0) fragments.push(fragment);
  else fragments.splice(at, 0, fragment);
}

/** Moves fragments that continue the stream into the stream. */
function joinFragments(tcb: Tcb): void {
  const fragments = tcb.fragments ?? [];
  let used = 0;
  for (const { seq, bytes, withFin } of fragments) {
    const skipped = distance(seq, tcb.rcvNxt);
    if (skipped < 0) break;
    used++;
    if (skipped < bytes.length) append(tcb, bytes, skipped, bytes.length);
    if (withFin && distance(advance(seq, bytes.length), tcb.rcvNxt) === 0) {
      takeFin(tcb);
      break;
    }
  }
  tcb.flags |= ACK_AT_ONCE;
  if (used === fragments.length) tcb.fragments = undefined;
  else fragments.splice(0, used);
}

function takeFin(tcb: Tcb): void {
  if ((tcb.flags & FIN_RECEIVED) !== 0) return;
  tcb.rcvNxt = advance(tcb.rcvNxt, 1);
  tcb.flags |= FIN_RECEIVED | ACK_SCHEDULED;
  // RFC 9293 3.10.7.4, seventh: nothing comes after it, though a peer that is out of its mind has sent something.
  tcb.fragments = undefined;
  tcb.news |= READABLE | ENDED;
  switch (tcb.state) {
    case 'ESTABLISHED':
      tcb.state = 'CLOSE-WAIT';
      break;
    case 'FIN-WAIT-1':
      // Our FIN is not acknowledged yet, or it would be FIN-WAIT-2 by now.
      tcb.state = 'CLOSING';
      tcb.flags |= ACK_AT_ONCE;
      break;
    case 'FIN-WAIT-2':
      tcb.flags |= ACK_AT_ONCE;
      timeWait(tcb);
      break;
    default:
  }
}
