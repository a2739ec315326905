/** The network interface that a board needs; there is one kind for real sockets (sim/bench). */

import type { Network } from '../../hal/network.ts';
import type { Interrupts } from './interrupts.ts';
import type { InterfaceLoss } from './machine.ts';

export interface Nic {
  /** Power comes on: the network for the firmware of this boot. Of connections from before, the stack knows nothing. */
  powerOn(interrupts: Interrupts): Network;

  /** Power goes, or the chip is reset: the stack's state is gone, and nothing is sent. */
  powerOff(): void;

  /** The cable comes out, or goes back in. */
  setCarrier(up: boolean): void;

  /** The firmware ends as a process does whose operating system lives on: its sockets are closed. */
  closeAll(): void;

  /** Something on the way resets the connections; both ends see it. */
  resetAll(): void;

  /** The interface loses something, or has it back. Throws over real sockets. */
  setLost(loss: InterfaceLoss, isLost: boolean): void;
  hasLost(loss: InterfaceLoss): boolean;

  /** Gives the interface another address. Throws over real sockets. */
  changeAddress(): void;
}
