/** The power goes. */

import { boardFault } from './board-fault.ts';

export const powerLossFault = boardFault(
  {
    summary: 'the power is off: nothing is sent, the stack forgets everything; with the power it boots again',
    firmware: 'off',
    realTier: 'T0',
    mutes: true,
  },
  (machine) => machine.power.cut(),
  (machine) => machine.power.restore(),
);
