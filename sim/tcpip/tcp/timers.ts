/** The timers of a connection: their actions, and the choice of the next timer. */

import { ackTimeout } from './delayed-ack.ts';
import { keepAliveTimeout, look } from './keepalive.ts';
import { armPersist, hasUnsent, persistTicks, sendNext } from './output.ts';
import { giveUp, lossProbeTimeout, orphanRetries, retransmitTimeout } from './retransmission.ts';
import { armRetransmission } from './rto.ts';
import { sendByteProbe, sendProbe } from './segment.ts';
import { ACK_TIMER, done, KEEPALIVE_TIMER, msToTicks, ORPHAN, PROBING, type Tcb, ticksSince } from './tcb.ts';

/** Returns whether any timer runs; `nextTick` is then the first of them. */
export function hasTimer(tcb: Tcb): boolean {
  return tcb.timer !== 'none' || (tcb.flags & (ACK_TIMER | KEEPALIVE_TIMER)) !== 0;
}

/** The tick at which the first of the timers fires. */
export function nextTick({ timer, timerTick, flags, ackTick, keepAliveTick }: Tcb): number {
  let tick = timer !== 'none' ? timerTick : (flags & ACK_TIMER) !== 0 ? ackTick : keepAliveTick;
  if ((flags & ACK_TIMER) !== 0 && ((ackTick - tick) | 0) < 0) tick = ackTick;
  if ((flags & KEEPALIVE_TIMER) !== 0 && ((keepAliveTick - tick) | 0) < 0) tick = keepAliveTick;
  return tick;
}

/** Does all that is due. */
export function fireTimers(tcb: Tcb): void {
  const { stack } = tcb;
  if ((tcb.flags & ACK_TIMER) !== 0 && ticksSince(stack, tcb.ackTick) >= 0) ackTimeout(tcb);
  if (tcb.timer !== 'none' && ticksSince(stack, tcb.timerTick) >= 0) sendTimeout(tcb);
  if ((tcb.flags & KEEPALIVE_TIMER) !== 0 && ticksSince(stack, tcb.keepAliveTick) >= 0) keepAliveTimeout(tcb);
}

function sendTimeout(tcb: Tcb): void {
  const { timer } = tcb;
  tcb.timer = 'none';
  switch (timer) {
    case 'none':
      break;
    case 'retransmit':
      retransmitTimeout(tcb);
      look(tcb);
      break;
    case 'loss-probe':
      lossProbeTimeout(tcb);
      break;
    case 'persist':
      persistTimeout(tcb);
      break;
    case 'refused':
      done(tcb, tcb.stack.profile.refusedErrno);
      break;
    case 'fin-wait-2':
      done(tcb, (tcb.flags & ORPHAN) === 0 ? tcb.stack.profile.timeoutErrno : undefined);
      break;
    case 'time-wait':
      done(tcb, undefined);
      break;
  }
}

/**
 * RFC 9293 3.8.6.1, with Linux's tcp_probe_timer: as long as the peer answers, forever; else until as many probes are
 * unanswered as timeouts would be, or until the user's own timeout.
 */
function persistTimeout(tcb: Tcb): void {
  const { stack } = tcb;
  const { persist, retransmission } = stack.profile;
  if (!hasUnsent(tcb)) return;
  if ((tcb.flags & PROBING) === 0) {
    tcb.flags |= PROBING;
    tcb.inTrouble().persistSinceTick = stack.clock.nowTick;
  } else if (hasUserTimeoutPassed(tcb)) {
    giveUp(tcb);
    return;
  }
  const { retries } = retransmission.giveUp;
  const isOrphan = (tcb.flags & ORPHAN) !== 0;
  // Of one that was closed the number is 0 at last, and then the peer's answers are of no use.
  const probesMax =
    persist.kind === 'table' ? persist.probesMax : isOrphan ? orphanRetries(tcb, persistTicks(tcb)) : retries;
  if (tcb.trouble.probesOut >= probesMax) {
    giveUp(tcb);
    return;
  }
  // RFC 9293 3.8.6.2.1, the override timeout, and Linux's tcp_write_wakeup: where the window has opened a little, but
  // too little for a full segment, the probe is data.
  if (sendNext(tcb, 'window-probe')) {
    armRetransmission(tcb);
    return;
  }
  if (stack.profile.windowProbe === 'byte') sendByteProbe(tcb);
  else sendProbe(tcb, false);
  tcb.inTrouble().probesOut++;
  if (tcb.backoff < retries) tcb.backoff++;
  armPersist(tcb);
}

function hasUserTimeoutPassed({ stack, trouble, userTimeoutMs }: Tcb): boolean {
  return userTimeoutMs > 0 && ticksSince(stack, trouble.persistSinceTick) >= msToTicks(stack, userTimeoutMs);
}
