/**
 * Reads a trace, event by event, and keeps of each device a picture that is small: when it was connected as it sees it itself, when it was on
 * line as the server sees it, what befell it, and what is worth a mark. Plain data, for a page to draw.
 *
 * A ghost is the part of an on-line span in which the device cannot be reached over that connection: from a fault that cuts, or from when the
 * device has left it, until the server's end is gone; or until the last such fault is over, if the device is served over that very
 * connection again. As in verdict.ts, a server that does not run believes in nobody, and one that hangs is not under a ghost by that.
 */

import type { SocketAddress } from '../../hal/network.ts';
import { type FaultKind, FAULTS } from '../faults/kinds/index.ts';
import type { Effect } from '../faults/kind.ts';
import { describeReason } from '../server/events.ts';
import { formatDuration } from '../time/duration.ts';
import { Ends } from './ends.ts';
import { Bounded, Marks, type Mark, type Run, Runs } from './time-line-parts.ts';
import type { FaultEvent, TraceEvent } from './trace.ts';

export type { Mark, Run } from './time-line-parts.ts';

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  /** How it ended; not there: it had not, at the end of the run. */
  readonly end?: string;
}

export interface Ghost {
  readonly fromMs: number;
  readonly toMs: number;
  /** What cut the device off: the line of the plan, or that the device has left the connection. */
  readonly why: string;
}

/** A connection as the server sees it; an older one may live on beside its successor. */
export interface OnlineSpan extends Span {
  readonly server: string;
  readonly ghosts: readonly Ghost[];
}

export interface FaultSpan {
  readonly host: string;
  readonly kind: FaultKind;
  readonly effect: Effect;
  /** The line of the plan. */
  readonly text: string;
  readonly fromMs: number;
  /** The same, where it is over at once. */
  readonly toMs: number;
}

export interface DeviceLine {
  readonly name: string;
  readonly connected: readonly Span[];
  readonly online: readonly OnlineSpan[];
  readonly faults: readonly FaultSpan[];
  readonly beats: readonly Run[];
  readonly missed: readonly Run[];
  readonly marks: readonly Mark[];
  /** Spans and marks beyond what a line holds; the earliest are kept. */
  readonly leftOut: number;
}

interface Connection {
  readonly end: string;
  readonly device: Line;
  /** Undefined: the server does not have it on line yet. */
  online: Online | undefined;
  readonly ghosts: Ghost[];
  /** Since when the device cannot be reached over it. */
  cut: Cut | undefined;
}

interface Online {
  readonly server: string;
  readonly fromMs: number;
  /** No server has told of itself yet: what a server that is not ours sees is what the device does. */
  readonly isAssumed: boolean;
}

interface Cut {
  readonly fromMs: number;
  readonly why: string;
  /** When what cut it off was over last. */
  overMs: number;
  /** That it is served again only the answer to what was sent then proves: something that was over at once has cut it off. */
  sentAfterMs: number;
}

/** What is known of a device. */
interface Line {
  readonly name: string;
  /** Nobody answers it: that it is served is assumed, unless a server tells of its beats. */
  isAssumed: boolean;
  /** It sends beats; of a device that sends none, whatever shows that it is served is drawn. */
  sendsBeats: boolean;
  connection: Connection | undefined;
  connectedMs: number;
  /** Those it has left, and the server has not. */
  readonly left: Set<Connection>;
  readonly cutBy: Set<number>;
  readonly connected: Bounded<Span>;
  readonly online: Bounded<OnlineSpan>;
  readonly faults: Bounded<FaultSpan>;
  readonly beats: Runs;
  readonly missed: Runs;
  readonly marks: Marks;
}

type OpenFault = Omit<FaultSpan, 'toMs'>;

const LEFT = 'the device has left this connection';

/** Longer texts, of panics say, are cut. */
const TEXT_MAX = 200;

export class TimeLines {
  readonly #lines = new Map<string, Line>();
  /** By the device's end; two devices may have the same port, each to a server of its own. */
  readonly #connections = new Map<string, Set<Connection>>();
  /** What a server has on line, before its device has told. */
  readonly #unclaimed = new Map<string, Online>();
  readonly #ends = new Ends();
  readonly #openFaults = new Map<number, OpenFault>();
  readonly #serverFaults = new Bounded<FaultSpan>();
  /** The faults that cut a server off. */
  readonly #serverCutBy = new Map<string, Set<number>>();
  /** A server of ours tells of itself. */
  #hearsServer = false;
  /** And of each beat: then what is sent shows nothing. */
  #hearsBeats = false;

