/** The ACK that asks for proof (RFC 5961). */

import { sendAck } from './segment.ts';
import { CHALLENGED, msToTicks, type Tcb, ticksSince } from './tcb.ts';

/** RFC 5961 7, as Linux's tcp_oow_rate_limited: an ACK, unless one of this kind was sent just before. */
export function challenge(tcb: Tcb): void {
  const { stack } = tcb;
  const { challengeAckIntervalMs } = stack.profile;
  if ((tcb.flags & CHALLENGED) !== 0) {
    const since = ticksSince(stack, tcb.trouble.lastChallengeTick);
    // Not twice in a tick, whatever the stack says: two ends that believe different things of a connection would answer
    // each other, and no time would pass.
    if (since >= 0 && since < Math.max(msToTicks(stack, challengeAckIntervalMs), 1)) return;
  }
  tcb.flags |= CHALLENGED;
  tcb.inTrouble().lastChallengeTick = stack.clock.nowTick;
  sendAck(tcb);
}
