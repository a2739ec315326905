/**
 * Verdicts: for each fault, who noticed, after how long, and by what. They follow from the trace alone.
 *
 * - The connection in question is the one that the device had when the fault came. A device that had none, or one that
 *   the server had given up before, has a verdict without it.
 * - A reset finds no connection on a device without power: it has no effect.
 * - The device noticed when its firmware reported that connection lost; or, after a hang, when its watchdog reset it. A
 *   firmware that is off, dead or hung cannot notice. It is so by the fault itself; or by another that was there when the
 *   fault came, or came at the same instant, unless the firmware went on with that connection before the heal.
 * - The server noticed when it took that connection off line, or, where it is not ours to ask, when its end of it was
 *   gone. A server of ours that is stopped has noticed nothing; one that is not ours and dies cannot be told from one that
 *   closes, so that its death counts as noticing, `by closed` or `by ECONNRESET`.
 * - The fault was healed when its time was over and so was that of all others on the device. A reset is over at once;
 *   whatever stopped the firmware is over, too, when the device boots.
 * - Service is back at the first sign of service from the device after that. What was not there cannot come back: a device
 *   that had never been connected when the fault came is not asked.
 * - The connection survived if that sign came over it: then nobody had to notice.
 * - Ghost time is how long the server held a connection on line whose device could not be reached: until its end was gone,
 *   or until the heal of one that survived, or until the end.
 */

import type { SocketAddress } from '../../hal/network.ts';
import type { FaultKind } from '../faults/fault.ts';
import { FAULTS, type FirmwareState, type Tier } from '../faults/kinds.ts';
import type { TraceEvent } from './trace.ts';

export interface Noticed {
  readonly afterMs: number;
  /** An errno, a FIN (`closed`), missed beats, ... */
  readonly by: string;
}

export interface Verdict {
  readonly fault: FaultKind;
  /** How true to life the fault was; what is not put to the test at that tier must not be read from this. */
  readonly tier: Tier;
  /** The line of the plan. */
  readonly text: string;
  readonly device: string;
  readonly atMs: number;
  /** How long it was to last; undefined: for good. */
  readonly forMs: number | undefined;
  /** Whether its own time was over at the end, whatever else the device was under; never true where it was for good and nothing ended it. */
  readonly isOver: boolean;
  /** Undefined: not yet, or never. */
  readonly healedAfterMs: number | undefined;
  /** Whether the device had a connection when the fault came. */
  readonly wasConnected: boolean;
  /** Whether the device had ever been connected by then. */
  readonly hadService: boolean;
  /** What the firmware was while the fault lasted, by this fault or by another; one that was not `running` could not notice. */
  readonly firmware: FirmwareState;
  /** Undefined: it did not, or could not. */
  readonly deviceNoticed: Noticed | undefined;
  readonly serverNoticed: Noticed | undefined;
  readonly survived: boolean;
  readonly ghostMs: number;
  /** After the heal; undefined: not yet, or there was none, or no service before. */
  readonly backAfterMs: number | undefined;
}

/** What shows that the device is served: an answer; a text given back; or, where nobody answers, a beat. */
export type ServiceSign = 'beat-answered' | 'data-sent' | 'beat-sent';

/** What is known of a connection while the device or a case has to do with it. */
interface Connection {
  /** The device's end, as either side knows it. */
  readonly end: string;
  readonly device: string;
  /** When the server's end of it was gone. */
  goneAtMs: number | undefined;
  readonly cases: Case[];
}

/** What a verdict is made of while it is not final. */
interface Case {
  readonly fault: FaultKind;
  readonly tier: Tier;
  readonly text: string;
  readonly device: string;
  readonly atMs: number;
  readonly forMs: number | undefined;
  readonly connection: Connection | undefined;
  readonly hadService: boolean;
  firmware: FirmwareState;
  /** Its own time is over, whatever else the device is under. */
  isOver: boolean;
  healedAtMs: number | undefined;
  deviceNoticed: Noticed | undefined;
  serverNoticed: Noticed | undefined;
  backAtMs: number | undefined;
  survived: boolean;
}

interface DeviceState {
  connection: Connection | undefined;
  hasBeenConnected: boolean;
  /** Those whose service is not back. */
  cases: Case[];
}

