/** A stack does not answer probes without data. */

import { type KindOfFault, networkOf, NO_SLOWDOWN } from '../kind.ts';

export const deafToProbesFault: KindOfFault = {
  summary: 'the TCP stack ignores keepalive probes without data, as some stacks do: the keepalive of others considers it dead',
  argument: undefined,
  lasts: () => true,
  effect: () => 'harms',
  firmware: 'running',
  realTier: undefined,
  needsOurStack: true,
  isShared: true,
  mutes: () => false,
  slowdown: () => NO_SLOWDOWN,
  drawArgument: () => undefined,
  begin: (victim) => {
    const { setDeafToProbes } = networkOf(victim);
    setDeafToProbes(true);
    return () => setDeafToProbes(false);
  },
};
