/** A box on the way forgets connections. */

import { FlowTable } from '../../link/flow-table.ts';
import { durationUs, formatDuration } from '../../time/duration.ts';
import { TIME, timeOf } from '../argument.ts';
import { type KindOfFault, networkOf, NO_SLOWDOWN } from '../kind.ts';

export const natTimeoutFault: KindOfFault = {
  summary:
    'a NAT box on the way forgets all connections now, or with a time each connection that is idle for that time; it drops their packets',
  argument: { ...TIME, what: 'a time such as 5m, for which a connection is idle', example: '5m', isOptional: true },
  lasts: (idle) => idle !== undefined,
  effect: (idle) => (idle === undefined ? 'cuts' : 'latent'),
  firmware: 'running',
  realTier: undefined,
  isShared: false,
  mutes: () => false,
  slowdown: () => NO_SLOWDOWN,
  drawArgument: (dice) => (dice.chance(0.5) ? undefined : formatDuration(dice.magnitude(1, 60) * 1000)),
  begin: (victim, idle) => {
    const { cable, timeline, udpFrom, connections, forgetFlows, onForgotten } = networkOf(victim);
    if (idle === undefined) {
      forgetFlows();
      return undefined;
    }
    // A connection that is silent from the beginning is reported, too, when the box forgets it.
    const box = new FlowTable(timeline, {
      unknown: 'adopted', udpFrom, idleUs: durationUs(timeOf(idle)), onForgotten,
    });
    return box.install(cable, connections());
  },
};