/** Reads a trace, event by event, and keeps only what verdicts need of it. */
export class Judge {
  readonly #sign: ServiceSign;
  readonly #devices = new Map<string, DeviceState>();
  readonly #cases: Case[] = [];
  /** By the device's end; two devices may have the same port, each to a server of its own. */
  readonly #connections = new Map<string, Connection[]>();
  readonly #losses = new Map<string, number>();

  constructor(sign: ServiceSign) {
    this.#sign = sign;
  }

  /** Connections that devices lost though no fault had touched them, by reason. */
  get unexplainedLosses(): ReadonlyMap<string, number> {
    return this.#losses;
  }

  add(event: TraceEvent): void {
    switch (event.source) {
      case 'fault':
        this.#addFault(event);
        break;
      case 'device':
        this.#addDeviceEvent(event);
        break;
      case 'bench':
        for (const connection of this.#at(event.local)) if (connection.device === event.device) gone(connection, event.atMs, event.by);
        break;
      case 'server':
        if (event.kind !== 'offline') break;
        for (const connection of this.#at(event.peer)) gone(connection, event.atMs, offlineBy(event.reason));
        break;
    }
  }

  /** As things stand at `endMs`. */
  verdicts(endMs: number): Verdict[] {
    return this.#cases.map((one) => ({
      fault: one.fault,
      tier: one.tier,
      text: one.text,
      device: one.device,
      atMs: one.atMs,
      forMs: one.forMs,
      isOver: one.isOver,
      healedAfterMs: one.healedAtMs === undefined ? undefined : one.healedAtMs - one.atMs,
      wasConnected: one.connection !== undefined,
      hadService: one.hadService,
      firmware: one.firmware,
      deviceNoticed: one.deviceNoticed,
      serverNoticed: one.serverNoticed,
      survived: one.survived,
      ghostMs: ghostMs(one, endMs),
      backAfterMs: !one.hadService || one.backAtMs === undefined || one.healedAtMs === undefined ? undefined : one.backAtMs - one.healedAtMs,
    }));
  }

  #addFault(event: Extract<TraceEvent, { source: 'fault' }>): void {
    const device = this.#device(event.device);
    if (event.kind === 'healed') {
      for (const one of device.cases) if (one.text === event.text) one.isOver = true;
    } else {
      const { connection } = device;
      const isThere = connection?.goneAtMs === undefined && !(event.fault === 'reset' && firmwareOf(device) === 'off');
      const one: Case = {
        fault: event.fault,
        tier: event.tier,
        text: event.text,
        device: event.device,
        atMs: event.atMs,
        forMs: event.forMs,
        connection: isThere ? connection : undefined,
        hadService: device.hasBeenConnected,
        firmware: FAULTS[event.fault].firmware,
        isOver: FAULTS[event.fault].heal === undefined,
        healedAtMs: undefined,
        deviceNoticed: undefined,
        serverNoticed: undefined,
        backAtMs: undefined,
        survived: false,
      };
      one.connection?.cases.push(one);
      device.cases.push(one);
      this.#cases.push(one);
      const firmware = firmwareOf(device);
      for (const other of device.cases) if (other.atMs === event.atMs) other.firmware = worse(other.firmware, firmware);
    }
    heal(device, event.atMs);
    if (event.kind === 'healed' && firmwareOf(device) === 'running') goOn(device);
  }

  #addDeviceEvent(event: Extract<TraceEvent, { source: 'device' }>): void {
    const device = this.#device(event.device);
    switch (event.kind) {
      case 'boot':
        this.#leave(device);
        for (const one of device.cases) {
          const { firmware } = FAULTS[one.fault];
          if (one.isOver || firmware === 'running') continue;
          one.isOver = true;
          if (firmware === 'hung' && event.resetReason === 'watchdog') one.deviceNoticed ??= { afterMs: event.atMs - one.atMs, by: 'watchdog' };
        }
        heal(device, event.atMs);
        break;
      case 'connected':
        this.#leave(device);
        device.hasBeenConnected = true;
        device.connection = this.#open(event.device, keyOf(event.local) ?? `${event.device} at ${event.atMs}`);
        break;
      case 'lost':
        this.#deviceLost(device, event.atMs, event.by);
        break;
      default:
        if (event.kind === this.#sign) served(device, event.atMs);
    }
  }

  #deviceLost(device: DeviceState, atMs: number, by: string): void {
    const touched = device.connection?.cases.filter(({ survived }) => !survived) ?? [];
    for (const one of touched) one.deviceNoticed ??= { afterMs: atMs - one.atMs, by };
    if (touched.length === 0) this.#losses.set(by, (this.#losses.get(by) ?? 0) + 1);
    this.#leave(device);
  }

  #open(device: string, end: string): Connection {
    const connection: Connection = { end, device, goneAtMs: undefined, cases: [] };
    const others = this.#connections.get(end)?.filter((other) => other.device !== device) ?? [];
    this.#connections.set(end, [...others, connection]);
    return connection;
  }

  /** The device has its connection no more. What becomes of it is of interest only to cases. */
  #leave(device: DeviceState): void {
    const { connection } = device;
    device.connection = undefined;
    if (connection === undefined || (connection.cases.length > 0 && connection.goneAtMs === undefined)) return;
    const others = this.#connections.get(connection.end)?.filter((other) => other !== connection) ?? [];
    if (others.length > 0) this.#connections.set(connection.end, others);
    else this.#connections.delete(connection.end);
  }

  #at(end: SocketAddress | undefined): readonly Connection[] {
    const key = keyOf(end);
    return (key === undefined ? undefined : this.#connections.get(key)) ?? [];
  }

  #device(name: string): DeviceState {
    let device = this.#devices.get(name);
    if (device === undefined) this.#devices.set(name, (device = { connection: undefined, hasBeenConnected: false, cases: [] }));
    return device;
  }
}

