/** The faults of a run that has happened, planned or by hand, as a plan that repeats them to the microsecond. */

import { type Fault, formatFault } from '../faults/fault.ts';
import type { TraceEvent } from '../trace/trace.ts';

type FaultEvent = Extract<TraceEvent, { source: 'fault' }>;

/** A fault of the run, and when it healed; undefined: it has not. */
interface Recorded {
  readonly event: FaultEvent;
  healedMs: number | undefined;
}

export class RecordedPlan {
  /** Faults by their number in the trace, in the order in which they came. */
  readonly #faults = new Map<number, Recorded>();

  add(event: TraceEvent): void {
    if (event.source !== 'fault') return;
    const known = this.#faults.get(event.id);
    if (event.kind === 'fault') this.#faults.set(event.id, { event, healedMs: undefined });
    else if (known !== undefined) known.healedMs = event.atMs;
  }

  get size(): number {
    return this.#faults.size;
  }

  /** One line for each fault. A fault that the run's end cut short keeps the length that its plan gave it. */
  lines(): string[] {
    return Array.from(this.#faults.values(), ({ event, healedMs }) => formatFault(faultOf(event, healedMs)));
  }
}

function faultOf({ fault: kind, argument, host, atMs, forMs }: FaultEvent, healedMs: number | undefined): Fault {
  const lengthMs = healedMs === undefined ? forMs : lengthBetween(atMs, healedMs);
  return {
    kind,
    argument,
    target: host,
    at: { fromMs: atMs, toMs: atMs },
    for: lengthMs === undefined ? undefined : { fromMs: lengthMs, toMs: lengthMs },
    everyMs: undefined,
  };
}

/** A plan counts in whole microseconds; the difference of two times in milliseconds has rounding errors below that. */
export function lengthBetween(fromMs: number, toMs: number): number {
  return Math.round((toMs - fromMs) * 1000) / 1000;
}
