/** Packets take now longer and now not, and keep their order. */

import { type Duration, durationUs } from '../../time/duration.ts';
import { makeLine } from '../line.ts';
import type { Rule } from '../rule.ts';

/** Adds a delay from 0 to `added` to each packet, beside the line's own jitter. */
export function jitter(added: Duration): Rule {
  const addedUs = durationUs(added);
  return { kind: 'line', change: (line) => makeLine({ jitterUs: line.jitterUs + addedUs }, line) };
}
