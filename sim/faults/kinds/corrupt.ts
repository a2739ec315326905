/** Bits are flipped on the way. */

import { corrupt as corruptRule } from '../../link/rules/index.ts';
import { drawShare, SHARE, shareOf } from '../argument.ts';
import { NO_SLOWDOWN } from '../kind.ts';
import { cableFault } from './cable-fault.ts';

export const corrupt = cableFault({
  summary: 'in such a share of packets a bit is flipped, each way; their checksums find it, and they are lost',
  argument: SHARE,
  rule: (share) => corruptRule(shareOf(share)),
  effect: (share) => (shareOf(share) === 1 ? 'cuts' : 'harms'),
  slowdown: () => NO_SLOWDOWN,
  drawArgument: drawShare,
});
