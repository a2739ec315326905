/** Packets take longer. */

import { latency as latencyRule } from '../../link/rules/index.ts';
import { TIME, timeOf } from '../argument.ts';
import { cableFault } from './cable-fault.ts';

export const latency = cableFault({
  summary: 'packets take so much longer, each way',
  argument: TIME,
  rule: (added) => latencyRule(timeOf(added)),
  effect: () => 'harms',
});
