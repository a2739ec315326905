/** Where a packet can arrive: a host's interface, a switch's port, a NAT box's side. */

import type { Packet } from '../tcpip/packet.ts';

export interface Port {
  /** A packet has arrived; it belongs to the port from now on, which passes it on or gives it back to the pool. */
  receive(packet: Packet): void;
  /** The near end of the cable has a carrier, or has lost it. */
  carrierChanged(up: boolean): void;
}
