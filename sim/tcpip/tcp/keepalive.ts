/**
 * Keepalive (RFC 9293 3.8.4), by Linux's tcp_keepalive_timer. The timer is not touched by what comes and goes: when it
 * fires, it looks how long nothing has come, and waits for the rest. While data is unacknowledged it only waits: then
 * it is retransmission that finds a dead peer.
 */

import type { KeepAlive, KeepAliveSupport } from '../../../hal/network.ts';
import type { Profile } from '../profile.ts';
import { hasUnsent } from './output.ts';
import { giveUp } from './retransmission.ts';
import { sendProbe, sendReset } from './segment.ts';
import { EXCHANGED, KEEPALIVE_TIMER, msToTicks, silentTicks, type Tcb, ticksSince } from './tcb.ts';

/** TCP_MAX_KEEPIDLE and TCP_MAX_KEEPCNT of Linux: what is more cannot be set. */
const SECONDS_MAX = 32_767;
const COUNT_MAX = 127;

/**
 * Returns the part of the settings that a stack applies; `none`: no part, since the stack cannot do it, or no stack
 * can.
 */
export function keepAliveTaken(
  { keepAlive: { support } }: Profile,
  { idle, interval, count }: KeepAlive,
): KeepAliveSupport {
  return [idle, interval].every((s) => isWhole(s, SECONDS_MAX)) && isWhole(count, COUNT_MAX) ? support : 'none';
}

/** SO_KEEPALIVE on, with its times, or off; tells how much of it the stack takes. */
export function setKeepAlive(tcb: Tcb, keepAlive: KeepAlive | undefined): KeepAliveSupport {
  const { profile } = tcb.stack;
  const { unitS, defaults } = profile.keepAlive;
  if (keepAlive === undefined) {
    tcb.keepAlive = undefined;
    tcb.flags &= ~KEEPALIVE_TIMER;
    return profile.keepAlive.support;
  }
  const support = keepAliveTaken(profile, keepAlive);
  if (support === 'none') return support;
  const isSwitchedOn = tcb.keepAlive === undefined;
  if (support === 'idle') {
    const unitsS = Math.ceil(keepAlive.idle / unitS) * unitS;
    tcb.keepAlive = { ...defaults, idle: unitsS, interval: unitsS };
  } else {
    // Not copied, so that the thousands that are set alike share it: the caller must not change it.
    tcb.keepAlive = keepAlive;
  }
  if (isSynchronised(tcb)) {
    if (profile.keepAlive.looks !== undefined) {
      arm(tcb, msToTicks(tcb.stack, profile.keepAlive.looks.everyMs));
      return support;
    }
    const silent = isSwitchedOn && profile.keepAlive.idleSince === 'switched-on' ? 0 : silentTicks(tcb);
    arm(tcb, Math.max(idleTicks(tcb, tcb.keepAlive) - silent, 0));
  }
  return support;
}

/** The connection is established: the timer starts. */
export function startKeepAlive(tcb: Tcb): void {
  const { looks } = tcb.stack.profile.keepAlive;
  if (tcb.keepAlive === undefined) return;
  if (looks === undefined) arm(tcb, idleTicks(tcb, tcb.keepAlive));
  // The time that SYN was to be sent again is still to come, and then it is looked at.
  else armAt(tcb, tcb.timerTick);
}

/** The timer has fired. */
export function keepAliveTimeout(tcb: Tcb): void {
  const { stack, keepAlive } = tcb;
  const { needsData, garbageByte, waitsForAcks, unanswered } = stack.profile.keepAlive;
  tcb.flags &= ~KEEPALIVE_TIMER;
  if (keepAlive === undefined || !works(tcb)) return;
  if (unanswered === 'looks') {
    look(tcb);
    return;
  }
  const idle = idleTicks(tcb, keepAlive);
  // Linux: "It is alive without keepalive": what is sent and not acknowledged, or waits, has timers of its own.
  if ((waitsForAcks && (tcb.packetsOut > 0 || hasUnsent(tcb))) || (needsData && (tcb.flags & EXCHANGED) === 0)) {
    arm(tcb, idle);
    return;
  }
  const silent = silentTicks(tcb);
  if (silent < idle) {
    arm(tcb, idle - silent);
    return;
  }
  if (isTimeToGiveUp(tcb, keepAlive, silent)) {
    if (stack.profile.keepAlive.resets) sendReset(tcb);
    giveUp(tcb, stack.profile.keepAlive.errno);
    return;
  }
  sendProbe(tcb, garbageByte);
  tcb.inTrouble().probesOut++;
  if (unanswered === 'retransmission') arm(tcb, probeAgainTicks(tcb));
  else arm(tcb, msToTicks(stack, keepAlive.interval * 1000));
}

