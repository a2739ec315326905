/** The network interface is set down. */

import { boardFault } from './board-fault.ts';

export const interfaceDownFault = boardFault(
  {
    summary: 'the network interface is set down: it has no carrier and no route, and sent packets are lost',
    firmware: 'running',
    realTier: undefined,
    mutes: true,
    needsOurStack: true,
  },
  (machine) => machine.setLost('interface-down', true),
  (machine) => machine.setLost('interface-down', false),
);