  add(event: TraceEvent): void {
    switch (event.source) {
      case 'run':
        break;
      case 'fault':
        if (event.kind === 'fault') this.#begin(event);
        else this.#heal(event);
        break;
      case 'device':
        this.#addDeviceEvent(event);
        break;
      case 'bench':
        for (const connection of this.#at(event.local)) {
          if (connection.device.name === event.device) this.#gone(connection, event.atMs, event.by === 'closed' ? "the server's end was closed (FIN)" : event.by);
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

  /** As things stand at `endMs`; devices in the order in which the trace first names them. */
  lines(endMs: number): DeviceLine[] {
    const open = this.#openSpans(endMs);
    return Array.from(this.#lines.values(), (line) => {
      const { name, connection, connectedMs, left, connected, online, faults, beats, missed, marks } = line;
      const still = [...left, ...(connection === undefined ? [] : [connection])];
      return {
        name,
        connected: [...connected.items, ...(connection === undefined ? [] : [{ fromMs: connectedMs, toMs: endMs }])],
        online: [...online.items, ...still.flatMap((one) => onlineSpan(one, endMs) ?? [])].toSorted((a, b) => a.fromMs - b.fromMs),
        faults: [...faults.items, ...(open.get(name) ?? [])].toSorted((a, b) => a.fromMs - b.fromMs),
        beats: beats.all(),
        missed: missed.all(),
        marks: marks.all(),
        leftOut: connected.leftOut + online.leftOut + faults.leftOut + marks.leftOut,
      };
    });
  }

  /** Faults on servers, as things stand at `endMs`. */
  serverFaults(endMs: number): FaultSpan[] {
    const open = Array.from(this.#openSpans(endMs)).flatMap(([host, spans]) => (this.#lines.has(host) ? [] : spans));
    return [...this.#serverFaults.items, ...open].toSorted((a, b) => a.fromMs - b.fromMs);
  }

  /** By host. */
  #openSpans(endMs: number): Map<string, FaultSpan[]> {
    const spans = new Map<string, FaultSpan[]>();
    for (const fault of this.#openFaults.values()) {
      const of = spans.get(fault.host);
      const span = { ...fault, toMs: endMs };
      if (of === undefined) spans.set(fault.host, [span]);
      else of.push(span);
    }
    return spans;
  }

  // ---- faults ----

  #begin({ id, host, on, fault, argument, text, atMs }: FaultEvent & { readonly atMs: number }): void {
    const { lasts, effect: effectOf, firmware } = FAULTS[fault];
    const effect = effectOf(argument);
    const open: OpenFault = { host, kind: fault, effect, text, fromMs: atMs };
    const lastsOn = lasts(argument);
    if (lastsOn) this.#openFaults.set(id, open);
    else this.#faultsOf(host, on).push({ ...open, toMs: atMs });

    if (on === 'server') {
      if (firmware === 'off' || firmware === 'dead') for (const one of this.#onlineAt(host)) this.#gone(one, atMs, `the server was under ${fault}`);
      if (effect !== 'cuts' || firmware !== 'running') return;
      if (lastsOn) this.#cutsOf(host).add(id);
      for (const one of this.#onlineAt(host)) cut(one, atMs, text, !lastsOn);
      return;
    }
    const device = this.#line(host);
    if (effect === 'cuts') {
      if (lastsOn) device.cutBy.add(id);
      if (device.connection !== undefined) cut(device.connection, atMs, text, !lastsOn);
    }
    if (firmware === 'off' || firmware === 'dead') this.#leave(device, atMs, fault, text);
  }

  #heal({ id, host, on, atMs }: FaultEvent & { readonly atMs: number }): void {
    this.#over(id, on, atMs);
    if (on === 'device') {
      const { cutBy, connection } = this.#line(host);
      if (cutBy.delete(id) && connection?.cut !== undefined) connection.cut.overMs = atMs;
      return;
    }
    if (!this.#cutsOf(host).delete(id)) return;
    for (const { cut: since } of this.#onlineAt(host)) if (since !== undefined) since.overMs = atMs;
  }

  #over(id: number, on: FaultEvent['on'], atMs: number): void {
    const open = this.#openFaults.get(id);
    if (open === undefined) return;
    this.#openFaults.delete(id);
    this.#faultsOf(open.host, on).push({ ...open, toMs: atMs });
  }

  #faultsOf(host: string, on: FaultEvent['on']): Bounded<FaultSpan> {
    return on === 'server' ? this.#serverFaults : this.#line(host).faults;
  }

  #cutsOf(server: string): Set<number> {
    let ids = this.#serverCutBy.get(server);
    if (ids === undefined) this.#serverCutBy.set(server, (ids = new Set()));
    return ids;
  }

  #onlineAt(server: string): Connection[] {
    return [...this.#connections.values()].flatMap((those) => [...those].filter(({ online }) => online?.server === server));
  }

  #addLinkEvent(event: Extract<TraceEvent, { source: 'link' }>): void {
    if (event.kind === 'mapped') {
      this.#ends.add(event);
      return;
    }
    const text = `${event.at} has forgotten this connection, idle for ${formatDuration(event.idleMs)}`;
    for (const connection of event.ends.flatMap((end) => [...this.#at(end)])) {
      const { device } = connection;
      if (device.connection !== connection) continue;
      cut(connection, event.atMs, text, true);
      device.marks.add('error', event.atMs, text);
    }
  }

  // ---- devices ----

  #addDeviceEvent(event: Extract<TraceEvent, { source: 'device' }>): void {
    const device = this.#line(event.device);
    const { atMs } = event;
    switch (event.kind) {
      case 'boot':
        this.#leave(device, atMs, `reboot (${event.resetReason})`, LEFT);
        // Whatever stopped the firmware is over when it boots.
        for (const id of device.cutBy) {
          const open = this.#openFaults.get(id);
          if (open === undefined || FAULTS[open.kind].firmware === 'running') continue;
          device.cutBy.delete(id);
          this.#over(id, 'device', atMs);
        }
        // That a device is switched on at all is not worth telling.
        if (event.boots > 1 || event.resetReason !== 'power-on') {
          device.marks.add(event.resetReason === 'power-on' || event.resetReason === 'software' ? 'note' : 'error', atMs, `boot ${event.boots} (${event.resetReason})`);
        }
        break;
      case 'connected':
        this.#connected(device, atMs, event.local === undefined ? `${event.device} at ${atMs}` : this.#ends.keyOf(event.local), event.server);
        break;
      case 'connect-failed':
        device.marks.addAgain('error', atMs, `could not connect to ${event.server}: ${event.errno}`);
        break;
      case 'lost': {
        const by = event.detail === undefined ? event.by : `${event.by}, ${event.detail}`;
        this.#leave(device, atMs, by, LEFT);
        device.marks.add('error', atMs, `lost ${event.server}: ${by}`.slice(0, TEXT_MAX));
        break;
      }
      case 'panic':
        this.#leave(device, atMs, 'panic', LEFT);
        device.marks.add('error', atMs, `PANIC in task ${event.task}: ${event.reason}`.slice(0, TEXT_MAX));
        break;
      case 'beat-sent':
        device.sendsBeats = true;
        device.beats.add(atMs);
        break;
      case 'served':
        if (!device.sendsBeats) device.beats.add(atMs);
        device.isAssumed = event.afterMs === undefined;
        if (event.afterMs !== undefined) this.#served(device, atMs - event.afterMs);
        else if (!this.#hearsBeats) this.#served(device, -Infinity);
        break;
      case 'beat-missed':
        device.missed.add(atMs);
        break;
      case 'data-sent':
      case 'data-received':
      case 'acknowledged':
      case 'message':
      case 'connecting':
      case 'backing-off':
      case 'carrier':
      case 'console':
        break;
    }
  }

  #connected(device: Line, atMs: number, end: string, server: string): void {
    this.#leave(device, atMs, 'a new connection', LEFT);
    const claimed = this.#unclaimed.get(end);
    this.#unclaimed.delete(end);
    // An older connection from the same end is over: the end was free again.
    for (const other of [...(this.#connections.get(end) ?? [])]) if (other.device === device) this.#gone(other, atMs, 'replaced from the same port');
    const connection: Connection = {
      end, device, online: claimed ?? (this.#hearsServer ? undefined : { server, fromMs: atMs, isAssumed: true }), ghosts: [], cut: undefined,
    };
    device.connection = connection;
    device.connectedMs = atMs;
    const others = this.#connections.get(end);
    if (others === undefined) this.#connections.set(end, new Set([connection]));
    else others.add(connection);
  }

  /** The device has its connection no more. The server may have it still. */
  #leave(device: Line, atMs: number, end: string, why: string): void {
    const { connection, connectedMs } = device;
    if (connection === undefined) return;
    device.connection = undefined;
    device.connected.push({ fromMs: connectedMs, toMs: atMs, end });
    if (!this.#isThere(connection)) return;
    if (connection.online === undefined) {
      this.#forget(connection);
      return;
    }
    cut(connection, atMs, why, false);
    device.left.add(connection);
  }

  /**
   * There is an answer to what was sent then; -Infinity: there is none, where nobody answers. If nothing cuts it off any more, its
   * connection has survived.
   */
  #served({ connection, cutBy }: Line, sentMs: number): void {
    const since = connection?.cut;
    if (connection === undefined || since === undefined || cutBy.size > 0 || sentMs < since.sentAfterMs) return;
    if (connection.online !== undefined && this.#cutsOf(connection.online.server).size > 0) return;
    haunted(connection, since.overMs);
    connection.cut = undefined;
  }

  // ---- servers ----

  #addServerEvent(event: Extract<TraceEvent, { source: 'server' }>): void {
    this.#hearsServer = true;
    switch (event.kind) {
      case 'online': {
        const those = this.#at(event.peer);
        const online: Online = { server: event.server, fromMs: event.atMs, isAssumed: false };
        for (const connection of those) if (connection.online?.isAssumed !== false) connection.online = online;
        if (those.size === 0) this.#unclaimed.set(this.#ends.keyOf(event.peer), online);
        break;
      }
      case 'offline':
        for (const connection of [...this.#at(event.peer)]) this.#gone(connection, event.atMs, describeReason(event.reason));
        this.#unclaimed.delete(this.#ends.keyOf(event.peer));
        break;
      case 'refused':
        for (const { device } of this.#at(event.peer)) device.marks.add('error', event.atMs, `turned away: all ${event.maxConnections} connections are taken`);
        break;
      case 'listening':
        // Whatever stopped the program is over when it starts.
        for (const [id, { host, kind }] of this.#openFaults) if (host === event.server && FAULTS[kind].firmware !== 'running') this.#over(id, 'server', event.atMs);
        break;
      case 'beat':
        this.#hearsBeats = true;
        for (const connection of this.#at(event.peer)) {
          const { device } = connection;
          if (device.isAssumed && device.connection === connection) this.#served(device, -Infinity);
        }
        break;
      case 'failed':
      case 'unanswered':
      case 'message':
      case 'will':
      case 'taken-over':
        break;
    }
  }

  #gone(connection: Connection, atMs: number, end: string): void {
    if (!this.#isThere(connection)) return;
    const { device } = connection;
    const span = onlineSpan(connection, atMs);
    if (span !== undefined) device.online.push({ ...span, end });
    device.left.delete(connection);
    this.#forget(connection);
  }

  // ---- connections ----

  #isThere(connection: Connection): boolean {
    return this.#connections.get(connection.end)?.has(connection) === true;
  }

  #forget(connection: Connection): void {
    const those = this.#connections.get(connection.end);
    those?.delete(connection);
    if (those?.size === 0) this.#connections.delete(connection.end);
    connection.online = undefined;
  }

  #at(end: SocketAddress | undefined): ReadonlySet<Connection> {
    return (end === undefined ? undefined : this.#connections.get(this.#ends.keyOf(end))) ?? NONE;
  }

  #line(name: string): Line {
    let line = this.#lines.get(name);
    if (line === undefined) {
      line = {
        name, isAssumed: false, sendsBeats: false, connection: undefined, connectedMs: 0, left: new Set(), cutBy: new Set(),
        connected: new Bounded(), online: new Bounded(), faults: new Bounded(), beats: new Runs(), missed: new Runs(), marks: new Marks(),
      };
      this.#lines.set(name, line);
    }
    return line;
  }
}

const NONE: ReadonlySet<Connection> = new Set();

/** The device cannot be reached over it from now on. */
function cut(connection: Connection, atMs: number, why: string, isMomentary: boolean): void {
  const since = (connection.cut ??= { fromMs: atMs, why, overMs: atMs, sentAfterMs: -Infinity });
  since.overMs = atMs;
  if (isMomentary) since.sentAfterMs = atMs;
}

function haunted({ cut: since, online, ghosts }: Connection, untilMs: number): void {
  if (since === undefined || online === undefined) return;
  const fromMs = Math.max(since.fromMs, online.fromMs);
  if (untilMs > fromMs) ghosts.push({ fromMs, toMs: untilMs, why: since.why });
}

/** What the server had of it, if it has it no longer than this. */
function onlineSpan(connection: Connection, toMs: number): OnlineSpan | undefined {
  if (connection.online === undefined) return undefined;
  const { server, fromMs } = connection.online;
  const ghosts = [...connection.ghosts];
  haunted({ ...connection, ghosts }, toMs);
  return { server, fromMs, toMs, ghosts };
}
