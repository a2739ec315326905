/** The answer to a segment that belongs to no connection (RFC 9293 3.10.7.1). */

import { type Packet, RST } from '../../packet/packet.ts';
import { makeReset } from '../../packet/reset.ts';
import type { TcpStack } from './tcb.ts';

/** Sends RST to who sent this, so that it fits in there; a RST itself is not answered. */
export function resetReply(stack: TcpStack, packet: Packet): void {
  if ((packet.flags & RST) !== 0) return;
  const reset = stack.newReply(packet);
  makeReset(reset, packet);
  stack.transmit(reset);
}
