/**
 * Log lines about faults for a fleet that is too large to show each device: the first starts and ends of each fault.
 */

import type { TraceEvent } from '../trace/trace.ts';

type FaultEvent = Extract<TraceEvent, { source: 'fault' }>;

/** A line of the plan that started, or ended, on a number of hosts at one moment. */
export interface FaultTelling {
  readonly event: FaultEvent;
  readonly hosts: number;
}

/** Number of times that one line of the plan is shown, if it comes at many different times. */
export const TELLINGS_MAX = 3;

/**
 * Merges the tellings of one fleet, by moment, and keeps the first few starts and ends of each line of the plan.
 * Tellings of the same moment from several blocks become one.
 */
export function addTellings(tellings: readonly FaultTelling[], plan: readonly string[]): FaultTelling[] {
  const byMoment = new Map<string, FaultTelling>();
  for (const telling of tellings) {
    const { event, hosts } = telling;
    const moment = `${event.atMs} ${lineOf(event)}`;
    const there = byMoment.get(moment);
    if (there === undefined) byMoment.set(moment, telling);
    // Each block has a server, but for the user it is one.
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
