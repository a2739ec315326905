/**
 * The calls of a connection's user (RFC 9293 3.9.1), as POSIX defines them. Failures are returned as numbers below 0,
 * as from the HAL.
 */

import { failure } from '../../../hal/errno.ts';
import { startCongestion } from './congestion.ts';
import { dataWasRead, RCV_MSS_FIRST } from './delayed-ack.ts';
import { look } from './keepalive.ts';
import { sendNew } from './output.ts';
import { resumeRetransmission } from './retransmission.ts';
import { sendReset, sendSyn } from './segment.ts';
import { advance } from './seq.ts';
import {
  ACTIVE, done, ERROR_TOLD, FIN_RECEIVED, FIN_WANTED, heldSinceTick, KEEPALIVE_TIMER, msToTicks, NO_DELAY, ORPHAN,
  RETRANSMITTED, setSynTimer, setTimer, silentTicks, type Tcb, TIMING, waitForFin, WANTS_ROOM,
} from './tcb.ts';

/** A connection to be, with its two ends known. */
export function initialize(tcb: Tcb, isn = tcb.stack.newIss(tcb)): void {
  const { profile } = tcb.stack;
  tcb.sndUna = isn;
  tcb.sndNxt = advance(isn, 1);
  tcb.sndSmall = isn;
  tcb.sndMss = profile.mssBytes;
  tcb.rcvMss = Math.min(RCV_MSS_FIRST, profile.mssBytes);
  tcb.rtoTicks = msToTicks(tcb.stack, profile.handshake.rtoMs);
  tcb.lastDataTick = tcb.stack.clock.nowTick;
  startCongestion(tcb);
  tcb.flags |= TIMING;
  tcb.timedUs = tcb.stack.clock.nowUs;
}

/** connect: sends SYN. */
export function connect(tcb: Tcb): void {
  initialize(tcb);
  tcb.state = 'SYN-SENT';
  tcb.flags |= ACTIVE;
  if (tcb.stack.profile.retransmission.giveUp.by === 'elapsed') {
    // Linux's tcp_connect sets retrans_stamp: what has elapsed counts from the first SYN, and not from the first
    // retransmission as later.
    tcb.flags |= RETRANSMITTED;
    tcb.inTrouble().retransmitSinceTick = tcb.stack.clock.nowTick;
  }
  sendSyn(tcb);
  // FreeRTOS+TCP's prvTCPPrepareConnect: the neighbour was asked, and SYN goes when it is known at the next look.
  const { arp } = tcb.stack.profile;
  if (arp.kind === 'freertos-tcp' && heldSinceTick(tcb, tcb.sndUna) !== undefined) {
    tcb.inTrouble().probesOut = 1;
    setTimer(tcb, 'retransmit', msToTicks(tcb.stack, arp.retryMs));
  } else {
    setSynTimer(tcb, tcb.rtoTicks);
  }
}

/** recv: how many bytes; 0 at the end; EAGAIN; an error once, and after it 0, as Linux has it. */
export function receive(tcb: Tcb, into: Uint8Array): number {
  const queue = tcb.receiving;
  if (queue !== undefined) {
    const count = Math.min(queue.length, into.length);
    queue.peek(0, count, into);
    queue.drop(count);
    if (queue.length === 0) {
      tcb.stack.queues.release(queue);
      tcb.receiving = undefined;
    }
    dataWasRead(tcb);
    return count;
  }
  if ((tcb.flags & FIN_RECEIVED) !== 0) return 0;
  if (tcb.state === 'CLOSED') return tellError(tcb) ?? 0;
  return tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED' ? failure('ENOTCONN') : failure('EAGAIN');
}

