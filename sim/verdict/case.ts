/** Verdicts that are not final yet: a case for each fault and each device that it touches. */

import type { FaultSpan } from '../sessions/fault-span.ts';
import { type DeviceSessions, ghostMsWithin, isSince, type Session } from '../sessions/session.ts';
import { FIRMWARE_STATES, type FirmwareState } from '../faults/kind.ts';
import { FAULTS } from '../faults/kinds/index.ts';
import type { Noticed, Verdict } from './verdict.ts';

export interface Case {
  /** The fault. Its `effect` is not `latent`. */
  readonly fault: FaultSpan;
  readonly effect: Verdict['effect'];
  readonly device: string;
  /** The connection in question. */
  readonly session: Session | undefined;
  /** Number of beats that the device had sent over the session when the fault came. */
  readonly beatsSent: number;
  readonly hadService: boolean;
  firmware: FirmwareState;
  server: FirmwareState;
  readonly heal: Heal;
  deviceNoticed: Noticed | undefined;
  serverNoticed: Noticed | undefined;
  logNoticed: Noticed | undefined;
  backAtMs: number | undefined;
  survived: boolean;
}

/**
 * Moment from which nothing cuts the device off. It belongs to all cuts whose service is not back: each new cut takes
 * the heal from those before.
 */
export interface Heal {
  atMs: number | undefined;
}

/** The cases of a device. */
export interface DeviceCases {
  readonly sessions: DeviceSessions;
  /**
   * Cases whose service is not back, the earliest first. Their number has no bound if one fault lasts for good and
   * others come and go.
   */
  waiting: Case[];
  /** Cases in `waiting` whose faults are not over. */
  open: Case[];
  /** Heal of its cuts. */
  heal: Heal;
  /** Time of the first of the hangs that it is under, or was under last. */
  hungSinceMs: number;
  latestCut: Case | undefined;
}

/**
 * Returns the cases by which a session may be given up: those that it has not survived; if some of them cut, only
 * those.
 */
export function causesOf(cases: readonly Case[]): readonly Case[] {
  const touching = cases.filter(({ survived }) => !survived);
  const cuts = touching.filter(({ effect }) => effect === 'cuts');
  return cuts.length > 0 ? cuts : touching;
}

/** A fault of the device is over: gives its case. */
export function endCase(device: DeviceCases, fault: FaultSpan, atMs: number): Case | undefined {
  const ended = device.open.find((one) => one.fault === fault);
  if (ended === undefined) return undefined;
  device.open = device.open.filter((one) => one !== ended);
  // A fault that only harms is healed when it ends.
  if (ended.effect === 'harms') ended.heal.atMs = atMs;
  healCuts(device, atMs);
  return ended;
}

/**
 * If no fault cuts the device off any more, those that did are healed. One on a server does so as long as the device
 * goes there.
 */
export function healCuts({ open, heal: healOfCuts, sessions }: DeviceCases, atMs: number): void {
  const isCut = open.some(({ effect, fault: { on, host } }) => {
    return effect === 'cuts' && (on === 'device' || host === sessions.server);
  });
  if (!isCut) healOfCuts.atMs ??= atMs;
}

/** Returns undefined if the fault is not healed. */
function healedAtMs({ fault: { toMs }, heal: { atMs } }: Case): number | undefined {
  return toMs !== undefined && atMs !== undefined ? Math.max(atMs, toMs) : undefined;
}

/** The firmware is gone, and will not notice any more what it has not noticed yet. */
export function stopNoticing({ waiting }: DeviceCases, firmware: FirmwareState): void {
  for (let i = waiting.length - 2, one = waiting[i]; one !== undefined; one = waiting[--i]) {
    if (one.firmware === firmware) return;
    if (one.deviceNoticed === undefined) one.firmware = worse(one.firmware, firmware);
  }
}

export function worse(one: FirmwareState, other: FirmwareState): FirmwareState {
  return FIRMWARE_STATES.indexOf(one) < FIRMWARE_STATES.indexOf(other) ? other : one;
}

/** Returns the state that faults give the program on their host. */
export function stateUnder(faults: readonly FaultSpan[]): FirmwareState {
  return faults.reduce<FirmwareState>((state, { kind }) => worse(state, FAULTS[kind].firmware), 'running');
}

/**
 * The firmware runs again, without a boot: from now on it can notice those that are not healed, but for its own hang.
 */
export function goOn({ waiting, hungSinceMs }: DeviceCases): void {
  for (let i = waiting.length - 1, one = waiting[i]; one !== undefined; one = waiting[--i]) {
    if (one.fault.fromMs < hungSinceMs) return;
    const isByOther = one.fault.on === 'server' || FAULTS[one.fault.kind].firmware === 'running';
    if (healedAtMs(one) === undefined && one.firmware === 'hung' && isByOther) one.firmware = 'running';
  }
}

/** The device was served over a session; what this answers was sent then, undefined: that it was served is assumed. */
export function back(device: DeviceCases, session: Session, atMs: number, sentMs: number | undefined): void {
  for (const one of device.waiting) {
    if (healedAtMs(one) === undefined || (one.fault.isMomentary && !isAfter(one, session, sentMs))) continue;
    one.backAtMs = atMs;
    one.survived = one.session === session;
  }
  // The heal of those that are back stays what it was; who still waits for one shares it on.
  const isTaken = device.waiting.some(({ heal, backAtMs }) => heal === device.heal && backAtMs !== undefined);
  if (isTaken) device.heal = { atMs: undefined };
  device.waiting = device.waiting.filter(({ backAtMs }) => backAtMs === undefined);
}

/** Returns whether a sign of service over a session shows that the device is served after a momentary fault. */
function isAfter({ fault, session, beatsSent }: Case, over: Session, sentMs: number | undefined): boolean {
  // If the server does not answer, a beat over another session was sent later.
  if (sentMs === undefined && session !== over) return true;
  return isSince(over, sentMs, { atMs: fault.fromMs, beatsSent });
}

/** `hasLog`: the run looks for what the server's program says. */
export function verdictOf(one: Case, endMs: number, hasLog: boolean): Verdict {
  const { effect, device, session, hadService, firmware, server, survived, backAtMs } = one;
  const { kind, tier, text, on, fromMs: atMs, forMs, toMs } = one.fault;
  const healedMs = healedAtMs(one);
  const ghostsUntilMs = (survived ? healedMs : undefined) ?? Infinity;
  return {
    fault: kind, effect, tier, text, on, device, atMs, forMs,
    isOver: toMs !== undefined,
    healedAfterMs: healedMs === undefined ? undefined : healedMs - atMs,
    wasConnected: session !== undefined,
    hadService, firmware, server, deviceNoticed: one.deviceNoticed, serverNoticed: one.serverNoticed,
    log: hasLog ? { noticed: one.logNoticed } : undefined,
    survived,
    // Ghosts after the fault; and, if the session survived the fault, only those before the heal.
    ghostMs: effect === 'cuts' && session !== undefined ? ghostMsWithin(session, atMs, ghostsUntilMs, endMs) : 0,
    backAfterMs: !hadService || backAtMs === undefined || healedMs === undefined ? undefined : backAtMs - healedMs,
  };
}
