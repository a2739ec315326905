/** Bytes off the wire as a packet, or what is wrong with them. No bytes make it throw. */

import { addBytes, addPseudoHeader, checksum } from './checksum.ts';
import {
  END_OF_OPTIONS,
  HEADER_BYTES,
  MAXIMUM_SEGMENT_SIZE,
  NO_OPERATION,
  QUOTED_DATA_BYTES,
  WINDOW_SCALE,
} from './layout.ts';
import {
  ACK,
  ARP,
  DESTINATION_UNREACHABLE,
  ECHO_REQUEST,
  ECHO_REPLY,
  FIN,
  FRAGMENTATION_NEEDED,
  ICMP,
  Packet,
  PSH,
  RST,
  SYN,
  TCP,
  TIME_EXCEEDED,
  UDP,
} from './packet.ts';

const VERSION_4 = 4;

/** More fragments, and the fragment's offset. */
const FRAGMENT_BITS = 0x3fff;

const DO_NOT_FRAGMENT = 0x4000;

/**
 * Reads the IPv4 packet at the start of `bytes` into `into`; what comes behind its length is padding. Returns
 * undefined, or why there is none: then what is in `into` means nothing.
 */
export function decodePacket(bytes: Uint8Array, into: Packet): string | undefined {
  into.seq = into.ack = into.flags = into.window = into.mss = into.code = into.nextHopMtuBytes = 0;
  into.windowScale = -1;
  into.quoted = undefined;
  into.reserve(0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = decodeIpHeader(view, 0, into);
  if (typeof headerBytes === 'string') return headerBytes;
  const end = view.getUint16(2);
  if (end < headerBytes) return 'bad IPv4 length';
  if (end > view.byteLength) return 'truncated IPv4 packet';
  switch (into.protocol) {
    case TCP:
      return decodeTcp(view, headerBytes, end, into);
    case UDP:
      return decodeUdp(view, headerBytes, end, into);
    case ICMP:
      return decodeIcmp(view, headerBytes, end, into);
    case ARP:
      return 'not IPv4';
  }
}

/** Returns how long the header is, or what is wrong with it. */
function decodeIpHeader(view: DataView, at: number, into: Packet): number | string {
  if (view.byteLength < at + HEADER_BYTES.ip) return 'truncated IPv4 header';
  if (view.getUint8(at) >>> 4 !== VERSION_4) return 'not IPv4';
  const headerBytes = (view.getUint8(at) & 0xf) * 4;
  if (headerBytes < HEADER_BYTES.ip) return 'bad IPv4 header length';
  if (view.byteLength < at + headerBytes) return 'truncated IPv4 header';
  if (checksum(addBytes(0, view, at, at + headerBytes)) !== 0) return 'bad IPv4 checksum';
  if ((view.getUint16(at + 6) & FRAGMENT_BITS) !== 0) return 'IPv4 fragment';
  into.identification = view.getUint16(at + 4);
  into.dontFragment = (view.getUint16(at + 6) & DO_NOT_FRAGMENT) !== 0;
  into.timeToLive = view.getUint8(at + 8);
  const protocol = view.getUint8(at + 9);
  if (protocol !== TCP && protocol !== UDP && protocol !== ICMP) return `unknown protocol ${protocol}`;
  into.protocol = protocol;
  into.source = view.getInt32(at + 12);
  into.destination = view.getInt32(at + 16);
  return headerBytes;
}

function decodeTcp(view: DataView, at: number, end: number, into: Packet): string | undefined {
  if (end - at < HEADER_BYTES.tcp) return 'truncated TCP header';
  const data = at + (view.getUint8(at + 12) >>> 4) * 4;
  if (data < at + HEADER_BYTES.tcp) return 'bad TCP header length';
  if (data > end) return 'truncated TCP header';
  if (checksum(addBytes(addPseudoHeader(0, into, end - at), view, at, end)) !== 0) return 'bad TCP checksum';
  decodePorts(view, at, into);
  into.seq = view.getInt32(at + 4);
  into.ack = view.getInt32(at + 8);
  // Congestion notification and urgent data are nothing that a stack here knows of.
  into.flags = view.getUint8(at + 13) & (FIN | SYN | RST | PSH | ACK);
  into.window = view.getUint16(at + 14);
  decodePayload(view, data, end, into);
  return decodeTcpOptions(view, at + HEADER_BYTES.tcp, data, into);
}

function decodeTcpOptions(view: DataView, at: number, end: number, into: Packet): string | undefined {
  while (at < end) {
    const kind = view.getUint8(at);
    if (kind === END_OF_OPTIONS) return undefined;
    if (kind === NO_OPERATION) {
      at++;
      continue;
    }
    // RFC 9293 3.1 (MUST-6): an option that is not known has a length all the same, and is skipped.
    const bytes = at + 1 < end ? view.getUint8(at + 1) : 0;
    if (bytes < 2 || at + bytes > end) return 'bad TCP option length';
    if (kind === MAXIMUM_SEGMENT_SIZE.kind) {
      if (bytes !== MAXIMUM_SEGMENT_SIZE.bytes) return 'bad MSS option';
      // One of 0 counts as not there, as in Linux (tcp_parse_options).
      into.mss = view.getUint16(at + 2);
    } else if (kind === WINDOW_SCALE.kind) {
      if (bytes !== WINDOW_SCALE.bytes) return 'bad window scale option';
      into.windowScale = view.getUint8(at + 2);
    }
    at += bytes;
  }
  return undefined;
}

function decodeUdp(view: DataView, at: number, end: number, into: Packet): string | undefined {
  if (end - at < HEADER_BYTES.udp) return 'truncated UDP header';
  const bytes = view.getUint16(at + 4);
  if (bytes < HEADER_BYTES.udp) return 'bad UDP length';
  if (bytes > end - at) return 'truncated UDP datagram';
  // RFC 768: 0 says that there is no checksum.
  const checked = view.getUint16(at + 6) !== 0;
  if (checked && checksum(addBytes(addPseudoHeader(0, into, bytes), view, at, at + bytes)) !== 0) {
    return 'bad UDP checksum';
  }
  decodePorts(view, at, into);
  decodePayload(view, at + HEADER_BYTES.udp, at + bytes, into);
  return undefined;
}

function decodeIcmp(view: DataView, at: number, end: number, into: Packet): string | undefined {
  if (end - at < HEADER_BYTES.icmp) return 'truncated ICMP header';
  if (checksum(addBytes(0, view, at, end)) !== 0) return 'bad ICMP checksum';
  const type = view.getUint8(at);
  into.sourcePort = into.destinationPort = 0;
  switch (type) {
    case ECHO_REQUEST:
    case ECHO_REPLY:
      into.icmpType = type;
      into.seq = view.getInt32(at + 4);
      decodePayload(view, at + HEADER_BYTES.icmp, end, into);
      return undefined;
    case DESTINATION_UNREACHABLE:
    case TIME_EXCEEDED:
      into.icmpType = type;
      return decodeIcmpError(view, at, end, into);
    default:
      return `unknown ICMP type ${type}`;
  }
}

function decodeIcmpError(view: DataView, at: number, end: number, into: Packet): string | undefined {
  into.code = view.getUint8(at + 1);
  // RFC 1191 4: in this one only.
  if (into.icmpType === DESTINATION_UNREACHABLE && into.code === FRAGMENTATION_NEEDED) {
    into.nextHopMtuBytes = view.getUint16(at + 6);
  }
  const quote = at + HEADER_BYTES.icmp;
  const quoted = new Packet();
  const headerBytes = decodeIpHeader(view, quote, quoted);
  if (typeof headerBytes === 'string') return `quoted in ICMP: ${headerBytes}`;
  if (end - quote - headerBytes < QUOTED_DATA_BYTES) return 'truncated ICMP quote';
  // RFC 1122 3.2.2.
  if (quoted.protocol === ICMP) return 'ICMP error about ICMP';
  decodePorts(view, quote + headerBytes, quoted);
  if (quoted.protocol === TCP) quoted.seq = view.getInt32(quote + headerBytes + 4);
  into.quoted = quoted;
  return undefined;
}

function decodePorts(view: DataView, at: number, into: Packet): void {
  into.sourcePort = view.getUint16(at);
  into.destinationPort = view.getUint16(at + 2);
}

function decodePayload(view: DataView, from: number, to: number, into: Packet): void {
  into.reserve(to - from);
  into.payload.set(new Uint8Array(view.buffer, view.byteOffset + from, to - from));
}
