/**
 * The one account of connections. It reads a trace event by event, and knows which server has which connection online,
 * since when, and who left or dropped the connection, when and why. Everything that needs to know about connections
 * listens to this account or reads it; nothing else puts sessions together.
 *
 * - A **session** is one connection of a device, as both ends see it. The device has the session from the moment it
 *   reports the connection until its firmware reports the loss, panics, boots or has a new one, or until a fault stops
 *   the firmware (no power, or a crash). A hung device still has its session. After that the device has **left** it.
 * - A server has the session **online** from the moment it accepts the connection until it **drops** it: the server
 *   reports it, or an observer outside sees the server's end go (`hung-up`: the bench, or a real server's kernel), or a
 *   fault stops the server. A server that does not run has nobody online; a hung server has. If a server reports
 *   nothing, it is assumed to accept each connection as soon as the device has it.
 * - A **ghost** is a session that a server has online although its device cannot be reached over it, or has left it.
 *   The ghost begins with the later of these two: the server accepted the session; the device became unreachable or
 *   left. It ends when the server drops the session, or with the heal if the session survived. This holds with and
 *   without a fault. A device that closes its connection is a ghost, too, until the server has the FIN.
 * - A device cannot be reached over its session during a fault that cuts (faults/kind.ts), on the device or on the
 *   server, or after a box on the way has forgotten the session. A fault that stops or hangs the server makes no ghosts
 *   of devices that could be reached.
 * - A session **survived** if its device is served over it after the last fault that cut it off is over; the heal is
 *   the moment at which that fault was over. After a momentary fault, an answer counts only if the device sent the
 *   question after the fault. Where nobody answers, the sign is a beat that the server reports, and nobody can see when
 *   that beat was sent. After a momentary fault the sign counts once the server has had more beats over the session
 *   than the device had sent by the time of the fault; beats that the server knows to be lost count, too. So over
 *   datagrams without numbers the sign comes later, by as many beats as were lost before. If the server reports no
 *   beats, no sign counts after a momentary fault. A session that the device has left cannot survive.
 * - Without connections, over datagrams alone, a session is what the server takes for one: a source address. A device
 *   that the server has dropped has a new session with its next datagram that arrives. A device whose box on the way
 *   shows another port, because the box has forgotten the mapping before, has left the session of the old port, which
 *   is a ghost until the server drops it.
 * - Two sessions of a device **overlap** if a server accepts one while it has another of the same device online.
 */

import type { SocketAddress } from '../../hal/network.ts';
import { FAULTS } from '../faults/kinds/index.ts';
import { formatDuration } from '../time/duration.ts';
import type { FaultEvent, TraceEvent } from '../trace/trace.ts';
import { EndNames } from './end-names.ts';
import { cutsOff, type FaultEnd, type FaultSpan, isStopped, OpenFaults } from './fault-span.ts';
import {
  type DeviceSessions, type DroppedBy, type Ghost, ghostUntil, isSince, type LeftBy, onlineOf, type Session,
} from './session.ts';

/** Is told what changes, when it has changed. A session whose `device` is undefined is nobody's so far. */
export interface SessionListener {
  /** Sessions are as they were when it came. */
  faultCame?(span: FaultSpan): void;
  faultOver?(span: FaultSpan, by: FaultEnd): void;
  /** A server has the session online. Called again if that was only assumed before. */
  taken?(session: Session): void;
  left?(session: Session): void;
  dropped?(session: Session): void;
  /** A box on the way has forgotten it. */
  forgotten?(session: Session, event: Extract<TraceEvent, { kind: 'forgotten' }>): void;
  /**
   * The device was served over the session. `sentMs` is when it sent what this answers; undefined: service is assumed.
   */
  served?(session: Session, atMs: number, sentMs: number | undefined): void;
  /** Each event, after all that it changes; and the session of which a server or a box tells. */
  traceEvent?(event: TraceEvent, session: Session | undefined): void;
}

type EventOf<Source extends TraceEvent['source']> = Extract<TraceEvent, { source: Source }>;

const LEFT = 'the device has left this connection';

/**
 * A device that is connected again and again to a server that takes nothing leaves so many in its queue: those before
 * are forgotten.
 */
const UNTAKEN_MAX = 16;

/** Number of offline clients that are remembered. */
const OFFLINE_MAX = 1000;

const NO_SESSIONS: readonly Session[] = [];
const NO_GHOSTS: readonly Ghost[] = [];

