/** The reset that answers a segment which belongs to no connection (RFC 9293 3.10.7.1). */

import { ACK, type Packet, RST, segmentEnd, TCP } from './packet.ts';

/** Makes `reset`, which goes back to where `packet` came from, the RST that its sender accepts. */
export function makeReset(reset: Packet, packet: Packet): void {
  reset.protocol = TCP;
  reset.window = 0;
  if ((packet.flags & ACK) !== 0) {
    reset.seq = packet.ack;
    reset.ack = 0;
    reset.flags = RST;
  } else {
    reset.seq = 0;
    reset.ack = segmentEnd(packet);
    reset.flags = RST | ACK;
  }
}
