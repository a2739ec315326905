/** Packets are lost, each by itself. */

import { loss } from '../../link/rules/index.ts';
import { drawShare, SHARE, shareOf } from '../argument.ts';
import { NO_SLOWDOWN } from '../kind.ts';
import { cableFault } from './cable-fault.ts';

export const lossFault = cableFault({
  summary: 'this share of packets is lost, in both directions',
  argument: SHARE,
  rule: (share) => loss(shareOf(share)),
  effect: (share) => (shareOf(share) === 1 ? 'cuts' : 'harms'),
  slowdown: () => NO_SLOWDOWN,
  drawArgument: drawShare,
});
