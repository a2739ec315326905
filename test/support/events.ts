/** The events that `cablepull run --json` has printed. */

import { parseTraceLine } from '../../sim/trace/trace-file.ts';
import type { TraceEvent } from '../../sim/trace/trace.ts';

/** Returns the events, in their order. Throws Error if a line is wrong. */
export function eventsIn(output: string): TraceEvent[] {
  return output.trim().split('\n').map(parseTraceLine).flatMap((event) => {
    if (typeof event === 'string') throw new Error(event);
    return event.source === undefined ? [] : [event];
  });
}
