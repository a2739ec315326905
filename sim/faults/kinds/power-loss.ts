/** The power goes. */

import { boardFault } from './board-fault.ts';

export const powerLossFault = boardFault(
  {
    summary: 'the power is off: the host sends nothing, and its stack forgets everything; it boots when power returns',
    firmware: 'off',
    realTier: 'T0',
    mutes: true,
  },
  (machine) => machine.power.cut(),
  (machine) => machine.power.restore(),
);