export class Sessions {
  /** Devices, in the order in which the trace first names them. */
  readonly devices = new Map<string, DeviceSessions>();
  readonly faults = new OpenFaults();
  readonly ends = new EndNames();
  /** A server of ours tells of itself. */
  hearsServer = false;
  /** Time of the last event. */
  lastMs = 0;
  start: Extract<TraceEvent, { kind: 'start' }> | undefined = undefined;
  end: Extract<TraceEvent, { kind: 'end' }> | undefined = undefined;
  readonly #listeners: SessionListener[] = [];
  /**
   * Sessions that no server has dropped, by the device's end. Two devices may have the same end, each to a server of
   * its own.
   */
  readonly #byEnd = new Map<string, readonly Session[]>();
  /** Sessions that a server has dropped and the device still has, by the device's end. */
  readonly #deserted = new Map<string, Session>();
  /** Sessions by server, and by the server's number for the client. */
  readonly #byClient = new Map<string, Map<number, Session>>();
  /**
   * The sessions that went offline last, by server and number: a client's will is reported after the client has gone.
   */
  readonly #offline = new Map<string, Session>();
  /** A server tells of each beat. */
  #hearsBeats = false;
  /** Length of the ghosts that are over. */
  #ghostMs = 0;

  /** Adds a listener. Listeners are called in the order in which they were added. */
  listen(listener: SessionListener): void {
    this.#listeners.push(listener);
  }

  add(event: TraceEvent): void {
    this.lastMs = event.atMs;
    const session = this.#take(event);
    for (const listener of this.#listeners) listener.traceEvent?.(event, session);
  }

  /** Returns the length of all ghosts of all devices up to `endMs`. */
  ghostMs(endMs: number): number {
    let sum = this.#ghostMs;
    for (const device of this.devices.values()) {
      for (const session of onlineOf(device)) {
        const ghost = ghostUntil(session, endMs);
        if (ghost !== undefined) sum += ghost.toMs - ghost.fromMs;
      }
    }
    return sum;
  }

  /** Applies the event. Returns the session that the event is about, unless the device itself reports it. */
  #take(event: TraceEvent): Session | undefined {
    switch (event.source) {
      case 'run':
        if (event.kind === 'start') this.start = event;
        else this.end = event;
        return undefined;
      case 'fault':
        if (event.kind === 'fault') this.#faultCame(event);
        else this.#faultHealed(event);
        return undefined;
      case 'device':
        this.#addDeviceEvent(event);
        return undefined;
      case 'bench': {
        const session = this.#at(event.local).find(({ device }) => device?.name === event.device);
        if (session !== undefined) this.#drop(session, event.atMs, { kind: 'hung-up', by: event.by });
        return session;
      }
      case 'process':
        return event.kind === 'put-offline' ? this.#putOffline(event.device, event.atMs) : undefined;
      case 'link':
        return this.#addLinkEvent(event);
      case 'server':
        if (!this.hearsServer) this.#hearServer();
        return this.#addServerEvent(event);
    }
  }

  // ---- faults ----

  #faultCame(event: FaultEvent & EventOf<'fault'>): void {
    const span = this.faults.begin(event);
    const { kind, host, on, fromMs } = span;
    const device = on === 'device' ? this.#device(host) : undefined;
    for (const listener of this.#listeners) listener.faultCame?.(span);
    const stops = isStopped(FAULTS[kind].firmware);
    if (device === undefined) {
      for (const session of stops || cutsOff(span) ? this.#onlineAt(host) : NO_SESSIONS) {
        if (stops) this.#drop(session, fromMs, { kind: 'fault', fault: kind });
        else cut(session, fromMs, span);
      }
      return;
    }
    if (device.session !== undefined && cutsOff(span)) cut(device.session, fromMs, span);
    if (!stops) return;
    device.stopped = device.session ?? device.stopped;
    this.#leave(device, fromMs, { kind: 'fault', fault: kind });
  }

