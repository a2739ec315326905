/** The state of delayed ACKs between segments: Linux's quick ACKs, and its ping-pong mode. */

import { receiveWindow } from './receive-window.ts';
import {
  ACK_AT_ONCE, ACK_SCHEDULED, ACK_TIMER, msToTicks, PING_PONG, PUSHED, PUSHED_TWICE, type Tcb, ticksSince,
} from './tcb.ts';

/** Linux's TCP_MAX_QUICKACKS. */
const QUICK_ACKS_MAX = 16;

/** A segment with an ACK is going out. */
export function ackWasSent(tcb: Tcb): void {
  // Linux's tcp_dec_quickack_mode: with the last quick ACK the delay is short again.
  if ((tcb.flags & ACK_SCHEDULED) !== 0 && tcb.quickAcks > 0 && --tcb.quickAcks === 0) resetAckDelay(tcb);
  tcb.flags &= ~(ACK_SCHEDULED | ACK_TIMER | ACK_AT_ONCE | PUSHED | PUSHED_TWICE);
}

/** Data is going out: as an answer, where it goes soon after something came (Linux's tcp_event_data_sent). */
export function countReply(tcb: Tcb): void {
  // Without a sign, as there: what came last may have come longer ago than a difference with a sign tells.
  if (ticksSince(tcb.stack, tcb.lastDataTick) >>> 0 < tcb.ackDelayTicks) tcb.flags |= PING_PONG;
}

/** Something is out of order: the peer needs ACKs (Linux's tcp_enter_quickack_mode). */
export function enterQuickAcks(tcb: Tcb): void {
  if (tcb.stack.profile.delayedAck.kind !== 'linux') return;
  moreQuickAcks(tcb);
  tcb.flags &= ~PING_PONG;
  resetAckDelay(tcb);
}

/** Linux's tcp_incr_quickack: as many as fill half of the window. */
export function moreQuickAcks(tcb: Tcb): void {
  const count = Math.floor(receiveWindow(tcb) / (2 * tcb.rcvMss)) || 2;
  tcb.quickAcks = Math.max(tcb.quickAcks, Math.min(count, QUICK_ACKS_MAX));
}

export function resetAckDelay(tcb: Tcb): void {
  const { delayedAck } = tcb.stack.profile;
  if (delayedAck.kind === 'linux') tcb.ackDelayTicks = msToTicks(tcb.stack, delayedAck.minMs);
}

export function isPingPong({ flags }: Tcb): boolean {
  return (flags & PING_PONG) !== 0;
}
