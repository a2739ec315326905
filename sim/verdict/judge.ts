/** Reads a trace, event by event, and keeps only what verdicts need of it. What the words mean stands in verdict.ts. */

import type { SocketAddress } from '../../hal/network.ts';
import { formatFault } from '../faults/fault.ts';
import type { FirmwareState, NetworkKind } from '../faults/kind.ts';
import { FAULTS } from '../faults/kinds/index.ts';
import type { OfflineReason } from '../server/events.ts';
import {
  type Case, type Connection, type DeviceState, endCases, firmwareOf, ghostUntilMs, goOn, heal, served, stopNoticing, toBlame, verdictOf, worse,
} from './case.ts';
import { Ends } from './ends.ts';
import type { FaultEvent, TraceEvent } from './trace.ts';
import { type FalseAlarm, type Findings, GIVING_UP, type Verdict } from './verdict.ts';

/** For most devices: they share it. */
const NONE: readonly Connection[] = [];

export class Judge {
  /** By which ends are known. */
  readonly ends = new Ends();
  readonly #devices = new Map<string, DeviceState>();
  readonly #cases: Case[] = [];
  /** By the device's end; two devices may have the same port, each to a server of its own. */
  readonly #connections = new Map<string, readonly Connection[]>();
  /** The servers whose connections these ends are, of which no device has told yet. */
  readonly #unclaimed = new Map<string, string>();
  /** Faults that are not over, of servers: what they make of their programs. */
  readonly #serverFaults = new Map<string, Map<number, FirmwareState>>();
  /** Latent faults, by host. */
  readonly #latent = new Map<string, FaultEvent>();
  /** The lines of all that ever did. */
  readonly #everLatent = new Set<string>();
  readonly #losses = new Map<string, number>();
  readonly #falseAlarms: FalseAlarm[] = [];
  #overlappingSessions = 0;
  /** A server of ours tells of itself. */
  #hearsServer = false;
  /** And of each beat. */
  #hearsBeats = false;
  #network: NetworkKind = 'simulated';
  #bytes: number | undefined = undefined;
  #lastMs = 0;

  add(event: TraceEvent): void {
    this.#lastMs = event.atMs;
    switch (event.source) {
      case 'run':
        if (event.kind === 'start') this.#network = event.network;
        else this.#bytes = event.bytes;
        break;
      case 'fault':
        this.#addFault(event);
        break;
      case 'device':
        this.#addDeviceEvent(event);
        break;
      case 'bench':
        for (const connection of this.#at(event.local)) {
          if (connection.device.name === event.device) this.#gone(connection, event.atMs, event.by);
        }
        break;
      case 'link':
        this.#addLinkEvent(event);
        break;
      case 'server':
        this.#addServerEvent(event);
        break;
    }
  }

  /** As things stand at `endMs`, by default at the last event. */
  findings(endMs = this.#lastMs): Findings {
    return {
      endMs,
      verdicts: this.verdicts(endMs),
      spared: this.#spared(),
      devices: this.#devices.size,
      falseAlarms: this.#falseAlarms,
      overlappingSessions: this.#overlappingSessions,
      unexplainedLosses: this.#losses,
      ghostMs: this.#ghostMs(endMs),
      traffic: this.#bytes === undefined ? undefined : { bytes: this.#bytes, counted: this.#network === 'real' ? 'payload' : 'packets' },
    };
  }

  verdicts(endMs = this.#lastMs): Verdict[] {
    return this.#cases.map((one) => verdictOf(one, endMs, this.#hearsServer));
  }

