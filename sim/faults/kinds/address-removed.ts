/** The address of a network interface is removed. */

import { boardFault } from './board-fault.ts';

export const addressRemovedFault = boardFault(
  {
    summary: 'the network interface has no address any more: no route, though a carrier; what is sent is lost',
    firmware: 'running',
    realTier: undefined,
    mutes: true,
    needsOurStack: true,
  },
  (machine) => machine.setLost('address-removed', true),
  (machine) => machine.setLost('address-removed', false),
);
