/** The cable becomes narrow. */

import { bandwidth } from '../../link/rules/index.ts';
import { BANDWIDTH, bandwidthOf } from '../argument.ts';
import { NO_SLOWDOWN } from '../kind.ts';
import { cableFault } from './cable-fault.ts';

export const bandwidthFault = cableFault({
  summary: 'the bandwidth is limited in both directions; packets that do not fit the queue are lost',
  argument: BANDWIDTH,
  rule: (most) => bandwidth(bandwidthOf(most)),
  effect: () => 'harms',
  slowdown: (most) => ({ ...NO_SLOWDOWN, bandwidthBps: bandwidthOf(most) }),
  drawArgument: (dice) => dice.pick(['9600bit/s', '64kbit/s', '1Mbit/s']),
});
