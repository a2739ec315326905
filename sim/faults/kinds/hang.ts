/** The firmware hangs. */

import { boardFault } from './board-fault.ts';

export const hangFault = boardFault(
  {
    summary: 'the firmware stops, its TCP stack lives and goes on answering',
    firmware: 'hung',
    realTier: 'T0',
    mutes: false,
  },
  (machine) => machine.hang(),
  (machine) => machine.unhang(),
);
