/**
 * Log lines about faults for a fleet that is too large to show each device: the first starts and ends of each fault.
 */

import type { TraceEvent } from '../trace/trace.ts';

type FaultEvent = Extract<TraceEvent, { source: 'fault' }>;

/** A line of the plan that started, or ended, on a number of hosts at one moment. */
export interface FaultMoment {
  readonly event: FaultEvent;
  readonly hosts: number;
}

/** Number of times that one line of the plan is shown, if it comes at many different times. */
export const MOMENTS_SHOWN_MAX = 3;

/**
 * Merges the moments of one fleet, in order, and keeps the first few starts and ends of each line of the plan.
 * The same moment in several blocks becomes one.
 */
export function mergeMoments(moments: readonly FaultMoment[], plan: readonly string[]): FaultMoment[] {
  const byMoment = new Map<string, FaultMoment>();
  for (const moment of moments) {
    const { event, hosts } = moment;
    const key = `${event.atMs} ${lineOf(event)}`;
    const there = byMoment.get(key);
    if (there === undefined) byMoment.set(key, moment);
    // Each block has a server, but for the user it is one.
    else if (event.on === 'device') byMoment.set(key, { event: there.event, hosts: there.hosts + hosts });
  }
  const times = new Map<string, number>();
  return [...byMoment.values()]
    .sort(({ event: a }, { event: b }) => a.atMs - b.atMs || plan.indexOf(a.text) - plan.indexOf(b.text))
    .filter(({ event }) => {
      const count = (times.get(lineOf(event)) ?? 0) + 1;
      times.set(lineOf(event), count);
      return count <= MOMENTS_SHOWN_MAX;
    });
}

function lineOf({ kind, text }: FaultEvent): string {
  return `${kind} ${text}`;
}
