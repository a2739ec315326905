/** The line becomes narrow. */

import { makeLine } from '../line.ts';
import type { Rule } from '../rule.ts';

/** No more than so many bits per second, with the queue that the line has; a line that is narrower stays so. */
export function bandwidth(maxBps: number): Rule {
  makeLine({ bandwidthBps: maxBps });
  return { kind: 'line', change: (line) => makeLine({ bandwidthBps: Math.min(line.bandwidthBps, maxBps) }, line) };
}
