/** Packets take now longer and now not. */

import { jitter as jitterRule } from '../../link/rules/index.ts';
import { TIME, timeOf } from '../argument.ts';
import { cableFault } from './cable-fault.ts';

export const jitter = cableFault({
  summary: 'packets take from 0 to so much longer, each way, in order',
  argument: TIME,
  rule: (added) => jitterRule(timeOf(added)),
  effect: () => 'harms',
});
