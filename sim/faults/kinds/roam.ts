/** The host has another address. */

import { type KindOfFault, NO_SLOWDOWN } from '../kind.ts';

export const roamFault: KindOfFault = {
  summary: 'the host gets another address, as in another network: its old connections fall silent, and its name moves with it',
  argument: undefined,
  lasts: () => false,
  effect: () => 'cuts',
  firmware: 'running',
  realTier: undefined,
  needsOurStack: true,
  // A device that sends datagrams looks the name up only once, so it would not find a server that has moved.
  isForDevices: true,
  isShared: false,
  mutes: () => false,
  slowdown: () => NO_SLOWDOWN,
  drawArgument: () => undefined,
  begin: ({ machine }) => {
    machine.changeAddress();
    return undefined;
  },
};
