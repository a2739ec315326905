/** Packets are overtaken. */

import { reorder as reorderRule } from '../../link/rules/index.ts';
import { SHARE, shareOf } from '../argument.ts';
import { cableFault } from './cable-fault.ts';

/** Longer than the answer to what was sent takes on most ways, so that it is overtaken for certain where anything follows it soon. */
const HELD = '100ms';

export const reorder = cableFault({
  summary: `such a share of packets is held back for ${HELD}, each way, and overtaken by those that follow`,
  argument: SHARE,
  rule: (share) => reorderRule(shareOf(share), HELD),
  effect: () => 'harms',
});
