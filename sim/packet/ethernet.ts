/**
 * An Ethernet frame as a network interface takes it from the wire: whole, from preamble to frame check sequence, or not
 * at all (IEEE 802.3, 4.2.4).
 */

import { crc32 } from '../crc32.ts';

const PREAMBLE_BYTES = 8;
const HEADER_BYTES = 14;
const FCS_BYTES = 4;
const IPV4 = 0x0800;

/** The longest: preamble, header, 1500 bytes, frame check sequence. */
export const ETHERNET_FRAME_BYTES_MAX = PREAMBLE_BYTES + HEADER_BYTES + 1500 + FCS_BYTES;

/** The IPv4 packet in a frame, with what pads it; undefined: there is none, or the frame is damaged. */
export function ipv4Of(frame: Uint8Array): Uint8Array | undefined {
  const end = frame.length - FCS_BYTES;
  const at = PREAMBLE_BYTES + HEADER_BYTES;
  if (end < at + 46 || frame.length > ETHERNET_FRAME_BYTES_MAX) return undefined;
  if (!frame.subarray(0, PREAMBLE_BYTES).every((byte, i) => byte === (i === 7 ? 0xd5 : 0x55))) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (view.getUint32(end, true) !== crc32(frame.subarray(PREAMBLE_BYTES, end))) return undefined;
  return view.getUint16(at - 2) === IPV4 ? frame.subarray(at, end) : undefined;
}

/** What a capture has of it: no preamble. */
export function capturedBytes(frame: Uint8Array): Uint8Array {
  return frame.subarray(PREAMBLE_BYTES);
}
