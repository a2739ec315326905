/** Packets are overtaken. */

import { chance } from '../../random.ts';
import { type Duration, durationUs } from '../../time/duration.ts';
import { probability, type Share } from '../options.ts';
import type { Rule } from '../rule.ts';

/** Holds back this share of packets for the time `held`; packets that are sent meanwhile overtake them. */
export function reorder(share: Share, held: Duration): Rule {
  const p = probability(share);
  const heldUs = durationUs(held);
  return { kind: 'packet', newJudge: () => (_packet, random) => (chance(random, p) ? heldUs : 'pass') };
}
