/** What verdicts are made of while they are not final: a case for each fault and each device that it touches, and what is known of devices and their connections. */

import { type FaultKind, FAULTS } from '../faults/kinds/index.ts';
import { FIRMWARE_STATES, type FirmwareState, type Side, type Tier } from '../faults/kind.ts';
import type { Noticed, Verdict } from './verdict.ts';

/** What is known of a connection while the device or a case has to do with it. */
export interface Connection {
  /** The device's end, as either side knows it. */
  readonly end: string;
  readonly device: DeviceState;
  /** That has it on line; undefined: not yet, or it is not ours to ask. */
  server: string | undefined;
  /** When the server's end of it was gone. */
  goneAtMs: number | undefined;
  /** Somebody has given it up though it was alive: what follows is no second alarm. */
  isGivenUp: boolean;
  readonly cases: Case[];
}

/** What a verdict is made of while it is not final. */
export interface Case {
  /** Of its fault in the trace; 0: a box has forgotten the connection. */
  readonly id: number;
  readonly fault: FaultKind;
  readonly effect: Verdict['effect'];
  readonly tier: Tier;
  readonly text: string;
  readonly on: Side;
  /** That it is on. */
  readonly host: string;
  readonly device: string;
  readonly atMs: number;
  readonly forMs: number | undefined;
  readonly connection: Connection | undefined;
  readonly hadService: boolean;
  /** Over at once. */
  readonly isMomentary: boolean;
  firmware: FirmwareState;
  server: FirmwareState;
  /** When its own time was over, whatever else the device is under. */
  overAtMs: number | undefined;
  readonly heal: Heal;
  deviceNoticed: Noticed | undefined;
  serverNoticed: Noticed | undefined;
  backAtMs: number | undefined;
  survived: boolean;
}

/** When nothing cut the device off any more; of all cuts whose service is not back, as each new one takes the heal from those before. */
export interface Heal {
  atMs: number | undefined;
}

export interface DeviceState {
  readonly name: string;
  /** Nobody answers it: that it is served is assumed, unless a server tells of its beats. */
  isAssumed: boolean;
  connection: Connection | undefined;
  /** Those that it has left, and the server has not. */
  left: readonly Connection[];
  hasBeenConnected: boolean;
  /** That it was connected to last. */
  server: string | undefined;
  /** Those whose service is not back, the earliest first: there is no end of them where one fault lasts for good, and others come and go. */
  cases: Case[];
  /** Of them, those that are not over. */
  open: Case[];
  /** Of its cuts. */
  heal: Heal;
  /** When the first of the hangs came that it is under, or was last. */
  hungSinceMs: number;
  latestCut: Case | undefined;
}

/** The faults by which a connection may be given up: those that it has not survived; and where some of them cut, they alone. */
export function toBlame({ cases }: Connection): readonly Case[] {
  const touched = cases.filter(({ survived }) => !survived);
  const cuts = touched.filter(({ effect }) => effect === 'cuts');
  return cuts.length > 0 ? cuts : touched;
}

/** Faults of the device are over: gives them. */
export function endCases(device: DeviceState, atMs: number, isEnded: (one: Case) => boolean): readonly Case[] {
  const ended = device.open.filter(isEnded);
  if (ended.length === 0) return ended;
  device.open = device.open.filter((one) => !ended.includes(one));
  for (const one of ended) {
    one.overAtMs = atMs;
    // What only harms is healed by itself.
    if (one.effect === 'harms') one.heal.atMs = atMs;
  }
  heal(device, atMs);
  return ended;
}

/** If no fault cuts the device off any more, those that did are healed. One on a server does so as long as the device goes there. */
export function heal(device: DeviceState, atMs: number): void {
  if (device.open.some(({ effect, on, host }) => effect === 'cuts' && (on === 'device' || host === device.server))) return;
  device.heal.atMs ??= atMs;
}

