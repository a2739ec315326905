/** Facts about the real network that a world is joined to. */

import type { Clock } from '../../hal/clock.ts';
import type { Block } from '../lan.ts';

export interface GatewayOptions {
  /** The addresses of the devices, and of the real network's end. */
  readonly block: Block;
  /** Address of the real network's end of the way out: the server's. */
  readonly address: number;
  /**
   * 32 bits that no two runs have in common. Two runs of one seed would meet each other's sockets in the real kernel,
   * had they the same ports and sequence numbers.
   */
  readonly salt: number;
  /** Takes packets for the real network: whole ones, one after the other, in pieces that it may keep. */
  readonly write: (bytes: Uint8Array) => void;
  /** A clock of real time, whose alarm nobody else uses. */
  readonly clock: Clock;
}
