/** Packets arrive twice. */

import { chance } from '../../random.ts';
import { probability, type Share } from '../options.ts';
import type { Rule } from '../rule.ts';

/**
 * Duplicates this share of packets. The copy has its own time in flight. Rules do not judge the copy again, and it is
 * lost if a later rule loses the packet.
 */
export function duplicate(share: Share): Rule {
  const p = probability(share);
  return { kind: 'packet', newJudge: () => (_packet, random) => (chance(random, p) ? 'duplicate' : 'pass') };
}
