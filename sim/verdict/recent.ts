/** The last notable events, for messages. */

import type { Session } from '../sessions/session.ts';
import type { SessionListener } from '../sessions/sessions.ts';
import { isNotable, type TraceEvent } from '../trace/trace.ts';

export interface RecentEvent {
  readonly event: TraceEvent;
  /** The session that a server's or a box's event is about. */
  readonly session: Session | undefined;
}

const EVENTS_MAX = 4096;

export class RecentEvents implements SessionListener {
  readonly #events: RecentEvent[] = [];
  #next = 0;

  traceEvent(event: TraceEvent, session: Session | undefined): void {
    if (!isNotable(event)) return;
    this.#events[this.#next] = { event, session };
    this.#next = (this.#next + 1) % EVENTS_MAX;
  }

  /** The oldest first. */
  all(): readonly RecentEvent[] {
    return [...this.#events.slice(this.#next), ...this.#events.slice(0, this.#next)];
  }
}
