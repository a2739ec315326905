/** Packets take now longer and now not. */

import { jitter } from '../../link/rules/index.ts';
import { formatDuration } from '../../time/duration.ts';
import { TIME, timeOf } from '../argument.ts';
import { NO_SLOWDOWN } from '../kind.ts';
import { cableFault } from './cable-fault.ts';

export const jitterFault = cableFault({
  summary: 'each packet takes a random time from 0 to this longer, in both directions; the order stays',
  argument: TIME,
  rule: (added) => jitter(timeOf(added)),
  effect: () => 'harms',
  slowdown: (added) => ({ ...NO_SLOWDOWN, delayMs: timeOf(added) }),
  drawArgument: (dice) => formatDuration(dice.magnitude(10, 1000)),
});
