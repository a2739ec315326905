/**
 * The Ethernet heartbeat: a whole frame, as an FPGA without a processor sends it, from preamble to check sequence.
 *
 *     7 x 55, d5               preamble and start frame delimiter   (IEEE 802.3, 3.2.1 and 3.2.2)
 *     destination, source      6 bytes each, then type 0800
 *     IPv4, UDP                20 and 8 bytes, with their checksums (RFC 791, 768)
 *     64 x 00
 *     frame check sequence     CRC-32 of all between                (IEEE 802.3, 3.2.9)
 */

/** Length of the frame, from preamble to frame check sequence. */
export const FRAME_BYTES = 118;
/** Length of the payload: zeros. */
export const BEAT_DATA_BYTES = 64;

const [PREAMBLE_BYTES, ETHERNET_BYTES, IP_BYTES, UDP_BYTES, FCS_BYTES] = [8, 14, 20, 8, 4];
const IP_AT = PREAMBLE_BYTES + ETHERNET_BYTES;
const UDP_AT = IP_AT + IP_BYTES;
const DATA_AT = UDP_AT + UDP_BYTES;
const FCS_AT = FRAME_BYTES - FCS_BYTES;

const UDP = 17;
const TIME_TO_LIVE = 64;

/** One end: its Ethernet address, its IPv4 address, its port. */
export interface FrameEnd {
  readonly mac: readonly number[];
  readonly ip: readonly number[];
  readonly port: number;
}

/** The frame; `identification` is IPv4's, which tells one beat from the next. */
export function heartbeatFrame(source: FrameEnd, destination: FrameEnd, identification: number): Uint8Array {
  const frame = new Uint8Array(FRAME_BYTES);
  const view = new DataView(frame.buffer);
  frame.fill(0x55, 0, PREAMBLE_BYTES - 1);
  frame[PREAMBLE_BYTES - 1] = 0xd5;
  frame.set(destination.mac, PREAMBLE_BYTES);
  frame.set(source.mac, PREAMBLE_BYTES + 6);
  view.setUint16(PREAMBLE_BYTES + 12, 0x0800);

  view.setUint16(IP_AT, 0x4500);
  view.setUint16(IP_AT + 2, IP_BYTES + UDP_BYTES + BEAT_DATA_BYTES);
  view.setUint16(IP_AT + 4, identification & 0xffff);
  frame[IP_AT + 8] = TIME_TO_LIVE;
  frame[IP_AT + 9] = UDP;
  frame.set(source.ip, IP_AT + 12);
  frame.set(destination.ip, IP_AT + 16);
  view.setUint16(IP_AT + 10, checksum(sum(view, IP_AT, UDP_AT)));

  const udpBytes = UDP_BYTES + BEAT_DATA_BYTES;
  view.setUint16(UDP_AT, source.port);
  view.setUint16(UDP_AT + 2, destination.port);
  view.setUint16(UDP_AT + 4, udpBytes);
  // RFC 768: over addresses, protocol and length as well; 0 would say that there is none.
  const ofUdp = sum(view, IP_AT + 12, UDP_AT) + UDP + udpBytes + sum(view, UDP_AT, DATA_AT);
  view.setUint16(UDP_AT + 6, checksum(ofUdp) || 0xffff);

  // Of the CRC the bit of the highest power goes first, of each byte the lowest bit: so its lowest byte comes first.
  view.setUint32(FCS_AT, frameCheckSequence(frame.subarray(PREAMBLE_BYTES, FCS_AT)), true);
  return frame;
}

function sum(view: DataView, from: number, to: number): number {
  let total = 0;
  for (let at = from; at < to; at += 2) total += view.getUint16(at);
  return total;
}

/** RFC 1071. */
function checksum(total: number): number {
  const once = (total & 0xffff) + (total >>> 16);
  return ~((once & 0xffff) + (once >>> 16)) & 0xffff;
}

/** IEEE 802.3's CRC-32, bit by bit: a frame a second needs no table. */
export function frameCheckSequence(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : 0xedb8_8320);
  }
  return ~crc >>> 0;
}
