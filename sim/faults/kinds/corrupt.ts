/** Bits are flipped on the way. */

import { corrupt } from '../../link/rules/index.ts';
import { drawShare, SHARE, shareOf } from '../argument.ts';
import { NO_SLOWDOWN } from '../kind.ts';
import { cableFault } from './cable-fault.ts';

export const corruptFault = cableFault({
  summary: 'in such a share of packets a bit is flipped, each way; their checksums find it, and they are lost',
  argument: SHARE,
  rule: (share) => corrupt(shareOf(share)),
  effect: (share) => (shareOf(share) === 1 ? 'cuts' : 'harms'),
  slowdown: () => NO_SLOWDOWN,
  drawArgument: drawShare,
});
