/** Connections are reset. */

import { boardFault } from './board-fault.ts';

export const resetFault = boardFault(
  {
    summary: 'a box on the way resets the connections: both ends get a RST',
    firmware: 'running',
    realTier: 'T1',
    mutes: false,
  },
  (machine) => machine.resetConnections(),
);
