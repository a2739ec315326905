/** The address of a network interface is removed. */

import { boardFault } from './board-fault.ts';

export const addressRemovedFault = boardFault(
  {
    summary: 'the network interface loses its address: it has a carrier, but no route, and sent packets are lost',
    firmware: 'running',
    realTier: undefined,
    mutes: true,
    needsOurStack: true,
  },
  (machine) => machine.setLost('address-removed', true),
  (machine) => machine.setLost('address-removed', false),
);
