/** Packets take now longer and now not, and keep their order. */

import { makeLine } from '../line.ts';
import type { Rule } from '../rule.ts';

/** From 0 to `addedUs` longer, beside what the line varies by anyway. */
export function jitter(addedUs: number): Rule {
  makeLine({ jitterUs: addedUs });
  return { kind: 'line', change: (line) => makeLine({ jitterUs: line.jitterUs + addedUs }, line) };
}
