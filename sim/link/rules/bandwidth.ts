/** The line becomes narrow. */

import { makeLine } from '../line.ts';
import { type Bandwidth, bandwidthBps } from '../options.ts';
import type { Rule } from '../rule.ts';

/** No more than so much, with the queue that the line has; a line that is narrower stays so. */
export function bandwidth(most: Bandwidth): Rule {
  const maxBps = bandwidthBps(most);
  makeLine({ bandwidthBps: maxBps });
  return { kind: 'line', change: (line) => makeLine({ bandwidthBps: Math.min(line.bandwidthBps, maxBps) }, line) };
}
