/** Where a packet can arrive: a host's interface, a cable's far end, a switch, a NAT box's side. */

import type { Packet } from '../packet/packet.ts';

export interface Receiver {
  /** A packet has arrived; it belongs to the receiver from now on, which passes it on or gives it back to the pool. */
  receive(packet: Packet): void;
}

/** What a cable is plugged into and can be pulled out of. */
export interface Port extends Receiver {
  /** The near end of the cable has a carrier, or has lost it. */
  carrierChanged(up: boolean): void;
}
