/**
 * Delayed acknowledgements (RFC 9293 3.8.6.3, RFC 5681 4.2). Linux acknowledges the first segments, and those after a
 * pause, at once ("quick ACKs"). After that the delay follows the intervals of segments, 40 ms to 200 ms. If the user
 * answers within that time, the ACK goes with the answer ("ping-pong"). Other stacks acknowledge the second segment, or
 * wait a fixed time.
 */

import { isPingPong, moreQuickAcks, resetAckDelay } from './quick-ack.ts';
import { receiveWindow, selectWindow } from './receive-window.ts';
import { sendAck } from './segment.ts';
import { distance } from './seq.ts';
import {
  ACK_AT_ONCE, ACK_SCHEDULED, ACK_TIMER, canReceive, msToTicks, PING_PONG, PUSHED, PUSHED_TWICE, type Tcb, ticksSince,
  usToTicks,
} from './tcb.ts';

/** Linux's TCP_MSS_DEFAULT: what full segments are at first taken for (RFC 9293 3.7.1). */
export const RCV_MSS_FIRST = 536;

/** A segment with data has come, in order or not (Linux's tcp_event_data_recv, tcp_measure_rcv_mss). */
export function dataCame(tcb: Tcb, bytes: number): void {
  const { stack } = tcb;
  const { delayedAck } = stack.profile;
  if (bytes >= tcb.rcvMss) tcb.rcvMss = Math.min(bytes, stack.profile.mssBytes);
  else tcb.flags |= (tcb.flags & PUSHED) === 0 ? PUSHED : PUSHED_TWICE;
  if (delayedAck.kind === 'linux') {
    const minTicks = msToTicks(stack, delayedAck.minMs);
    if (tcb.ackDelayTicks === 0) {
      moreQuickAcks(tcb);
      tcb.ackDelayTicks = minTicks;
    } else {
      const pause = ticksSince(stack, tcb.lastDataTick);
      if (pause <= minTicks >> 1) {
        tcb.ackDelayTicks = (tcb.ackDelayTicks >> 1) + (minTicks >> 1);
      } else if (pause < tcb.ackDelayTicks) {
        tcb.ackDelayTicks = Math.min((tcb.ackDelayTicks >> 1) + pause, tcb.rtoTicks);
      } else if (pause > tcb.rtoTicks) {
        // The sender may have started again with a small window, which only ACKs open.
        moreQuickAcks(tcb);
      }
    }
  }
  tcb.lastDataTick = stack.clock.nowTick;
  tcb.flags |= ACK_SCHEDULED;
}

/** Acknowledges, at once or later, what is owed after a segment. */
export function ackOrDelay(tcb: Tcb): void {
  if ((tcb.flags & ACK_SCHEDULED) === 0 || tcb.state === 'CLOSED') return;
  if (isDueNow(tcb)) sendAck(tcb);
  else delayAck(tcb);
}

function isDueNow(tcb: Tcb): boolean {
  const { delayedAck } = tcb.stack.profile;
  // RFC 5681 4.2: out of order, or filling a gap, at once.
  if ((tcb.flags & ACK_AT_ONCE) !== 0 || tcb.fragments !== undefined) return true;
  const owed = distance(tcb.rcvAcked, tcb.rcvNxt);
  switch (delayedAck.kind) {
    case 'none':
      return true;
    case 'linux':
      return owed > tcb.rcvMss || (tcb.quickAcks > 0 && !isPingPong(tcb));
    case 'timer':
    case 'delay':
      // With every second segment; the timer runs since the first.
      return (tcb.flags & ACK_TIMER) !== 0;
  }
}

function delayAck(tcb: Tcb): void {
  const { stack } = tcb;
  const { delayedAck } = stack.profile;
  let ticks = 0;
  switch (delayedAck.kind) {
    case 'none':
      return;
    case 'timer':
    case 'delay':
      ticks = msToTicks(stack, delayedAck.delayMs);
      break;
    case 'linux':
      ticks = linuxDelayTicks(tcb, msToTicks(stack, delayedAck.minMs), msToTicks(stack, delayedAck.maxMs));
      if ((tcb.flags & ACK_TIMER) !== 0) {
        // Linux's tcp_send_delayed_ack: when the timer is about to fire, or earlier than it would be now. It fires a
        // tick after its time.
        const left = distance(stack.clock.nowTick, tcb.ackTick) - 1;
        if (left <= ticks >> 2) {
          sendAck(tcb);
          return;
        }
        if (left <= ticks) return;
      }
      break;
  }
  tcb.flags |= ACK_TIMER;
  // lwIP's tcp_fasttmr comes in its own time, at multiples of its period.
  tcb.ackTick = delayedAck.kind === 'timer' ? nextBeat(stack.clock.nowTick, ticks) : stack.clock.expiry(ticks, 'send');
}

function nextBeat(nowTick: number, periodTicks: number): number {
  return (Math.floor(nowTick / periodTicks) + 1) * periodTicks | 0;
}

/** Linux's tcp_send_delayed_ack: no longer than a round trip. (Its HZ / 2 is more than TCP_DELACK_MAX.) */
function linuxDelayTicks(tcb: Tcb, minTicks: number, maxTicks: number): number {
  const roundTripTicks = tcb.srttUs8 > 0 ? usToTicks(tcb.stack, tcb.srttUs8 >> 3) : maxTicks;
  return Math.min(tcb.ackDelayTicks, Math.max(roundTripTicks, minTicks), maxTicks);
}

/** The delayed ACK's time has come (Linux's tcp_delack_timer_handler). */
export function ackTimeout(tcb: Tcb): void {
  const { delayedAck } = tcb.stack.profile;
  if (delayedAck.kind === 'linux') {
    if (!isPingPong(tcb)) {
      tcb.ackDelayTicks = Math.min(tcb.ackDelayTicks << 1, tcb.rtoTicks);
    } else {
      tcb.flags &= ~PING_PONG;
      resetAckDelay(tcb);
    }
  }
  sendAck(tcb);
}

/**
 * The user has read (Linux's tcp_cleanup_rbuf): an ACK goes now where that opens the window, or empties the buffer of
 * what was small.
 */
export function dataWasRead(tcb: Tcb): void {
  if (tcb.state === 'CLOSED') return;
  if (tcb.stack.profile.delayedAck.kind === 'linux') {
    const isPushed = (tcb.flags & PUSHED_TWICE) !== 0 || ((tcb.flags & PUSHED) !== 0 && !isPingPong(tcb));
    if (tcb.receiving === undefined && isPushed) {
      sendAck(tcb);
      return;
    }
  }
  if (canReceive(tcb)) tellWindow(tcb);
}

/** The peer may send more: it is told now, where that is worth a segment. */
function tellWindow(tcb: Tcb): void {
  const { windowUpdate, receiveBufferBytes } = tcb.stack.profile;
  const offered = receiveWindow(tcb);
  switch (windowUpdate.kind) {
    case 'doubled': {
      if (2 * offered > receiveBufferBytes) return;
      const window = selectWindow(tcb);
      if (window > 0 && window >= 2 * offered) sendAck(tcb);
      return;
    }
    case 'edge':
      if (selectWindow(tcb) - offered >= windowUpdate.share * receiveBufferBytes) sendAck(tcb);
      return;
    case 'emptied':
      if (!tcb.trouble.isLowWater || tcb.receiving !== undefined) return;
      tcb.inTrouble().isLowWater = false;
      sendAck(tcb);
  }
}
