/** What verdicts are made of while they are not final: a case for each fault and each device that it touches. */

import type { FaultSpan } from '../sessions/fault-span.ts';
import { type DeviceSessions, ghostMsWithin, isSince, type Session } from '../sessions/session.ts';
import { FIRMWARE_STATES, type FirmwareState } from '../faults/kind.ts';
import { FAULTS } from '../faults/kinds/index.ts';
import type { Noticed, Verdict } from './verdict.ts';

export interface Case {
  /** Its `effect` is not `latent`. */
  readonly fault: FaultSpan;
  readonly effect: Verdict['effect'];
  readonly device: string;
  /** The connection in question. */
  readonly session: Session | undefined;
  /** How many beats the device had sent over it when the fault came. */
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
 * When nothing cut the device off any more; of all cuts whose service is not back, as each new one takes the heal from
 * those before.
 */
export interface Heal {
  atMs: number | undefined;
}

/** The cases of a device. */
export interface DeviceCases {
  readonly sessions: DeviceSessions;
  /**
   * Those whose service is not back, the earliest first: there is no end of them where one fault lasts for good, and
   * others come and go.
   */
  waiting: Case[];
  /** Of them, those whose faults are not over. */
  open: Case[];
  /** Of its cuts. */
  heal: Heal;
  /** When the first of the hangs came that it is under, or was last. */
  hungSinceMs: number;
  latestCut: Case | undefined;
}

/**
 * Those by which a session may be given up: those that it has not survived; and where some of them cut, they alone.
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
  // What only harms is healed by itself.
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

/** Undefined: it is not. */
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

/** What faults make of the program on their host. */
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

/** Whether a sign of service over a session shows that the device is served after a fault that was over at once. */
function isAfter({ fault, session, beatsSent }: Case, over: Session, sentMs: number | undefined): boolean {
  // Where nobody answers, what comes over another session was sent later.
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
    // What came after the fault; and where the session survived that, before the heal.
    ghostMs: effect === 'cuts' && session !== undefined ? ghostMsWithin(session, atMs, ghostsUntilMs, endMs) : 0,
    backAfterMs: !hadService || backAtMs === undefined || healedMs === undefined ? undefined : backAtMs - healedMs,
  };
}
