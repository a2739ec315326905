/**
 * A small picture of each device: when it was connected as it sees itself, when it was online as the server sees it,
 * which faults it was under, and what is worth a mark. Plain data, for a page to draw. Sessions and ghosts are those of
 * sessions/sessions.ts.
 */

import type { FaultKind } from '../faults/kinds/index.ts';
import type { Effect } from '../faults/kind.ts';
import { describeReason } from '../server/events.ts';
import type { FaultSpan } from '../sessions/fault-span.ts';
import { type DroppedBy, type Ghost, ghostsOf, type LeftBy, onlineOf, type Session } from '../sessions/session.ts';
import type { SessionListener, Sessions } from '../sessions/sessions.ts';
import { formatDuration } from '../time/duration.ts';
import { Bounded, Marks, type Mark, type Run, Runs } from './time-line-parts.ts';
import type { TraceEvent } from '../trace/trace.ts';

export type { Mark, Run } from './time-line-parts.ts';

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  /** End of the span; undefined: it had not ended when the run did. */
  readonly end?: string;
}

/** A connection as the server sees it; an older one may live on beside its successor. */
export interface OnlineSpan extends Span {
  readonly server: string;
  readonly ghosts: readonly Ghost[];
}

/** A fault that is over, or goes on at the end of the run. */
export interface ShownFault {
  readonly host: string;
  readonly kind: FaultKind;
  readonly effect: Effect;
  /** The line of the plan. */
  readonly text: string;
  readonly fromMs: number;
  /** Equal to `fromMs` if the fault is over at once. */
  readonly toMs: number;
}

export interface DeviceLine {
  readonly name: string;
  readonly connected: readonly Span[];
  readonly online: readonly OnlineSpan[];
  readonly faults: readonly ShownFault[];
  readonly beats: readonly Run[];
  readonly missed: readonly Run[];
  readonly marks: readonly Mark[];
  /** Spans and marks beyond what a line holds; the earliest are kept. */
  readonly leftOut: number;
}

/** Data that is kept of a device. */
interface Line {
  readonly connected: Bounded<Span>;
  readonly online: Bounded<OnlineSpan>;
  readonly faults: Bounded<ShownFault>;
  /** True if it sends beats; for a device that sends none, every sign of service is drawn. */
  sendsBeats: boolean;
  readonly beats: Runs;
  readonly missed: Runs;
  readonly marks: Marks;
}

/** Longer texts, of panics say, are cut. */
const TEXT_MAX = 200;

