/** Listens to what becomes of sessions in a run, and keeps of it what the invariants are about. */

import type { SocketAddress } from '../../hal/network.ts';
import type { FaultSpan } from '../sessions/fault-span.ts';
import type { Session } from '../sessions/session.ts';
import type { SessionListener, Sessions } from '../sessions/sessions.ts';
import type { TraceEvent } from '../trace/trace.ts';
import type { DeviceFacts, HeardSession } from './observation.ts';

/** Of whom nobody has the address. */
export const NOBODY = '?';

export class Recorder implements SessionListener {
  readonly faults: FaultSpan[] = [];
  readonly heard: HeardSession[] = [];
  readonly traceProblems: string[] = [];
  readonly #sessions: Sessions;
  readonly #faultIds = new Set<number>();
  readonly #devices = new Map<string, { servedMs: number[]; attemptsMs: number[] }>();
  readonly #onLine = new Map<Session, HeardSession>();
  readonly #nameOf: (address: string) => string | undefined;
  #lastMs = 0;

  /** `nameOf` knows the hosts by their addresses. */
  constructor(sessions: Sessions, nameOf: (address: string) => string | undefined) {
    this.#sessions = sessions;
    this.#nameOf = nameOf;
    sessions.listen(this);
  }

  device(name: string): DeviceFacts {
    return { name, ...this.#device(name), isConnected: this.#sessions.devices.get(name)?.session !== undefined };
  }

  /** An end as the host itself knows it, that somebody else sees by what a NAT box made of it. */
  insideOf(end: SocketAddress): SocketAddress {
    return this.#sessions.ends.insideOf(end);
  }

  /** Whose end it is. */
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

  #wasNotOnLine(end: string, atMs: number): void {
    this.traceProblems.push(`the server has the client at ${end} off line at ${atMs} ms, who was not on line`);
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
      case 'served':
        this.#device(event.device).servedMs.push(atMs);
        break;
      case 'online':
        if (session !== undefined) this.#online(session, this.nameOf(event.peer), atMs);
        break;
      case 'beat':
        if (session !== undefined) this.#onLine.get(session)?.heardMs.push(atMs);
        break;
      case 'offline':
        if (session === undefined) this.#wasNotOnLine(this.#sessions.ends.nameOf(event.peer), atMs);
        break;
      default:
    }
  }

  #online(session: Session, device: string, atMs: number): void {
    const heard: HeardSession = { device, heardMs: [atMs], overMs: undefined };
    this.heard.push(heard);
    this.#onLine.set(session, heard);
  }

  #device(name: string): { servedMs: number[]; attemptsMs: number[] } {
    let device = this.#devices.get(name);
    if (device === undefined) this.#devices.set(name, (device = { servedMs: [], attemptsMs: [] }));
    return device;
  }
}