/** send: how many bytes were taken; EAGAIN; an error once, and after it EPIPE. */
export function send(tcb: Tcb, from: Uint8Array): number {
  if (tcb.state === 'CLOSED') return tellError(tcb) ?? failure('EPIPE');
  if (tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED') return failure('ENOTCONN');
  if ((tcb.flags & FIN_WANTED) !== 0) return failure('EPIPE');
  const { stack } = tcb;
  const room = stack.profile.sendBufferBytes - (tcb.sending?.length ?? 0);
  const count = Math.min(from.length, room);
  if (count < from.length) tcb.flags |= WANTS_ROOM;
  if (count <= 0) return from.length === 0 ? 0 : failure('EAGAIN');
  (tcb.sending ??= stack.queues.take()).push(from, 0, count);
  resumeRetransmission(tcb);
  sendNew(tcb);
  look(tcb);
  return count;
}

function tellError(tcb: Tcb): number | undefined {
  if (tcb.trouble.error === undefined || (tcb.flags & ERROR_TOLD) !== 0) return undefined;
  tcb.flags |= ERROR_TOLD;
  return failure(tcb.trouble.error);
}

/** shutdown(SHUT_WR): FIN after all that was taken. */
export function shutdown(tcb: Tcb): number {
  switch (tcb.state) {
    case 'SYN-SENT':
    case 'SYN-RECEIVED':
    case 'CLOSED':
      return failure('ENOTCONN');
    case 'ESTABLISHED':
      finish(tcb, 'FIN-WAIT-1');
      return 0;
    case 'CLOSE-WAIT':
      finish(tcb, 'LAST-ACK');
      return 0;
    default:
      return 0;
  }
}

function finish(tcb: Tcb, state: 'FIN-WAIT-1' | 'LAST-ACK'): void {
  tcb.state = state;
  tcb.flags |= FIN_WANTED;
  // RFC 9293 3.7.4: nothing will follow that a small last segment could wait for.
  sendNew(tcb, 'push');
}

/** close: the user is gone; what was taken is still sent. */
export function close(tcb: Tcb): void {
  if ((tcb.flags & ORPHAN) !== 0) return;
  const hasUnread = tcb.receiving !== undefined;
  // From now on it stands for when something came last (tcb.ts, elapsedTicks).
  tcb.lastDataTick = (tcb.stack.clock.nowTick - silentTicks(tcb)) | 0;
  leave(tcb);
  if (tcb.state === 'CLOSED') return;
  if (tcb.state === 'SYN-SENT') {
    done(tcb, undefined);
  } else if (hasUnread && tcb.stack.profile.resetsOnUnreadClose) {
    // RFC 2525 2.17, RFC 9293 3.6.1: the peer must learn that its data was lost.
    sendReset(tcb);
    done(tcb, undefined);
  } else if (tcb.state === 'SYN-RECEIVED') {
    sendReset(tcb);
    done(tcb, undefined);
  } else {
    shutdown(tcb);
    if (tcb.state === 'FIN-WAIT-2') waitForFin(tcb);
  }
}

/** close with SO_LINGER 0: RST, where the stack has such a call, and nothing is kept. */
export function abort(tcb: Tcb): void {
  leave(tcb);
  if (tcb.state === 'CLOSED') return;
  // RFC 9293 3.10.5: in TIME-WAIT and the like there is nobody to reset.
  if (tcb.stack.profile.canReset && tcb.state !== 'SYN-SENT' && tcb.state !== 'TIME-WAIT') sendReset(tcb);
  done(tcb, undefined);
}

/** lwIP's tcp_abandon, not of the user's doing: RST, and the user is told. */
export function abandon(tcb: Tcb): void {
  if (tcb.state !== 'SYN-SENT' && tcb.state !== 'TIME-WAIT') sendReset(tcb);
  done(tcb, 'ECONNABORTED');
}

function leave(tcb: Tcb): void {
  tcb.flags |= ORPHAN;
  tcb.user = undefined;
  tcb.keepAlive = undefined;
  tcb.flags &= ~KEEPALIVE_TIMER;
  if (tcb.receiving !== undefined) tcb.stack.queues.release(tcb.receiving);
  tcb.receiving = undefined;
}

/** TCP_NODELAY. Turning it on sends what Nagle held back. */
export function setNoDelay(tcb: Tcb, on: boolean): void {
  if (!on) {
    tcb.flags &= ~NO_DELAY;
    return;
  }
  tcb.flags |= NO_DELAY;
  sendNew(tcb);
}
