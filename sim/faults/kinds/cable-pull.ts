/** The cable comes out. */

import { boardFault } from './board-fault.ts';

export const cablePullFault = boardFault(
  {
    summary: 'the cable is out: its own end sees the carrier fall, the far end is told nothing',
    firmware: 'running',
    realTier: 'T0',
    mutes: true,
  },
  (machine) => machine.cable.pull(),
  (machine) => machine.cable.plug(),
);
