/** Packets arrive twice. */

import { chance } from '../../random.ts';
import { checkProbability } from '../line.ts';
import type { Rule } from '../rule.ts';

/** The copy takes its own time on the line; it is not judged again, and is lost where a later rule loses the packet. */
export function duplicate(probability: number): Rule {
  checkProbability(probability);
  return { kind: 'packet', newJudge: () => (_packet, random) => (chance(random, probability) ? 'duplicate' : 'pass') };
}
