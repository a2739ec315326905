/** The firmware hangs. */

import { boardFault } from './board-fault.ts';

export const hangFault = boardFault(
  {
    summary: 'the firmware stops; its TCP stack lives and keeps answering',
    firmware: 'hung',
    realTier: 'T0',
    mutes: false,
  },
  (machine) => machine.hang(),
  (machine) => machine.unhang(),
);
