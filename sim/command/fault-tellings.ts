/** What is told of the faults of a fleet too large to be told of each device: when each line came and went at first. */

import type { TraceEvent } from '../trace/trace.ts';

type FaultEvent = Extract<TraceEvent, { source: 'fault' }>;

/** A line of the plan that came, or went, on so many hosts at one moment. */
export interface FaultTelling {
  readonly event: FaultEvent;
  readonly hosts: number;
}

/** A line of the plan that comes at ever other times is told of so often. */
export const TELLINGS_MAX = 3;

/** By moment, the first of each line and of its heals; those of parts of one fleet are put together so. */
export function addTellings(tellings: readonly FaultTelling[], plan: readonly string[]): FaultTelling[] {
  const byMoment = new Map<string, FaultTelling>();
  for (const telling of tellings) {
    const { event, hosts } = telling;
    const moment = `${event.atMs} ${lineOf(event)}`;
    const there = byMoment.get(moment);
    if (there === undefined) byMoment.set(moment, telling);
    // Each part has a server, but there is one.
    else if (event.on === 'device') byMoment.set(moment, { event: there.event, hosts: there.hosts + hosts });
  }
  const times = new Map<string, number>();
  return [...byMoment.values()]
    .sort(({ event: a }, { event: b }) => a.atMs - b.atMs || plan.indexOf(a.text) - plan.indexOf(b.text))
    .filter(({ event }) => {
      const count = (times.get(lineOf(event)) ?? 0) + 1;
      times.set(lineOf(event), count);
      return count <= TELLINGS_MAX;
    });
}

function lineOf({ kind, text }: FaultEvent): string {
  return `${kind} ${text}`;
}
