/** The firmware crashes, as a process does. */

import { boardFault } from './board-fault.ts';

export const crashFault = boardFault(
  {
    summary: 'the firmware dies as a process under an operating system, which closes its connections (FIN)',
    firmware: 'dead',
    realTier: 'T1',
    mutes: false,
  },
  (machine) => machine.crash(),
  (machine) => machine.restartCrashed(),
);
