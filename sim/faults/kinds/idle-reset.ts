/** A box on the way resets connections that are idle. */

import { FlowTable } from '../../link/flow-table.ts';
import { durationUs, formatDuration } from '../../time/duration.ts';
import { TIME, timeOf } from '../argument.ts';
import { type KindOfFault, networkOf, NO_SLOWDOWN } from '../kind.ts';

export const idleResetFault: KindOfFault = {
  summary: 'a box on the way resets each connection that is idle for this time: both ends get a RST at that moment',
  argument: { ...TIME, what: 'a time such as 4m, for which a connection is idle', example: '4m' },
  lasts: () => true,
  effect: () => 'latent',
  firmware: 'running',
  realTier: undefined,
  isShared: false,
  mutes: () => false,
  slowdown: () => NO_SLOWDOWN,
  drawArgument: (dice) => formatDuration(dice.magnitude(1, 60) * 1000),
  begin: (victim, idle) => {
    const { cable, timeline, udpFrom, connections, onForgotten } = networkOf(victim);
    if (idle === undefined) throw new Error('this fault needs to know how long');
    const idleUs = durationUs(timeOf(idle));
    return new FlowTable(timeline, { unknown: 'adopted', idleUs, udpFrom, resets: true, onForgotten }).install(
      cable,
      connections(),
    );
  },
};