/** The server's end is gone. `by` undefined: without its noticing anything. */
function gone(connection: Connection, atMs: number, by: string | undefined): void {
  if (connection.goneAtMs !== undefined) return;
  connection.goneAtMs = atMs;
  if (by === undefined) return;
  for (const one of connection.cases) if (!one.survived) one.serverNoticed = { afterMs: atMs - one.atMs, by };
}

/** If the device is under no fault any more, those it was under are healed. */
function heal({ cases }: DeviceState, atMs: number): void {
  if (cases.some(({ isOver }) => !isOver)) return;
  for (const one of cases) one.healedAtMs ??= atMs;
}

/** From the one that can notice to the one that can least. */
const STATES: readonly FirmwareState[] = ['running', 'hung', 'dead', 'off'];

function worse(one: FirmwareState, other: FirmwareState): FirmwareState {
  return STATES.indexOf(one) < STATES.indexOf(other) ? other : one;
}

/** What the faults that are not over make of the device's firmware. */
function firmwareOf({ cases }: DeviceState): FirmwareState {
  return cases.reduce<FirmwareState>((state, one) => (one.isOver ? state : worse(state, FAULTS[one.fault].firmware)), 'running');
}

/** The firmware runs again, without a boot: from now on it can notice those that are not healed, but for its own hang. */
function goOn({ cases }: DeviceState): void {
  for (const one of cases) {
    if (one.healedAtMs === undefined && one.firmware === 'hung' && FAULTS[one.fault].firmware === 'running') one.firmware = 'running';
  }
}

function served(device: DeviceState, atMs: number): void {
  const { connection } = device;
  // A beat into a connection that the server has left is no service, though the device cannot know.
  if (connection === undefined || connection.goneAtMs !== undefined || device.cases.length === 0) return;
  for (const one of device.cases) {
    if (one.healedAtMs === undefined) continue;
    one.backAtMs = atMs;
    one.survived = one.connection === connection;
  }
  device.cases = device.cases.filter(({ backAtMs }) => backAtMs === undefined);
}

function offlineBy(reason: Extract<TraceEvent, { kind: 'offline' }>['reason']): string | undefined {
  switch (reason.kind) {
    case 'error': return reason.errno;
    case 'stopped': return undefined;
    default: return reason.kind;
  }
}

/** A connection, by its device's end. An IPv4 address may come dressed as IPv6 (RFC 4291, 2.5.5.2). */
function keyOf(end: SocketAddress | undefined): string | undefined {
  return end === undefined ? undefined : `${end.address.replace(/^::ffff:(?=[\d.]+$)/i, '')} ${end.port}`;
}

function ghostMs({ connection, survived, healedAtMs, atMs }: Case, endMs: number): number {
  if (connection === undefined) return 0;
  const untilMs = survived ? healedAtMs : connection.goneAtMs;
  return (untilMs ?? endMs) - atMs;
}