  /** The last fault that has cut the device: its verdict, as things stand whenever it is asked for. Undefined: none has. */
  latestCut(device: string): ((nowMs: number) => Verdict) | undefined {
    const one = this.#devices.get(device)?.latestCut;
    return one && ((nowMs) => verdictOf(one, nowMs, this.#hearsServer));
  }

  #spared(): string[] {
    const texts = new Set(this.#everLatent);
    for (const { text } of this.#cases) texts.delete(text);
    return [...texts];
  }

  #ghostMs(endMs: number): number {
    // In the order in which they came, so that each goes on where those before it have come to.
    const untilMs = new Map<Connection, number>();
    let sum = 0;
    for (const one of this.#cases) {
      if (one.connection === undefined) continue;
      const end = ghostUntilMs(one, endMs, this.#hearsServer);
      const begin = Math.max(one.atMs, untilMs.get(one.connection) ?? 0);
      if (end <= begin) continue;
      sum += end - begin;
      untilMs.set(one.connection, end);
    }
    return sum;
  }

  // ---- faults ----

  #addFault(event: Extract<TraceEvent, { source: 'fault' }>): void {
    if (event.kind === 'healed') return this.#heal(event);
    const { lasts, effect, firmware } = FAULTS[event.fault];
    const what = effect(event.argument);
    if (what === 'latent') {
      this.#latent.set(event.host, event);
      this.#everLatent.add(event.text);
      return;
    }
    const told = { ...event, effect: what, isMomentary: !lasts(event.argument) };
    if (event.on === 'device') {
      const device = this.#device(event.host);
      // On a device without power there is nothing to reset, to hang, or to crash.
      const isVoid = firmwareOf(device) === 'off' && (event.fault === 'reset' || firmware === 'hung' || firmware === 'dead');
      const isThere = device.connection?.goneAtMs === undefined && !isVoid;
      this.#open(device, isThere ? device.connection : undefined, told, firmware);
      return;
    }
    if (!told.isMomentary) this.#faultsOf(event.host).set(event.id, firmware);
    for (const device of this.#devices.values()) {
      if (device.server !== event.host) continue;
      const { connection } = device;
      this.#open(device, connection?.goneAtMs === undefined && connection?.server === event.host ? connection : undefined, told, 'running');
    }
    if (firmware === 'off' || firmware === 'dead') this.#serverStopped(event.host, event.atMs, firmware);
  }

  #open(
    device: DeviceState, connection: Connection | undefined,
    told: Pick<Case, 'id' | 'fault' | 'effect' | 'tier' | 'text' | 'on' | 'host' | 'atMs' | 'isMomentary'> & { readonly forMs?: number }, firmware: FirmwareState,
  ): void {
    const { id, fault, effect, tier, text, on, host, atMs, forMs, isMomentary } = told;
    const one: Case = {
      id, fault, effect, tier, text, on, host, device: device.name, atMs, forMs, connection, isMomentary,
      hadService: device.hasBeenConnected,
      firmware,
      server: this.#stateOf(device.server),
      overAtMs: isMomentary ? atMs : undefined,
      heal: effect === 'cuts' ? device.heal : { atMs: undefined },
      deviceNoticed: undefined,
      serverNoticed: undefined,
      backAtMs: undefined,
      survived: false,
    };
    connection?.cases.push(one);
    device.cases.push(one);
    if (effect === 'cuts') device.heal.atMs = undefined;
    const isHung = device.open.some((other) => other.on === 'device' && FAULTS[other.fault].firmware === 'hung');
    if (firmware === 'hung' && !isHung) device.hungSinceMs = atMs;
    if (!isMomentary) device.open.push(one);
    this.#cases.push(one);
    if (effect === 'cuts') device.latestCut = one;
    const worst = firmwareOf(device);
    for (let i = device.cases.length - 1, other = device.cases[i]; other?.atMs === atMs; other = device.cases[--i]) {
      other.firmware = worse(other.firmware, worst);
      other.server = worse(other.server, one.server);
    }
    if (on === 'device' && (firmware === 'off' || firmware === 'dead')) stopNoticing(device, firmware);
    heal(device, atMs);
  }

  #heal(event: Extract<TraceEvent, { source: 'fault' }>): void {
    if (this.#latent.get(event.host)?.id === event.id) this.#latent.delete(event.host);
    if (event.on === 'device') {
      this.#healAt(this.#device(event.host), new Set([event.id]), event.atMs);
      return;
    }
    const { host, id, atMs } = event;
    this.#serverHealed(host, new Set([id]), atMs);
    if (this.#stateOf(host) !== 'running') return;
    // What was hung goes on where it stopped, and can notice the others' faults from now on.
    for (const device of this.#devices.values()) {
      for (const one of device.cases) {
        if (one.server === 'hung' && one.on === 'device' && (one.connection?.server ?? device.server) === host) one.server = 'running';
      }
    }
  }

  #serverHealed(server: string, ids: ReadonlySet<number>, atMs: number): void {
    const faults = this.#faultsOf(server);
    for (const id of ids) faults.delete(id);
    for (const device of this.#devices.values()) if (device.cases.length > 0) this.#healAt(device, ids, atMs);
  }

  /** Whatever stopped the program is over: it has been started. */
  #serverStarted(server: string, atMs: number): void {
    const stopping = Array.from(this.#faultsOf(server)).filter(([, state]) => state !== 'running');
    if (stopping.length > 0) this.#serverHealed(server, new Set(stopping.map(([id]) => id)), atMs);
  }

  #healAt(device: DeviceState, ids: ReadonlySet<number>, atMs: number): void {
    const ended = endCases(device, atMs, ({ id }) => ids.has(id));
    if (ended.some(({ fault }) => FAULTS[fault].firmware === 'hung') && firmwareOf(device) === 'running') goOn(device);
  }

  #faultsOf(server: string): Map<number, FirmwareState> {
    let faults = this.#serverFaults.get(server);
    if (faults === undefined) this.#serverFaults.set(server, (faults = new Map()));
    return faults;
  }

