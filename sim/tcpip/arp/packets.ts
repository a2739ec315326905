/** ARP packets as a stack sends them (RFC 826), and how a packet that waits is known again. */

import { ARP, ARP_REPLY, ARP_REQUEST, type Packet, TCP } from '../../packet/packet.ts';
import type { Stack } from '../stack.ts';

/** Asks who has `address`: everybody, or the one who had it last. */
export function sendArpRequest(stack: Stack, address: number, isBroadcast: boolean): void {
  sendArp(stack, ARP_REQUEST, address, isBroadcast);
}

export function sendArpReply(stack: Stack, { source }: Packet): void {
  sendArp(stack, ARP_REPLY, source, false);
}

function sendArp(
  { host }: Stack, operation: typeof ARP_REQUEST | typeof ARP_REPLY, address: number, isBroadcast: boolean,
): void {
  const packet = host.world.packets.take();
  packet.protocol = ARP;
  packet.code = operation;
  packet.source = host.address;
  packet.destination = address;
  packet.isBroadcast = isBroadcast;
  host.link.send(packet);
}

/** Returns whether a packet is the segment of that connection which begins with `seq`. */
export function isSegment(
  packet: Packet, remoteAddress: number, remotePort: number, localPort: number, seq: number,
): boolean {
  return (
    packet.protocol === TCP &&
    packet.seq === seq &&
    packet.destination === remoteAddress &&
    packet.destinationPort === remotePort &&
    packet.sourcePort === localPort
  );
}
