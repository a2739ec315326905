/** The cable comes out. */

import { boardFault } from './board-fault.ts';

export const cablePullFault = boardFault(
  {
    summary: 'the cable is out: the near end loses its carrier, the far end learns nothing',
    firmware: 'running',
    realTier: 'T0',
    mutes: true,
  },
  (machine) => machine.cable.pull(),
  (machine) => machine.cable.plug(),
);
