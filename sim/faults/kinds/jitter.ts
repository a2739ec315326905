/** Packets take now longer and now not. */

import { jitter } from '../../link/rules/index.ts';
import { formatDuration } from '../../time/duration.ts';
import { TIME, timeOf } from '../argument.ts';
import { NO_SLOWDOWN } from '../kind.ts';
import { cableFault } from './cable-fault.ts';

export const jitterFault = cableFault({
  summary: 'packets take from 0 to so much longer, each way, in order',
  argument: TIME,
  rule: (added) => jitter(timeOf(added)),
  effect: () => 'harms',
  slowdown: (added) => ({ ...NO_SLOWDOWN, delayMs: timeOf(added) }),
  drawArgument: (dice) => formatDuration(dice.magnitude(10, 1000)),
});
