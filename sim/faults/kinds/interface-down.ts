/** The network interface is set down. */

import { boardFault } from './board-fault.ts';

export const interfaceDownFault = boardFault(
  {
    summary: 'the network interface is set down: no carrier, no route; what is sent is lost',
    firmware: 'running',
    realTier: undefined,
    mutes: true,
    needsOurStack: true,
  },
  (machine) => machine.setLost('interface-down', true),
  (machine) => machine.setLost('interface-down', false),
);
