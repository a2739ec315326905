/** The cable becomes narrow. */

import { bandwidth as bandwidthRule } from '../../link/rules/index.ts';
import { BANDWIDTH, bandwidthOf } from '../argument.ts';
import { cableFault } from './cable-fault.ts';

export const bandwidth = cableFault({
  summary: 'no more than so much, each way; what does not fit the queue is lost',
  argument: BANDWIDTH,
  rule: (most) => bandwidthRule(bandwidthOf(most)),
  effect: () => 'harms',
});
