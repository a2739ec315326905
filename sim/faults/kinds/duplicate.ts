/** Packets arrive twice. */

import { duplicate } from '../../link/rules/index.ts';
import { SHARE, shareOf } from '../argument.ts';
import { NO_SLOWDOWN } from '../kind.ts';
import { cableFault } from './cable-fault.ts';

export const duplicateFault = cableFault({
  summary: 'this share of packets arrives twice, in both directions',
  argument: SHARE,
  rule: (share) => duplicate(shareOf(share)),
  effect: () => 'harms',
  slowdown: () => NO_SLOWDOWN,
  drawArgument: (dice) => `${dice.whole(1, 60)}%`,
});
