/** Packets arrive twice. */

import { chance } from '../../random.ts';
import { probability, type Share } from '../options.ts';
import type { Rule } from '../rule.ts';

/**
 * Such a share of packets. The copy takes its own time on the line; it is not judged again, and is lost where a later
 * rule loses the packet.
 */
export function duplicate(share: Share): Rule {
  const p = probability(share);
  return { kind: 'packet', newJudge: () => (_packet, random) => (chance(random, p) ? 'duplicate' : 'pass') };
}
