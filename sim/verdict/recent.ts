/** What has happened lately, for messages: the last notable events, and no more than that. */

import { isNotable, type TraceEvent } from './trace.ts';

const EVENTS_MAX = 4096;

export class RecentEvents {
  readonly #events: TraceEvent[] = [];
  #next = 0;

  add(event: TraceEvent): void {
    if (!isNotable(event)) return;
    this.#events[this.#next] = event;
    this.#next = (this.#next + 1) % EVENTS_MAX;
  }

  /** The oldest first. */
  all(): readonly TraceEvent[] {
    return [...this.#events.slice(this.#next), ...this.#events.slice(0, this.#next)];
  }
}
