/** Packets are lost, each with a probability of its own. */

import { checkProbability, makeLine } from '../line.ts';
import type { Rule } from '../rule.ts';

/** Beside what the line loses anyway. */
export function loss(probability: number): Rule {
  checkProbability(probability);
  return { kind: 'line', change: (line) => makeLine({ loss: 1 - (1 - line.loss) * (1 - probability) }, line) };
}
