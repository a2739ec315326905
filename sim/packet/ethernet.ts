/**
 * An Ethernet frame as a network interface takes it from the wire: whole, from preamble to frame check sequence, or not
 * at all (IEEE 802.3, 4.2.4).
 */

import { crc32 } from '../crc32.ts';
import { encodePacket } from './encode.ts';
import { ETHERNET_BROADCAST, ethernetAddress } from './ethernet-address.ts';
import { ARP, ipBytes, type Packet } from './packet.ts';

const PREAMBLE_BYTES = 8;
const HEADER_BYTES = 14;
const FCS_BYTES = 4;
const IPV4 = 0x0800;
const PAYLOAD_BYTES_MIN = 46;

/** The longest: preamble, header, 1500 bytes, frame check sequence. */
export const ETHERNET_FRAME_BYTES_MAX = PREAMBLE_BYTES + HEADER_BYTES + 1500 + FCS_BYTES;

/** The IPv4 packet in a frame, with what pads it; undefined: there is none, or the frame is damaged. */
export function ipv4Of(frame: Uint8Array): Uint8Array | undefined {
  const end = frame.length - FCS_BYTES;
  const at = PREAMBLE_BYTES + HEADER_BYTES;
  if (end < at + PAYLOAD_BYTES_MIN || frame.length > ETHERNET_FRAME_BYTES_MAX) return undefined;
  if (!frame.subarray(0, PREAMBLE_BYTES).every((byte, i) => byte === (i === 7 ? 0xd5 : 0x55))) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (view.getUint32(end, true) !== crc32(frame.subarray(PREAMBLE_BYTES, end))) return undefined;
  return view.getUint16(at - 2) === IPV4 ? frame.subarray(at, end) : undefined;
}

/** The frame that carries a packet from one host of a local network to another, by their IPv4 addresses. */
export function frameOf(packet: Packet, from: number, to: number): Uint8Array {
  const at = PREAMBLE_BYTES + HEADER_BYTES;
  const end = at + Math.max(ipBytes(packet), PAYLOAD_BYTES_MIN);
  const frame = new Uint8Array(end + FCS_BYTES);
  frame.fill(0x55, 0, PREAMBLE_BYTES - 1);
  frame[PREAMBLE_BYTES - 1] = 0xd5;
  const isBroadcast = packet.protocol === ARP && packet.isBroadcast;
  frame.set(isBroadcast ? ETHERNET_BROADCAST : ethernetAddress(to), PREAMBLE_BYTES);
  frame.set(ethernetAddress(from), PREAMBLE_BYTES + 6);
  const view = new DataView(frame.buffer);
  view.setUint16(at - 2, packet.protocol === ARP ? ARP : IPV4);
  encodePacket(packet, frame.subarray(at));
  view.setUint32(end, crc32(frame.subarray(PREAMBLE_BYTES, end)), true);
  return frame;
}

/** Returns the part of a frame that a capture holds: no preamble. */
export function capturedBytes(frame: Uint8Array): Uint8Array {
  return frame.subarray(PREAMBLE_BYTES);
}
