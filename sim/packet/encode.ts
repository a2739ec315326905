/** Packets as the bytes that would be on the wire, from the IPv4 header or the one of ARP on. */

import { addBytes, addPseudoHeader, checksum } from './checksum.ts';
import { HEADER_BYTES, MAXIMUM_SEGMENT_SIZE, NO_OPERATION, QUOTED_DATA_BYTES, WINDOW_SCALE } from './layout.ts';
import { ethernetAddress } from './ethernet-address.ts';
import { ARP, ARP_BYTES, ARP_REPLY, ICMP, ipBytes, isIcmpError, type Packet, TCP, UDP } from './packet.ts';

const DO_NOT_FRAGMENT = 0x4000;

const ARP_HARDWARE_ETHERNET = 1;
const ETHERTYPE_IPV4 = 0x0800;

/** Writes `packet` to the start of `into`, with right checksums. Returns its length, which is ipBytes(packet). */
export function encodePacket(packet: Packet, into: Uint8Array): number {
  const bytes = ipBytes(packet);
  if (bytes > 0xffff) throw new Error(`An IPv4 packet has 65535 bytes at most, not ${bytes}.`);
  if (bytes > into.length) throw new Error(`A packet of ${bytes} bytes does not fit into ${into.length}.`);
  const view = new DataView(into.buffer, into.byteOffset, bytes);
  if (packet.protocol === ARP) {
    encodeArp(packet, into);
    return bytes;
  }
  encodeIpHeader(packet, view, 0);
  switch (packet.protocol) {
    case TCP:
      encodeTcp(packet, view);
      break;
    case UDP:
      encodeUdp(packet, view);
      break;
    case ICMP:
      if (isIcmpError(packet)) encodeIcmpError(packet, view);
      else encodeEcho(packet, view);
      break;
  }
  return bytes;
}

function encodeIpHeader(packet: Packet, view: DataView, at: number): void {
  view.setUint16(at, 0x4500);
  view.setUint16(at + 2, ipBytes(packet));
  view.setUint16(at + 4, packet.identification);
  view.setUint16(at + 6, packet.dontFragment ? DO_NOT_FRAGMENT : 0);
  view.setUint8(at + 8, packet.timeToLive);
  view.setUint8(at + 9, packet.protocol);
  view.setUint16(at + 10, 0);
  view.setInt32(at + 12, packet.source);
  view.setInt32(at + 16, packet.destination);
  view.setUint16(at + 10, checksum(addBytes(0, view, at, at + HEADER_BYTES.ip)));
}

function encodeTcp(packet: Packet, view: DataView): void {
  const at = HEADER_BYTES.ip;
  encodePorts(packet, view, at);
  view.setInt32(at + 4, packet.seq);
  view.setInt32(at + 8, packet.ack);
  view.setUint8(at + 13, packet.flags);
  view.setUint16(at + 14, packet.window);
  view.setUint32(at + 16, 0);
  let end = at + HEADER_BYTES.tcp;
  if (packet.mss > 0) {
    view.setUint8(end, MAXIMUM_SEGMENT_SIZE.kind);
    view.setUint8(end + 1, MAXIMUM_SEGMENT_SIZE.bytes);
    view.setUint16(end + 2, packet.mss);
    end += 4;
  }
  if (packet.windowScale >= 0) {
    // The header ends at a multiple of 4 bytes; the padding comes first, as Linux has it (tcp_options_write).
    view.setUint8(end, NO_OPERATION);
    view.setUint8(end + 1, WINDOW_SCALE.kind);
    view.setUint8(end + 2, WINDOW_SCALE.bytes);
    view.setUint8(end + 3, packet.windowScale);
    end += 4;
  }
  // The header's length in words of 4 bytes, in the upper half of a byte.
  view.setUint8(at + 12, (end - at) << 2);
  encodePayload(packet, view, end);
  const sum = addPseudoHeader(0, packet, view.byteLength - at);
  view.setUint16(at + 16, checksum(addBytes(sum, view, at, view.byteLength)));
}

function encodeUdp(packet: Packet, view: DataView): void {
  const at = HEADER_BYTES.ip;
  encodePorts(packet, view, at);
  view.setUint16(at + 4, HEADER_BYTES.udp + packet.payloadBytes);
  view.setUint16(at + 6, 0);
  encodePayload(packet, view, at + HEADER_BYTES.udp);
  const sum = addPseudoHeader(0, packet, view.byteLength - at);
  // RFC 768: 0 says that there is no checksum; one that is 0 is sent as its other form.
  view.setUint16(at + 6, checksum(addBytes(sum, view, at, view.byteLength)) || 0xffff);
}

/** RFC 792: the header, and of what could not be delivered its IPv4 header and 8 bytes. */
function encodeIcmpError(packet: Packet, view: DataView): void {
  const { quoted } = packet;
  if (quoted === undefined) throw new Error('An ICMP error quotes the packet that it is about.');
  // RFC 1122 3.2.2.
  if (quoted.protocol === ICMP) throw new Error('An ICMP error is never about another one.');
  const at = HEADER_BYTES.ip;
  view.setUint8(at, packet.icmpType);
  view.setUint8(at + 1, packet.code);
  view.setUint16(at + 2, 0);
  view.setUint32(at + 4, packet.nextHopMtuBytes);
  const quote = new Uint8Array(ipBytes(quoted));
  encodePacket(quoted, quote);
  for (let i = 0; i < HEADER_BYTES.ip + QUOTED_DATA_BYTES; i++) {
    view.setUint8(at + HEADER_BYTES.icmp + i, quote[i] ?? 0);
  }
  view.setUint16(at + 2, checksum(addBytes(0, view, at, view.byteLength)));
}

/** RFC 826, for Ethernet and IPv4. A request does not know the address that it asks for. */
function encodeArp({ code, source, destination, isBroadcast }: Packet, into: Uint8Array): void {
  const view = new DataView(into.buffer, into.byteOffset, ARP_BYTES);
  view.setUint16(0, ARP_HARDWARE_ETHERNET);
  view.setUint16(2, ETHERTYPE_IPV4);
  view.setUint8(4, 6);
  view.setUint8(5, 4);
  view.setUint16(6, code);
  into.set(ethernetAddress(source), 8);
  view.setInt32(14, source);
  into.set(code === ARP_REPLY || !isBroadcast ? ethernetAddress(destination) : new Uint8Array(6), 18);
  view.setInt32(24, destination);
}

/** A ping, or the answer to it (RFC 792). */
function encodeEcho(packet: Packet, view: DataView): void {
  const at = HEADER_BYTES.ip;
  view.setUint8(at, packet.icmpType);
  view.setUint8(at + 1, 0);
  view.setUint16(at + 2, 0);
  view.setInt32(at + 4, packet.seq);
  encodePayload(packet, view, at + HEADER_BYTES.icmp);
  view.setUint16(at + 2, checksum(addBytes(0, view, at, view.byteLength)));
}

function encodePorts(packet: Packet, view: DataView, at: number): void {
  view.setUint16(at, packet.sourcePort);
  view.setUint16(at + 2, packet.destinationPort);
}

function encodePayload(packet: Packet, view: DataView, at: number): void {
  for (let i = 0; i < packet.payloadBytes; i++) view.setUint8(at + i, packet.payload[i] ?? 0);
}
