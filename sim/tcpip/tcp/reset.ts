/** The answer to a segment that belongs to no connection (RFC 9293 3.10.7.1). */

import { ACK, RST, TCP, type Packet } from '../packet.ts';
import { segmentEnd } from './input.ts';
import type { TcpStack } from './tcb.ts';

/** Sends RST to who sent this, so that it fits in there; a RST itself is not answered. */
export function resetReply(stack: TcpStack, packet: Packet): void {
  if ((packet.flags & RST) !== 0) return;
  const reset = stack.newReply(packet);
  makeReset(reset, packet);
  stack.transmit(reset);
}

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