// ---- FreeRTOS+TCP, which looks at its connections (profile.ts, looks) ----

/** prvTCPPrepareSend, where no data is due. */
export function look(tcb: Tcb): void {
  const { stack, keepAlive } = tcb;
  const { looks, garbageByte, errno } = stack.profile.keepAlive;
  if (looks === undefined || keepAlive === undefined || !works(tcb)) return;
  if (tcb.trouble.probesOut >= looks.probes) {
    giveUp(tcb, errno);
    return;
  }
  const isAgain = tcb.trouble.probesOut > 0;
  const sinceProbe = isAgain ? ticksSince(stack, tcb.trouble.lastProbeTick) >>> 0 : Infinity;
  const mayBeQuietMs = isAgain ? looks.againAfterMs : keepAlive.idle * 1000;
  if (Math.min(silentTicks(tcb), sinceProbe) <= msToTicks(stack, mayBeQuietMs)) {
    nextLook(tcb);
    return;
  }
  sendProbe(tcb, garbageByte);
  tcb.inTrouble().probesOut++;
  tcb.inTrouble().lastProbeTick = stack.clock.nowTick;
  arm(tcb, msToTicks(stack, looks.afterProbeMs));
}

/** prvTCPNextTimeout: when something is to be sent again, or else after the longest time there is. */
function nextLook(tcb: Tcb): void {
  const { looks } = tcb.stack.profile.keepAlive;
  if (looks === undefined || tcb.keepAlive === undefined || !works(tcb)) return;
  if (tcb.timer === 'retransmit') armAt(tcb, tcb.timerTick);
  else arm(tcb, msToTicks(tcb.stack, looks.everyMs));
}

/**
 * A user timeout takes the place of the count: the first time after it that a probe is unanswered (Linux; RFC 5482 4.2
 * leaves it open).
 */
function isTimeToGiveUp(tcb: Tcb, { count }: KeepAlive, silent: number): boolean {
  if (tcb.userTimeoutMs > 0) return tcb.trouble.probesOut > 0 && silent >= msToTicks(tcb.stack, tcb.userTimeoutMs);
  const { keepAlive, retransmission } = tcb.stack.profile;
  const isAsData = keepAlive.unanswered === 'retransmission';
  return tcb.trouble.probesOut >= (isAsData ? retransmission.giveUp.retries + 1 : count);
}

/** The W5500 sends a probe again as it would data. */
function probeAgainTicks(tcb: Tcb): number {
  const { rtoInitialMs, rtoMaxMs } = tcb.stack.profile.retransmission;
  return msToTicks(tcb.stack, Math.min(rtoInitialMs * 2 ** (tcb.trouble.probesOut - 1), rtoMaxMs));
}

function idleTicks({ stack }: Tcb, { idle }: KeepAlive): number {
  return msToTicks(stack, idle * 1000 + stack.profile.keepAlive.idleExtraMs);
}

function arm(tcb: Tcb, delayTicks: number): void {
  tcb.flags |= KEEPALIVE_TIMER;
  tcb.keepAliveTick = tcb.stack.clock.expiry(delayTicks, 'other');
}

function armAt(tcb: Tcb, tick: number): void {
  tcb.flags |= KEEPALIVE_TIMER;
  tcb.keepAliveTick = tick;
}

function works(tcb: Tcb): boolean {
  switch (tcb.stack.profile.keepAlive.states) {
    case 'all':
      return isSynchronised(tcb);
    case 'open':
      return tcb.state === 'ESTABLISHED' || tcb.state === 'CLOSE-WAIT';
    case 'established':
      return tcb.state === 'ESTABLISHED';
  }
}

/** RFC 9293 3.3.2: past the handshake, and not yet over. */
function isSynchronised({ state }: Tcb): boolean {
  return state !== 'SYN-SENT' && state !== 'SYN-RECEIVED' && state !== 'TIME-WAIT' && state !== 'CLOSED';
}

function isWhole(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= max;
}
