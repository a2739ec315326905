/** Packets take longer. */

import { makeLine } from '../line.ts';
import type { Rule } from '../rule.ts';

/** `addedUs` longer than without it. Packets that are on their way already are not held up, and are not overtaken when it ends. */
export function latency(addedUs: number): Rule {
  makeLine({ delayUs: addedUs });
  return { kind: 'line', change: (line) => makeLine({ delayUs: line.delayUs + addedUs }, line) };
}