  #stateOf(server: string | undefined): FirmwareState {
    const faults = server === undefined ? undefined : this.#serverFaults.get(server);
    return faults === undefined ? 'running' : [...faults.values()].reduce(worse, 'running');
  }

  #addLinkEvent(event: Extract<TraceEvent, { source: 'link' }>): void {
    if (event.kind === 'mapped') {
      this.ends.add(event);
      return;
    }
    for (const connection of event.ends.flatMap((end) => this.#at(end))) {
      const { device, goneAtMs } = connection;
      if (device.connection !== connection || goneAtMs !== undefined) continue;
      const { atMs } = event;
      const at = { fromMs: atMs, toMs: atMs };
      // Without a plan: the line that would have done the same.
      const text = this.#latent.get(event.at)?.text
        ?? formatFault({ kind: 'nat-timeout', argument: undefined, target: device.name, at, for: undefined, everyMs: undefined });
      this.#open(device, connection, { id: 0, fault: 'nat-timeout', effect: 'cuts', tier: 'T3', text, on: 'device', host: device.name, atMs, isMomentary: true }, 'running');
    }
  }

  // ---- devices ----

  #addDeviceEvent(event: Extract<TraceEvent, { source: 'device' }>): void {
    const device = this.#device(event.device);
    switch (event.kind) {
      case 'boot':
        this.#leave(device);
        for (const one of endCases(device, event.atMs, ({ fault, on }) => on === 'device' && FAULTS[fault].firmware !== 'running')) {
          if (FAULTS[one.fault].firmware === 'hung' && event.resetReason === 'watchdog') one.deviceNoticed ??= { afterMs: event.atMs - one.atMs, by: 'watchdog' };
        }
        break;
      case 'connected':
        this.#connected(device, event.atMs, event.local === undefined ? `${event.device} at ${event.atMs}` : this.ends.keyOf(event.local));
        break;
      case 'lost':
        this.#deviceLost(device, event.atMs, event.by);
        break;
      case 'served':
        device.isAssumed = event.afterMs === undefined;
        if (!device.isAssumed || !this.#hearsBeats) served(device, event.atMs, event.afterMs ?? 0);
        break;
      default:
    }
  }

  #connected(device: DeviceState, atMs: number, end: string): void {
    this.#leave(device);
    device.hasBeenConnected = true;
    const server = this.#unclaimed.get(end);
    this.#unclaimed.delete(end);
    const connection: Connection = { end, device, server, goneAtMs: undefined, isGivenUp: false, cases: [] };
    device.connection = connection;
    // An older connection from the same end is over: the end was free again.
    for (const older of device.left) if (older.end === end) this.#gone(older, atMs, undefined);
    this.#connections.set(end, [...(this.#connections.get(end) ?? []), connection]);
    if (server !== undefined) this.#online(connection, server);
    else if (!this.#hearsServer) this.#overlappingSessions += device.left.length;
  }

  #deviceLost(device: DeviceState, atMs: number, by: string): void {
    const { connection } = device;
    const touched = connection === undefined ? [] : toBlame(connection);
    for (const one of touched) one.deviceNoticed ??= { afterMs: atMs - one.atMs, by };
    if (touched.length === 0 && !this.#isUntaken(connection)) this.#losses.set(by, (this.#losses.get(by) ?? 0) + 1);
    if (connection !== undefined && GIVING_UP.has(by)) this.#givenUp(connection, { atMs, device: device.name, side: 'device', by });
    this.#leave(device);
  }

  /** The device has its connection no more. What becomes of it is of interest to cases, and to the next one. */
  #leave(device: DeviceState): void {
    const { connection } = device;
    device.connection = undefined;
    if (connection === undefined) return;
    const isAwaited = connection.cases.length > 0 || connection.server !== undefined;
    if (isAwaited && connection.goneAtMs === undefined) device.left = [...device.left, connection];
    else this.#forget(connection);
  }

  // ---- servers ----

  #addServerEvent(event: Extract<TraceEvent, { source: 'server' }>): void {
    this.#hearsServer = true;
    if (event.kind === 'listening') this.#serverStarted(event.server, event.atMs);
    if (event.kind === 'beat') this.#beatCame(event);
    if (event.kind !== 'online' && event.kind !== 'offline') return;
    const connections = this.#at(event.peer);
    if (event.kind === 'offline') {
      const by = offlineBy(event.reason);
      for (const connection of connections) {
        // Who goes off line was on line.
        connection.server ??= event.server;
        this.#gone(connection, event.atMs, by);
      }
      this.#unclaimed.delete(this.ends.keyOf(event.peer));
      return;
    }
    for (const connection of connections) this.#online(connection, event.server);
    if (connections.length === 0) this.#unclaimed.set(this.ends.keyOf(event.peer), event.server);
  }

  /** Where nobody answers, this is what shows service. */
  #beatCame({ peer, atMs }: Extract<TraceEvent, { kind: 'beat' }>): void {
    this.#hearsBeats = true;
    for (const connection of this.#at(peer)) {
      const { device } = connection;
      if (device.isAssumed && device.connection === connection) served(device, atMs, 0);
    }
  }

  #online(connection: Connection, server: string): void {
    if (connection.goneAtMs !== undefined) return;
    connection.server = server;
    if (connection.device.server !== server) {
      connection.device.server = server;
      heal(connection.device, this.#lastMs);
    }
    this.#overlappingSessions += connection.device.left.filter((other) => other.server === server && other.goneAtMs === undefined).length;
  }

  /** The server's end is gone. `by` undefined: without its noticing anything. */
  #gone(connection: Connection, atMs: number, by: string | undefined): void {
    if (connection.goneAtMs !== undefined) return;
    connection.goneAtMs = atMs;
    if (by !== undefined) {
      for (const one of toBlame(connection)) one.serverNoticed = { afterMs: atMs - one.atMs, by };
      if (GIVING_UP.has(by)) this.#givenUp(connection, { atMs, device: connection.device.name, side: 'server', by });
    }
    if (connection.device.connection === connection) return;
    connection.device.left = without(connection.device.left, (other) => other === connection);
    this.#forget(connection);
  }

  #serverStopped(server: string, atMs: number, state: FirmwareState): void {
    for (const device of this.#devices.values()) {
      for (const one of device.cases) {
        if (one.connection?.server === server && one.connection.goneAtMs === undefined) one.server = worse(one.server, state);
      }
      for (const connection of [...device.left, device.connection]) if (connection?.server === server) this.#gone(connection, atMs, undefined);
    }
  }

  // ---- connections ----

  #givenUp(connection: Connection, alarm: FalseAlarm): void {
    const wasCut = toBlame(connection).some(({ effect }) => effect === 'cuts');
    if (!wasCut && !connection.isGivenUp && !this.#isUntaken(connection)) this.#falseAlarms.push(alarm);
    connection.isGivenUp = true;
  }

  /** Begun under a fault on a server, whose stack has answered, and whose program never took it. */
  #isUntaken(connection: Connection | undefined): boolean {
    if (!this.#hearsServer || connection === undefined || connection.server !== undefined) return false;
    return Array.from(this.#serverFaults.values()).some((faults) => faults.size > 0);
  }

  #forget(connection: Connection): void {
    const others = this.#connections.get(connection.end)?.filter((other) => other !== connection) ?? [];
    if (others.length > 0) this.#connections.set(connection.end, others);
    else this.#connections.delete(connection.end);
  }

  #at(end: SocketAddress | undefined): readonly Connection[] {
    return (end === undefined ? undefined : this.#connections.get(this.ends.keyOf(end))) ?? NONE;
  }

  #device(name: string): DeviceState {
    let device = this.#devices.get(name);
    if (device === undefined) {
      device = { name, isAssumed: false, connection: undefined, left: NONE, hasBeenConnected: false, server: undefined, cases: [], open: [], heal: { atMs: undefined }, hungSinceMs: 0, latestCut: undefined };
      this.#devices.set(name, device);
    }
    return device;
  }
}

function offlineBy(reason: OfflineReason): string | undefined {
  switch (reason.kind) {
    case 'error': return reason.errno;
    case 'stopped': return undefined;
    default: return reason.kind;
  }
}

function without(list: readonly Connection[], is: (connection: Connection) => boolean): readonly Connection[] {
  if (!list.some(is)) return list;
  const rest = list.filter((connection) => !is(connection));
  return rest.length === 0 ? NONE : rest;
}
