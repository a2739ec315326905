/** Listens to what becomes of sessions in a run, and keeps of it what the invariants are about. */

import type { SocketAddress } from '../../hal/network.ts';
import type { FaultSpan } from '../sessions/fault-span.ts';
import type { Session } from '../sessions/session.ts';
import type { SessionListener, Sessions } from '../sessions/sessions.ts';
import type { TraceEvent } from '../trace/trace.ts';
import type { ConnectFailure, DeviceFacts, GoneClient, HeardSession, Loss } from './observation.ts';

/** Name of a host whose address nobody has. */
export const NOBODY = '?';

interface Recorded {
  readonly servedMs: number[];
  readonly attemptsMs: number[];
  readonly tableFullMs: number[];
  readonly failures: ConnectFailure[];
  readonly losses: Loss[];
  readonly badAnswersMs: number[];
  beatsSent: number;
}

export class Recorder implements SessionListener {
  readonly faults: FaultSpan[] = [];
  readonly heard: HeardSession[] = [];
  readonly traceProblems: string[] = [];
  readonly mqtt = {
    acknowledged: new Array<string>(),
    accepted: new Map<string, number>(),
  };
  readonly gone: GoneClient[] = [];
  /**
   * Messages since the server has started, and how often each. Clients that went offline since the server has started,
   * by their numbers.
   */
  readonly #acceptedNow = new Map<string, number>();
  readonly #goneNow = new Map<number, GoneClient>();
  readonly #sessions: Sessions;
  readonly #faultIds = new Set<number>();
  readonly #devices = new Map<string, Recorded>();
  readonly #onLine = new Map<Session, HeardSession>();
  readonly #nameOf: (address: string) => string | undefined;
  #lastMs = 0;

  /** `nameOf` knows the hosts by their addresses. */
  constructor(sessions: Sessions, nameOf: (address: string) => string | undefined) {
    this.#sessions = sessions;
    this.#nameOf = nameOf;
    sessions.listen(this);
  }

  device(name: string): Omit<DeviceFacts, 'turnedAway'> {
    return { name, ...this.#device(name), isConnected: this.#sessions.devices.get(name)?.session !== undefined };
  }

  /** An end as the host itself knows it, that somebody else sees by what a NAT box made of it. */
  insideOf(end: SocketAddress): SocketAddress {
    return this.#sessions.ends.insideOf(end);
  }

  /** Returns the name of the host that has this end. */
  nameOf(end: SocketAddress): string {
    return this.#nameOf(this.insideOf(end).address) ?? NOBODY;
  }

  faultCame(span: FaultSpan): void {
    this.faults.push(span);
    this.#faultIds.add(span.id);
  }

  dropped(session: Session): void {
    const { end, dropped } = session;
    const heard = this.#onLine.get(session);
    this.#onLine.delete(session);
    if (heard !== undefined) heard.overMs = dropped?.atMs;
    else if (dropped?.by.kind === 'offline') this.#wasNotOnLine(end, dropped.atMs);
  }

  served({ device }: Session, atMs: number): void {
    if (device !== undefined) this.#device(device.name).servedMs.push(atMs);
  }

  #wasNotOnLine(end: string, atMs: number): void {
    this.traceProblems.push(`the server has the client at ${end} offline at ${atMs} ms, who was not online`);
  }

  traceEvent(event: TraceEvent, session: Session | undefined): void {
    const { atMs } = event;
    if (!(atMs >= this.#lastMs)) {
      this.traceProblems.push(`the trace goes back in time, from ${this.#lastMs} ms to ${atMs} ms, at ${event.kind}`);
    }
    this.#lastMs = atMs;
    switch (event.kind) {
      case 'healed':
        if (!this.#faultIds.has(event.id)) {
          this.traceProblems.push(`${event.text} was healed at ${atMs} ms, and had not come`);
        }
        break;
      case 'connecting':
        this.#device(event.device).attemptsMs.push(atMs);
        break;
      case 'connect-failed': {
        const { attemptsMs, tableFullMs, failures } = this.#device(event.device);
        if (event.errno === 'ENOBUFS') tableFullMs.push(atMs);
        failures.push({ fromMs: attemptsMs.at(-1) ?? 0, atMs, errno: event.errno });
        break;
      }
      case 'beat-sent':
        this.#device(event.device).beatsSent++;
        break;
      case 'lost':
        this.#device(event.device).losses.push({ atMs, by: event.by, detail: event.detail });
        break;
      case 'call-failed':
        if (event.by === 'wrong-answer' || event.by === 'refused') this.#device(event.device).badAnswersMs.push(atMs);
        break;
      case 'online':
        if (session !== undefined) this.#online(session, this.nameOf(event.peer), atMs);
        break;
      case 'beat':
        if (session !== undefined) this.#onLine.get(session)?.heardMs.push(atMs);
        break;
      case 'sequence':
        if (session !== undefined) {
          this.#onLine.get(session)?.sequence.push({ atMs, what: event.what, count: event.count });
        }
        break;
      case 'offline':
        if (session === undefined) this.#wasNotOnLine(this.#sessions.ends.nameOf(event.peer), atMs);
        this.#hasGone(event);
        break;
      case 'listening':
        this.#goneNow.clear();
        this.#acceptedNow.clear();
        break;
      case 'acknowledged':
        this.mqtt.acknowledged.push(event.message);
        break;
      case 'message':
        if (event.source !== 'server') break;
        this.#accepted(event.text);
        break;
      case 'will': {
        const gone = this.#goneNow.get(event.client);
        if (gone === undefined) this.traceProblems.push(`the will of client ${event.client} came while it was online`);
        else gone.wills++;
        break;
      }
      default:
    }
  }

  #accepted(message: string): void {
    const times = (this.#acceptedNow.get(message) ?? 0) + 1;
    this.#acceptedNow.set(message, times);
    this.mqtt.accepted.set(message, Math.max(times, this.mqtt.accepted.get(message) ?? 0));
  }

  #hasGone({ client, peer, atMs, reason }: Extract<TraceEvent, { readonly kind: 'offline' }>): void {
    const gone: GoneClient = { device: this.nameOf(peer), atMs, how: reason, wills: 0 };
    this.#goneNow.set(client, gone);
    this.gone.push(gone);
  }

  #online(session: Session, device: string, atMs: number): void {
    const heard: HeardSession = { device, heardMs: [atMs], overMs: undefined, sequence: [] };
    this.heard.push(heard);
    this.#onLine.set(session, heard);
  }

  #device(name: string): Recorded {
    let device = this.#devices.get(name);
    if (device === undefined) {
      device = {
        servedMs: [], attemptsMs: [], tableFullMs: [], failures: [], losses: [], badAnswersMs: [], beatsSent: 0,
      };
      this.#devices.set(name, device);
    }
    return device;
  }
}
