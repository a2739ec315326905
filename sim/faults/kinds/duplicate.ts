/** Packets arrive twice. */

import { duplicate as duplicateRule } from '../../link/rules/index.ts';
import { SHARE, shareOf } from '../argument.ts';
import { NO_SLOWDOWN } from '../kind.ts';
import { cableFault } from './cable-fault.ts';

export const duplicate = cableFault({
  summary: 'such a share of packets arrives twice, each way',
  argument: SHARE,
  rule: (share) => duplicateRule(shareOf(share)),
  effect: () => 'harms',
  slowdown: () => NO_SLOWDOWN,
  drawArgument: (dice) => `${dice.whole(1, 60)}%`,
});
