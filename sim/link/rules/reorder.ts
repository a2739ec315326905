/** Packets are overtaken. */

import { chance } from '../../random.ts';
import { checkProbability, makeLine } from '../line.ts';
import type { Rule } from '../rule.ts';

/** A packet is held back by `heldUs` with this probability; those that are sent meanwhile overtake it. */
export function reorder(probability: number, heldUs: number): Rule {
  checkProbability(probability);
  makeLine({ delayUs: heldUs });
  return { kind: 'packet', newJudge: () => (_packet, random) => (chance(random, probability) ? heldUs : 'pass') };
}
