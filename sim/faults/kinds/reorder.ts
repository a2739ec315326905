/** Packets are overtaken. */

import { reorder } from '../../link/rules/index.ts';
import { SHARE, shareOf } from '../argument.ts';
import { NO_SLOWDOWN } from '../kind.ts';
import { cableFault } from './cable-fault.ts';

/**
 * Longer than the answer to what was sent takes on most ways, so that it is overtaken for certain where anything
 * follows it soon.
 */
const HELD_MS = 100;

export const reorderFault = cableFault({
  summary: `this share of packets is held back for ${HELD_MS} ms, in both directions; later packets overtake them`,
  argument: SHARE,
  rule: (share) => reorder(shareOf(share), HELD_MS),
  effect: () => 'harms',
  slowdown: () => ({ ...NO_SLOWDOWN, delayMs: HELD_MS }),
  drawArgument: (dice) => `${dice.whole(1, 60)}%`,
});
