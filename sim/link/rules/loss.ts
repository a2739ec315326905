/** Packets are lost, each with a probability of its own. */

import { makeLine } from '../line.ts';
import { probability, type Share } from '../options.ts';
import type { Rule } from '../rule.ts';

/** Loses this share of packets, beside the line's own loss. */
export function loss(share: Share): Rule {
  const p = probability(share);
  return { kind: 'line', change: (line) => makeLine({ loss: 1 - (1 - line.loss) * (1 - p) }, line) };
}