  #faultHealed({ id, atMs }: FaultEvent & EventOf<'fault'>): void {
    const span = this.faults.byId(id);
    if (span !== undefined) this.#faultOver(span, atMs, 'healed');
  }

  #faultOver(span: FaultSpan, atMs: number, by: FaultEnd): void {
    this.faults.end(span, atMs);
    if (cutsOff(span)) {
      const session = this.devices.get(span.host)?.session;
      const own = session === undefined ? NO_SESSIONS : [session];
      for (const { outage } of span.on === 'server' ? this.#onlineAt(span.host) : own) {
        if (outage !== undefined) outage.latestMs = atMs;
      }
    }
    for (const listener of this.#listeners) listener.faultOver?.(span, by);
  }

  /** Ends the faults that stopped a program, because the program starts. */
  #started(host: string, atMs: number, by: FaultEnd): void {
    for (const span of this.faults.on(host)) {
      if (FAULTS[span.kind].firmware !== 'running') this.#faultOver(span, atMs, by);
    }
  }

  /** Returns the fault that cuts off the devices at this host. */
  #cutAt(host: string | undefined): FaultSpan | undefined {
    return host === undefined ? undefined : this.faults.on(host).find(cutsOff);
  }

  #addLinkEvent(event: EventOf<'link'>): Session | undefined {
    if (event.kind === 'mapped') {
      this.ends.add(event);
      return undefined;
    }
    const { at, ends, idleMs, atMs } = event;
    const sessions = ends.flatMap((end) => this.#at(end));
    for (const session of sessions) {
      if (session.device?.session !== session) continue;
      const text = `${at} has forgotten this connection, idle for ${formatDuration(idleMs)}`;
      cut(session, atMs, { text, isMomentary: true });
      for (const listener of this.#listeners) listener.forgotten?.(session, event);
    }
    return sessions[0];
  }

  // ---- devices ----

  #addDeviceEvent(event: EventOf<'device'>): void {
    const device = this.#device(event.device);
    const { atMs } = event;
    switch (event.kind) {
      case 'boot':
        this.#leave(device, atMs, { kind: 'boot', resetReason: event.resetReason });
        device.stopped = undefined;
        this.#started(event.device, atMs, event.resetReason);
        break;
      case 'connected':
        this.#connected(device, event);
        break;
      case 'lost':
        this.#leave(device, atMs, { kind: 'lost', by: event.by, detail: event.detail });
        break;
      case 'panic':
        this.#leave(device, atMs, { kind: 'panic' });
        break;
      case 'served':
        this.#deviceServed(device, atMs, event.afterMs);
        break;
      case 'beat-sent':
        if (device.session !== undefined) device.session.beatsSent++;
        break;
      default:
    }
  }

  /** A device was served, `afterMs` after it had sent what was answered; undefined: that it was served is assumed. */
  served(name: string, atMs: number, afterMs: number | undefined): void {
    this.#deviceServed(this.#device(name), atMs, afterMs);
  }

  #deviceServed(device: DeviceSessions, atMs: number, afterMs: number | undefined): void {
    device.isAssumed = afterMs === undefined;
    if (afterMs !== undefined) this.#served(device.session, atMs, atMs - afterMs);
    else if (!this.#hearsBeats) this.#served(device.session, atMs, undefined);
  }

  #connected(device: DeviceSessions, event: Extract<TraceEvent, { kind: 'connected' }>): void {
    const { atMs, local, server } = event;
    this.#leave(device, atMs, { kind: 'reconnected' });
    const end = local === undefined ? `${device.name} at ${atMs}` : this.ends.nameOf(local);
    const there = this.#byEnd.get(end) ?? NO_SESSIONS;
    // Over datagrams from the same end the server cannot know that the device has restarted: it has the same client.
    const known = there.find((one) => device.isAssumed && one.device === device && one.dropped === undefined)?.online;
    for (const older of there) {
      if (older.device !== device) continue;
      if (known !== undefined && older.online === known) this.#drop(older, atMs, { kind: 'replaced' });
      else this.#replace(older, atMs);
    }
    const session = there.find((one) => one.device === undefined) ?? this.#open(end, atMs);
    this.#connect(device, session, atMs);
    if (known?.client !== undefined) {
      this.#clientsOf(known.server).set(known.client, session);
      session.online = { ...known, sinceMs: atMs };
    }
    if (!this.hearsServer) {
      session.online = { server: hostOf(server), peer: undefined, sinceMs: atMs, isAssumed: true };
    }
    if (session.online !== undefined) this.#taken(session, atMs);
  }

  #connect(device: DeviceSessions, session: Session, atMs: number): void {
    session.device = device;
    session.connectedMs = atMs;
    device.session = session;
    device.hasConnected = true;
    const by = this.#cutAt(device.name);
    if (by !== undefined) cut(session, atMs, by);
  }

  /** A server's program says that it has given a device up: of its sessions the oldest that it has not said that of. */
  #putOffline(name: string, atMs: number): Session | undefined {
    const device = this.devices.get(name);
    if (device === undefined) return undefined;
    const { lastDropped, left, stopped, session } = device;
    const all = [lastDropped, ...left, stopped, session];
    const said = all.find((one) => one !== undefined && one.putOfflineMs === undefined);
    if (said !== undefined) said.putOfflineMs = atMs;
    return said;
  }

  /** The device has its connection no more. The server may have it still. */
  #leave(device: DeviceSessions, atMs: number, by: LeftBy): void {
    const { session } = device;
    if (session === undefined) return;
    device.session = undefined;
    session.left = { atMs, by };
    this.#deserted.delete(session.end);
    if (session.dropped === undefined) {
      cut(session, atMs, { text: LEFT, isMomentary: false });
      device.left = [...device.left, session];
      if (session.online === undefined) this.#forgetUntaken(device);
    }
    for (const listener of this.#listeners) listener.left?.(session);
  }

  #forgetUntaken({ left }: DeviceSessions): void {
    const untaken = left.filter(({ online }) => online === undefined);
    if (untaken.length > UNTAKEN_MAX && untaken[0] !== undefined) this.#forget(untaken[0]);
  }

  #served(session: Session | undefined, atMs: number, sentMs: number | undefined): void {
    // A beat into a connection that the server has dropped is no service, though the device cannot know.
    if (session === undefined || session.dropped !== undefined) return;
    const { outage, device, online } = session;
    if (outage !== undefined && (outage.moment === undefined || isSince(session, sentMs, outage.moment))) {
      const isCut = this.#cutAt(device?.name) !== undefined || this.#cutAt(online?.server) !== undefined;
      if (!isCut) this.#endOutage(session, outage.latestMs);
    }
    for (const listener of this.#listeners) listener.served?.(session, atMs, sentMs);
  }

  // ---- servers ----

  #addServerEvent(event: EventOf<'server'>): Session | undefined {
    const { server, atMs } = event;
    switch (event.kind) {
      case 'listening':
        this.#byClient.delete(server);
        this.#started(server, atMs, 'listening');
        return undefined;
      case 'online': {
        const session = this.#untakenAt(event.peer, server, atMs);
        session.online = { server, client: event.client, peer: event.peer, sinceMs: atMs, isAssumed: false };
        this.#clientsOf(server).set(event.client, session);
        this.#taken(session, atMs);
        return session;
      }
      case 'offline': {
        const there = this.#at(event.peer);
        const own = this.#clientsOf(server).get(event.client);
        const isOwn = own?.end === this.ends.nameOf(event.peer);
        const session = isOwn ? own : there.find(({ online }) => online?.server === server) ?? there[0];
        this.#clientsOf(server).delete(event.client);
        if (session === undefined) return undefined;
        this.#rememberOffline(`${server} ${event.client}`, session);
        if (session.dropped !== undefined) return session;
        // A client that goes offline was online.
        session.online ??= { server, peer: event.peer, sinceMs: session.connectedMs, isAssumed: false };
        this.#drop(session, atMs, { kind: 'offline', reason: event.reason });
        return session;
      }
      case 'beat': {
        this.#hearsBeats = true;
        const session = this.#clientsOf(server).get(event.client);
        const device = session?.device;
        if (session !== undefined) pass(session, 1);
        if (device?.isAssumed === true && device.session === session) this.#served(session, atMs, undefined);
        return session;
      }
      case 'sequence': {
        const session = this.#clientsOf(server).get(event.client);
        // One that is late was counted when it was missing.
        if (session !== undefined) pass(session, event.what === 'missing' ? event.count : -event.count);
        return session;
      }
      case 'unanswered':
      case 'message':
      case 'will':
        return this.#clientsOf(server).get(event.client) ?? this.#offline.get(`${server} ${event.client}`);
      case 'refused':
        return this.#at(event.peer)[0];
      case 'failed':
        return undefined;
    }
  }

  /** A server reports of itself: from now on nothing is assumed about who is online. */
  #hearServer(): void {
    this.hearsServer = true;
    for (const session of [...this.#byEnd.values()].flat()) {
      if (session.online?.isAssumed === true) session.online = undefined;
    }
  }

  /** Returns the session of this end that the server accepts now. */
  #untakenAt(peer: SocketAddress, server: string, atMs: number): Session {
    const there = this.#at(peer);
    const untaken = there.find(({ online }) => online === undefined);
    if (untaken !== undefined) return untaken;
    const end = this.ends.nameOf(peer);
    for (const older of there) if (older.online?.server === server) this.#replace(older, atMs);
    // Over datagrams there are no connections, so a device continues from the same end and does not learn of the
    // server's drop.
    const here = this.#deserted.get(end) ?? there.find((older) => older.device?.session === older);
    const session = this.#open(end, atMs);
    if (here?.device !== undefined) {
      const { device } = here;
      this.#leave(device, atMs, { kind: 'reconnected' });
      this.#connect(device, session, atMs);
      // The beat that arrived was sent.
      session.beatsSent = 1;
    }
    return session;
  }

  /** An end has a newer session: the older is over, unless the server has it by what a box showed before. */
  #replace(older: Session, atMs: number): void {
    const peer = older.online?.peer;
    if (peer === undefined || this.ends.isShown(peer)) this.#drop(older, atMs, { kind: 'replaced' });
  }

  #rememberOffline(client: string, session: Session): void {
    this.#offline.delete(client);
    this.#offline.set(client, session);
    for (const [oldest] of this.#offline) {
      if (this.#offline.size <= OFFLINE_MAX) break;
      this.#offline.delete(oldest);
    }
  }

  #taken(session: Session, atMs: number): void {
    const { device, online } = session;
    const by = this.#cutAt(online?.server);
    if (by !== undefined) cut(session, atMs, by);
    if (device !== undefined && online !== undefined) device.server = online.server;
    for (const listener of this.#listeners) listener.taken?.(session);
  }

  #onlineAt(server: string): readonly Session[] {
    return [...this.#byEnd.values()].flat().filter(({ online }) => online?.server === server);
  }

  #clientsOf(server: string): Map<number, Session> {
    let clients = this.#byClient.get(server);
    if (clients === undefined) this.#byClient.set(server, (clients = new Map()));
    return clients;
  }

  // ---- sessions ----

  #open(end: string, atMs: number): Session {
    const session: Session = {
      end, device: undefined, connectedMs: atMs, online: undefined, left: undefined, dropped: undefined,
      putOfflineMs: undefined, outage: undefined, ghosts: NO_GHOSTS, beatsSent: 0, beatsPassed: 0,
    };
    this.#byEnd.set(end, [...(this.#byEnd.get(end) ?? []), session]);
    return session;
  }

  /** The server's end is gone. */
  #drop(session: Session, atMs: number, by: DroppedBy): void {
    session.dropped = { atMs, by };
    if (session.device !== undefined && by.kind === 'hung-up') session.device.lastDropped = session;
    if (session.device?.session === session) this.#deserted.set(session.end, session);
    this.#endOutage(session, atMs);
    this.#forget(session);
    for (const listener of this.#listeners) listener.dropped?.(session);
  }

  #endOutage(session: Session, atMs: number): void {
    const ghost = ghostUntil(session, atMs);
    session.outage = undefined;
    if (ghost === undefined) return;
    session.ghosts = [...session.ghosts, ghost];
    if (session.device !== undefined) this.#ghostMs += ghost.toMs - ghost.fromMs;
  }

  #forget(session: Session): void {
    const { end, device } = session;
    const others = (this.#byEnd.get(end) ?? NO_SESSIONS).filter((other) => other !== session);
    if (others.length > 0) this.#byEnd.set(end, others);
    else this.#byEnd.delete(end);
    if (device?.left.includes(session) === true) device.left = device.left.filter((other) => other !== session);
  }

  #at(end: SocketAddress | undefined): readonly Session[] {
    return (end === undefined ? undefined : this.#byEnd.get(this.ends.nameOf(end))) ?? NO_SESSIONS;
  }

  #device(name: string): DeviceSessions {
    let device = this.devices.get(name);
    if (device === undefined) {
      device = {
        name,
        session: undefined,
        stopped: undefined,
        lastDropped: undefined,
        left: NO_SESSIONS,
        hasConnected: false,
        server: undefined,
        isAssumed: false,
      };
      this.devices.set(name, device);
    }
    return device;
  }
}

/** The host in `host:port` or `[host]:port`, which is the name that faults have for it. */
function hostOf(server: string): string {
  return server.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

/** The device cannot be reached over it from now on. */
function cut(session: Session, atMs: number, { text, isMomentary }: Pick<FaultSpan, 'text' | 'isMomentary'>): void {
  if (session.dropped !== undefined) return;
  const outage = (session.outage ??= { sinceMs: atMs, why: text, latestMs: atMs, moment: undefined });
  outage.latestMs = atMs;
  if (isMomentary) outage.moment = { atMs, beatsSent: session.beatsSent };
}

/** The server tells of so many beats more; of one that came twice it may not know. */
function pass(session: Session, count: number): void {
  session.beatsPassed = Math.min(session.beatsPassed + count, session.beatsSent);
}
