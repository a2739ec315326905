/** Packets take longer. */

import { type Duration, durationUs } from '../../time/duration.ts';
import { makeLine } from '../line.ts';
import type { Rule } from '../rule.ts';

/** `added` longer than without it. What is on its way is not held up when it begins, nor overtaken when it ends. */
export function latency(added: Duration): Rule {
  const addedUs = durationUs(added);
  return { kind: 'line', change: (line) => makeLine({ delayUs: line.delayUs + addedUs }, line) };
}
