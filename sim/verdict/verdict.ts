/**
 * Verdicts: for each fault, who noticed, after how long, and by what. They follow from the trace alone.
 *
 * - The connection in question is the one that the device had when the fault came. A device that had none has a verdict
 *   without it.
 * - The device noticed when its firmware reported that connection lost; or, after a hang, when its watchdog reset it. A
 *   firmware that is off, dead or hung cannot notice.
 * - The server noticed when it took that connection off line, or, where it is not ours to ask, when it hung up.
 * - Service is back at the first sign of service from the device after the fault was healed (a reset is healed at once).
 * - The connection survived if that sign came over it: then nobody had to notice.
 * - Ghost time is how long the server held a connection on line whose device could not be reached: until it noticed,
 *   or until the heal of one that survived, or until the end.
 */

import type { SocketAddress } from '../../hal/network.ts';
import type { FaultKind } from '../faults/fault.ts';
import type { TraceEvent } from './trace.ts';

export interface Noticed {
  readonly afterMs: number;
  /** An errno, a FIN (`closed`), missed beats, ... */
  readonly by: string;
}

export interface Verdict {
  readonly fault: FaultKind;
  /** The line of the plan. */
  readonly text: string;
  readonly device: string;
  readonly atMs: number;
  readonly healedAfterMs: number | undefined;
  /** Whether the device had a connection when the fault came. */
  readonly wasConnected: boolean;
  /** Undefined: it did not, or could not. */
  readonly deviceNoticed: Noticed | undefined;
  readonly serverNoticed: Noticed | undefined;
  readonly survived: boolean;
  readonly ghostMs: number;
  /** After the heal; undefined: not yet, or there was none. */
  readonly backAfterMs: number | undefined;
}

/** What shows that the device is served: an answer; a text given back; or, where nobody answers, a beat. */
export type ServiceSign = 'beat-answered' | 'data-sent' | 'beat-sent';

/** What a verdict is made of while it is not final. */
interface Case {
  readonly fault: FaultKind;
  readonly text: string;
  readonly device: string;
  readonly atMs: number;
  readonly connection: string | undefined;
  healedAtMs: number | undefined;
  deviceNoticed: Noticed | undefined;
  serverNoticed: Noticed | undefined;
  backAtMs: number | undefined;
  survived: boolean;
}

interface DeviceState {
  connection: string | undefined;
  readonly cases: Case[];
}

/** Reads a trace, event by event, and keeps only what verdicts need of it. */
export class Judge {
  readonly #sign: ServiceSign;
  readonly #devices = new Map<string, DeviceState>();
  readonly #cases: Case[] = [];
  /** Connections, by the device's end, that the server has given up. */
  readonly #givenUp = new Set<string>();
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
        this.#serverNoticed(keyOf(event.local), event.atMs, event.by);
        break;
      case 'server':
        if (event.kind === 'offline') this.#serverNoticed(keyOf(event.peer), event.atMs, event.reason.kind === 'error' ? event.reason.errno : event.reason.kind);
        break;
    }
  }

  /** As things stand at `endMs`. */
  verdicts(endMs: number): Verdict[] {
    return this.#cases.map((one) => ({
      fault: one.fault,
      text: one.text,
      device: one.device,
      atMs: one.atMs,
      healedAfterMs: one.healedAtMs === undefined ? undefined : one.healedAtMs - one.atMs,
      wasConnected: one.connection !== undefined,
      deviceNoticed: one.deviceNoticed,
      serverNoticed: one.serverNoticed,
      survived: one.survived,
      ghostMs: ghostMs(one, endMs),
      backAfterMs: one.backAtMs === undefined || one.healedAtMs === undefined ? undefined : one.backAtMs - one.healedAtMs,
    }));
  }

  #addFault(event: Extract<TraceEvent, { source: 'fault' }>): void {
    const device = this.#device(event.device);
    if (event.kind === 'healed') {
      for (const one of device.cases) if (one.text === event.text) one.healedAtMs ??= event.atMs;
      return;
    }
    const one: Case = {
      fault: event.fault,
      text: event.text,
      device: event.device,
      atMs: event.atMs,
      connection: device.connection,
      healedAtMs: event.fault === 'reset' ? event.atMs : undefined,
      deviceNoticed: undefined,
      serverNoticed: undefined,
      backAtMs: undefined,
      survived: false,
    };
    device.cases.push(one);
    this.#cases.push(one);
  }

  #addDeviceEvent(event: Extract<TraceEvent, { source: 'device' }>): void {
    const device = this.#device(event.device);
    switch (event.kind) {
      case 'boot':
        device.connection = undefined;
        for (const one of device.cases) if (one.fault === 'hang' && one.healedAtMs === undefined) {
          one.healedAtMs = event.atMs;
          one.deviceNoticed ??= { afterMs: event.atMs - one.atMs, by: event.resetReason };
        }
        break;
      case 'connected':
        device.connection = keyOf(event.local) ?? `${event.device} at ${event.atMs}`;
        this.#givenUp.delete(device.connection);
        break;
      case 'lost':
        this.#deviceLost(device, event.atMs, event.by);
        break;
      default:
        if (event.kind === this.#sign) this.#served(device, event.atMs);
    }
  }

  #deviceLost(device: DeviceState, atMs: number, by: string): void {
    const touched = device.cases.filter((one) => one.connection === device.connection && !one.survived);
    for (const one of touched) one.deviceNoticed ??= { afterMs: atMs - one.atMs, by };
    if (touched.length === 0) this.#losses.set(by, (this.#losses.get(by) ?? 0) + 1);
    device.connection = undefined;
  }

  #serverNoticed(connection: string | undefined, atMs: number, by: string): void {
    if (connection === undefined) return;
    this.#givenUp.add(connection);
    for (const one of this.#cases) {
      if (one.connection === connection && !one.survived) one.serverNoticed ??= { afterMs: atMs - one.atMs, by };
    }
  }

  #served(device: DeviceState, atMs: number): void {
    const { connection } = device;
    // A beat into a connection that the server has left is no service, though the device cannot know.
    if (connection === undefined || this.#givenUp.has(connection)) return;
    for (const one of device.cases) {
      if (one.healedAtMs === undefined || one.backAtMs !== undefined) continue;
      one.backAtMs = atMs;
      one.survived = one.connection === connection;
    }
  }

  #device(name: string): DeviceState {
    let device = this.#devices.get(name);
    if (device === undefined) this.#devices.set(name, (device = { connection: undefined, cases: [] }));
    return device;
  }
}

/** A connection, by its device's end. An IPv4 address may come dressed as IPv6 (RFC 4291, 2.5.5.2). */
function keyOf(end: SocketAddress | undefined): string | undefined {
  return end === undefined ? undefined : `${end.address.replace(/^::ffff:/i, '')} ${end.port}`;
}

function ghostMs(one: Case, endMs: number): number {
  if (one.connection === undefined) return 0;
  if (one.serverNoticed !== undefined) return one.serverNoticed.afterMs;
  return (one.survived && one.healedAtMs !== undefined ? one.healedAtMs : endMs) - one.atMs;
}
