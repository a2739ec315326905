/** The firmware crashes, as a process does. */

import { boardFault } from './board-fault.ts';

export const crashFault = boardFault(
  {
    summary: 'the firmware dies like a process, and the operating system closes its connections (FIN)',
    firmware: 'dead',
    realTier: 'T1',
    mutes: false,
  },
  (machine) => machine.crash(),
  (machine) => machine.restartCrashed(),
);
