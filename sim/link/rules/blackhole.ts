/** Nothing gets through, and nobody is told: installed on one direction, half of the cable is dead. */

import type { Rule } from '../rule.ts';

export function blackhole(): Rule {
  return { kind: 'packet', newJudge: () => () => 'one-way' };
}
