/** Packets take longer. */

import { makeLine } from '../line.ts';
import type { Rule } from '../rule.ts';

/** `addedUs` longer than without it. What is on its way is not held up when it begins, nor overtaken when it ends. */
export function latency(addedUs: number): Rule {
  makeLine({ delayUs: addedUs });
  return { kind: 'line', change: (line) => makeLine({ delayUs: line.delayUs + addedUs }, line) };
}