/** Undefined: it is not. */
function healedAtMs({ overAtMs, heal: { atMs } }: Case): number | undefined {
  return overAtMs !== undefined && atMs !== undefined ? Math.max(atMs, overAtMs) : undefined;
}

/** The firmware is gone, and will not notice any more what it has not noticed yet. */
export function stopNoticing({ cases }: DeviceState, firmware: FirmwareState): void {
  for (let i = cases.length - 2, one = cases[i]; one !== undefined && one.firmware !== firmware; one = cases[--i]) {
    if (one.deviceNoticed === undefined) one.firmware = worse(one.firmware, firmware);
  }
}

export function worse(one: FirmwareState, other: FirmwareState): FirmwareState {
  return FIRMWARE_STATES.indexOf(one) < FIRMWARE_STATES.indexOf(other) ? other : one;
}

/** What the faults that are not over make of the device's firmware. */
export function firmwareOf({ open }: DeviceState): FirmwareState {
  return open.reduce<FirmwareState>((state, one) => (one.on === 'server' ? state : worse(state, FAULTS[one.fault].firmware)), 'running');
}

/** The firmware runs again, without a boot: from now on it can notice those that are not healed, but for its own hang. */
export function goOn({ cases, hungSinceMs }: DeviceState): void {
  for (let i = cases.length - 1, one = cases[i]; one !== undefined && one.atMs >= hungSinceMs; one = cases[--i]) {
    const isByOther = one.on === 'server' || FAULTS[one.fault].firmware === 'running';
    if (healedAtMs(one) === undefined && one.firmware === 'hung' && isByOther) one.firmware = 'running';
  }
}

/** `afterMs` after what this is the answer to. */
export function served(device: DeviceState, atMs: number, afterMs: number): void {
  const { connection } = device;
  // A beat into a connection that the server has left is no service, though the device cannot know.
  if (connection === undefined || connection.goneAtMs !== undefined || device.cases.length === 0) return;
  for (const one of device.cases) {
    if (healedAtMs(one) === undefined || (one.isMomentary && atMs - afterMs < one.atMs)) continue;
    // Where nobody answers, what is sent into a connection that is dead since then looks no different.
    if (one.isMomentary && one.connection === connection && device.isAssumed) continue;
    one.backAtMs = atMs;
    one.survived = one.connection === connection;
  }
  // The heal of those that are back stays what it was; who still waits for one shares it on.
  if (device.cases.some(({ heal, backAtMs }) => heal === device.heal && backAtMs !== undefined)) device.heal = { atMs: undefined };
  device.cases = device.cases.filter(({ backAtMs }) => backAtMs === undefined);
}

export function verdictOf(one: Case, endMs: number, hearsServer: boolean): Verdict {
  const { fault, effect, tier, text, on, device, atMs, forMs, overAtMs, hadService, firmware, server, deviceNoticed, serverNoticed, survived, backAtMs } = one;
  const healedMs = healedAtMs(one);
  return {
    fault, effect, tier, text, on, device, atMs, forMs,
    isOver: overAtMs !== undefined,
    healedAfterMs: healedMs === undefined ? undefined : healedMs - atMs,
    wasConnected: one.connection !== undefined,
    hadService, firmware, server, deviceNoticed, serverNoticed, survived,
    ghostMs: ghostUntilMs(one, endMs, hearsServer) - atMs,
    backAfterMs: !hadService || backAtMs === undefined || healedMs === undefined ? undefined : backAtMs - healedMs,
  };
}

/** Until when the server believed; when the case came where it did not. A server that tells of itself believes in whom it took on line. */
export function ghostUntilMs(one: Case, endMs: number, hearsServer: boolean): number {
  const { connection, effect, on, fault, survived, atMs } = one;
  const believes = effect === 'cuts' && !(on === 'server' && FAULTS[fault].firmware !== 'running');
  // The end of a handshake may be lost: then the device has a connection, and the server none.
  if (!believes || connection === undefined || (hearsServer && connection.server === undefined)) return atMs;
  return (survived ? healedAtMs(one) : connection.goneAtMs) ?? endMs;
}