export class TimeLines implements SessionListener {
  readonly #sessions: Sessions;
  readonly #lines = new Map<string, Line>();
  readonly #serverFaults = new Bounded<ShownFault>();

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
    sessions.listen(this);
  }

  /** Returns the lines as things stand at `endMs`; devices in the order in which the trace first names them. */
  lines(endMs: number): DeviceLine[] {
    return Array.from(this.#sessions.devices.values(), (device) => {
      const { name, session } = device;
      const { connected, online, faults, beats, missed, marks } = this.#line(name);
      const open = this.#sessions.faults.on(name).map((span) => shown(span, endMs));
      const own = session === undefined ? [] : [{ fromMs: session.connectedMs, toMs: endMs }];
      const still = onlineOf(device).flatMap((one) => onlineSpan(one, endMs) ?? []);
      return {
        name,
        connected: [...connected.items, ...own],
        online: [...online.items, ...still].toSorted((a, b) => a.fromMs - b.fromMs),
        faults: [...faults.items, ...open].toSorted((a, b) => a.fromMs - b.fromMs),
        beats: beats.all(),
        missed: missed.all(),
        marks: marks.all(),
        leftOut: connected.leftOut + online.leftOut + faults.leftOut + marks.leftOut,
      };
    });
  }

  /** Faults on servers, as things stand at `endMs`. */
  serverFaults(endMs: number): ShownFault[] {
    const open = this.#sessions.faults.all.filter(({ on }) => on === 'server').map((span) => shown(span, endMs));
    return [...this.#serverFaults.items, ...open].toSorted((a, b) => a.fromMs - b.fromMs);
  }

  // ---- what becomes of sessions ----

  faultCame(span: FaultSpan): void {
    if (span.isMomentary) this.faultOver(span);
  }

  faultOver(span: FaultSpan): void {
    const faults = span.on === 'server' ? this.#serverFaults : this.#line(span.host).faults;
    faults.push(shown(span, span.fromMs));
  }

  left({ device, connectedMs, left }: Session): void {
    if (device === undefined || left === undefined) return;
    this.#line(device.name).connected.push({ fromMs: connectedMs, toMs: left.atMs, end: describeLeft(left.by) });
  }

  dropped(session: Session): void {
    const { device, dropped } = session;
    if (device === undefined || dropped === undefined) return;
    const span = onlineSpan(session, dropped.atMs);
    if (span !== undefined) this.#line(device.name).online.push({ ...span, end: describeDropped(dropped.by) });
  }

  forgotten({ device }: Session, { at, idleMs, atMs }: Extract<TraceEvent, { kind: 'forgotten' }>): void {
    if (device === undefined) return;
    const text = `${at} has forgotten this connection, idle for ${formatDuration(idleMs)}`;
    this.#line(device.name).marks.add('error', atMs, text);
  }

  // ---- what else happens ----

  traceEvent(event: TraceEvent, session: Session | undefined): void {
    if (event.source === 'device') {
      this.#addDeviceEvent(event);
    } else if (event.kind === 'refused' && session?.device !== undefined) {
      const text = `turned away: all ${event.maxConnections} connections are taken`;
      this.#line(session.device.name).marks.add('error', event.atMs, text);
    }
  }

  #addDeviceEvent(event: Extract<TraceEvent, { source: 'device' }>): void {
    const line = this.#line(event.device);
    const { beats, missed, marks } = line;
    const { atMs } = event;
    switch (event.kind) {
      case 'boot':
        // The first power-on of a device gets no mark.
        if (event.boots > 1 || event.resetReason !== 'power-on') {
          const isByWill = event.resetReason === 'power-on' || event.resetReason === 'software';
          marks.add(isByWill ? 'note' : 'error', atMs, `boot ${event.boots} (${event.resetReason})`);
        }
        break;
      case 'connect-failed':
        marks.addAgain('error', atMs, `could not connect to ${event.server}: ${event.errno}`);
        break;
      case 'lost':
        marks.add('error', atMs, `lost ${event.server}: ${lostBy(event)}`.slice(0, TEXT_MAX));
        break;
      case 'panic':
        marks.add('error', atMs, `PANIC in task ${event.task}: ${event.reason}`.slice(0, TEXT_MAX));
        break;
      case 'beat-sent':
        line.sendsBeats = true;
        beats.add(atMs);
        break;
      case 'served':
        if (!line.sendsBeats) beats.add(atMs);
        break;
      case 'beat-missed':
      case 'call-failed':
        missed.add(atMs);
        break;
      case 'connected':
      case 'beat-period':
      case 'late-answer':
      case 'peer-silent':
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

  #line(name: string): Line {
    let line = this.#lines.get(name);
    if (line === undefined) {
      line = {
        connected: new Bounded(), online: new Bounded(), faults: new Bounded(),
        sendsBeats: false, beats: new Runs(), missed: new Runs(), marks: new Marks(),
      };
      this.#lines.set(name, line);
    }
    return line;
  }
}

/** Returns the part of the session that the server had online, if it has it no longer than this. */
function onlineSpan(session: Session, toMs: number): OnlineSpan | undefined {
  const { online } = session;
  return online && { server: online.server, fromMs: online.sinceMs, toMs, ghosts: ghostsOf(session, toMs) };
}

function shown({ host, kind, effect, text, fromMs, toMs }: FaultSpan, endMs: number): ShownFault {
  return { host, kind, effect, text, fromMs, toMs: toMs ?? endMs };
}

function describeLeft(by: LeftBy): string {
  switch (by.kind) {
    case 'lost': return lostBy(by);
    case 'boot': return `reboot (${by.resetReason})`;
    case 'panic': return 'panic';
    case 'fault': return by.fault;
    case 'reconnected': return 'a new connection';
  }
}

function lostBy({ by, detail }: { readonly by: string; readonly detail?: string | undefined }): string {
  return detail === undefined ? by : `${by}, ${detail}`;
}

function describeDropped(by: DroppedBy): string {
  switch (by.kind) {
    case 'offline': return describeReason(by.reason);
    case 'hung-up': return by.by === 'closed' ? "the server's end was closed (FIN)" : by.by;
    case 'fault': return `the server was under ${by.fault}`;
    case 'replaced': return 'replaced from the same port';
  }
}
