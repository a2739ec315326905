/** The ports at which packets can arrive: a host's interface, the far end of a cable, a switch, a side of a NAT box. */

import type { Packet } from '../packet/packet.ts';

export interface Receiver {
  /** A packet has arrived; it belongs to the receiver from now on, which passes it on or gives it back to the pool. */
  receive(packet: Packet): void;
}

/** A port that a cable can be plugged into and pulled out of. */
export interface Port extends Receiver {
  /** The near end of the cable has a carrier, or has lost it. */
  carrierChanged(up: boolean): void;
}
