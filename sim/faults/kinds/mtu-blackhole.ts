/** The MTU black hole: packets that are too large are dropped, and no ICMP message reports that. */

import { mtuBlackhole } from '../../link/rules/index.ts';
import { SIZE, sizeOf } from '../argument.ts';
import { NO_SLOWDOWN } from '../kind.ts';
import { cableFault } from './cable-fault.ts';

export const mtuBlackholeFault = cableFault({
  summary: 'packets with more bytes are dropped without ICMP, in both directions; small packets pass',
  argument: SIZE,
  rule: (bytes) => mtuBlackhole(sizeOf(bytes)),
  effect: () => 'harms',
  slowdown: () => NO_SLOWDOWN,
  drawArgument: (dice) => String(dice.whole(100, 1400)),
});
