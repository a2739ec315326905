/** Bits are flipped on the way. */

import { corrupt } from '../../link/rules/index.ts';
import { drawShare, SHARE, shareOf } from '../argument.ts';
import { NO_SLOWDOWN } from '../kind.ts';
import { cableFault } from './cable-fault.ts';

export const corruptFault = cableFault({
  summary: 'a bit is flipped in this share of packets, in both directions; the checksum fails, and the packet is lost',
  argument: SHARE,
  rule: (share) => corrupt(shareOf(share)),
  effect: (share) => (shareOf(share) === 1 ? 'cuts' : 'harms'),
  slowdown: () => NO_SLOWDOWN,
  drawArgument: drawShare,
});
