/** The MTU black hole: packets that are too large are dropped, and no ICMP message reports that. */

import { mtuBlackhole } from '../../link/rules/index.ts';
import { SIZE, sizeOf } from '../argument.ts';
import { NO_SLOWDOWN } from '../kind.ts';
import { cableFault } from './cable-fault.ts';

export const mtuBlackholeFault = cableFault({
  summary: 'packets of more bytes are dropped, each way, and no ICMP tells: small ones pass',
  argument: SIZE,
  rule: (bytes) => mtuBlackhole(sizeOf(bytes)),
  effect: () => 'harms',
  slowdown: () => NO_SLOWDOWN,
  drawArgument: (dice) => String(dice.whole(100, 1400)),
});
