/** Packets take longer. */

import { latency as latencyRule } from '../../link/rules/index.ts';
import { formatDuration } from '../../time/duration.ts';
import { TIME, timeOf } from '../argument.ts';
import { NO_SLOWDOWN } from '../kind.ts';
import { cableFault } from './cable-fault.ts';

export const latency = cableFault({
  summary: 'packets take so much longer, each way',
  argument: TIME,
  rule: (added) => latencyRule(timeOf(added)),
  effect: () => 'harms',
  slowdown: (added) => ({ ...NO_SLOWDOWN, delayMs: timeOf(added) }),
  drawArgument: (dice) => formatDuration(dice.magnitude(10, 3000)),
});
