/** Packets take longer. */

import { latency } from '../../link/rules/index.ts';
import { formatDuration } from '../../time/duration.ts';
import { TIME, timeOf } from '../argument.ts';
import { NO_SLOWDOWN } from '../kind.ts';
import { cableFault } from './cable-fault.ts';

export const latencyFault = cableFault({
  summary: 'packets take this much longer, in both directions',
  argument: TIME,
  rule: (added) => latency(timeOf(added)),
  effect: () => 'harms',
  slowdown: (added) => ({ ...NO_SLOWDOWN, delayMs: timeOf(added) }),
  drawArgument: (dice) => formatDuration(dice.magnitude(10, 3000)),
});
