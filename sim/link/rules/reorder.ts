/** Packets are overtaken. */

import { chance } from '../../random.ts';
import type { Duration } from '../../time/duration.ts';
import { microseconds, probability, type Share } from '../options.ts';
import type { Rule } from '../rule.ts';

/** Such a share of packets is held back for so long; those that are sent meanwhile overtake them. */
export function reorder(share: Share, held: Duration): Rule {
  const p = probability(share);
  const heldUs = microseconds(held);
  return { kind: 'packet', newJudge: () => (_packet, random) => (chance(random, p) ? heldUs : 'pass') };
}
