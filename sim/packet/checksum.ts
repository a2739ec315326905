/** The Internet checksum (RFC 1071): the complement of the ones' complement sum of 16-bit words. */

import type { Packet } from './packet.ts';

/** Adds the bytes from `from` up to `to` to `sum`. An odd last byte counts as the upper half of a word (RFC 1071 1). */
export function addBytes(sum: number, view: DataView, from: number, to: number): number {
  let at = from;
  for (; at + 1 < to; at += 2) sum += view.getUint16(at);
  return at < to ? sum + (view.getUint8(at) << 8) : sum;
}

/**
 * Adds the pseudo-header of TCP and UDP (RFC 9293 3.1, RFC 768): what is on the wire twice, so that no packet is taken
 * by the wrong host.
 */
export function addPseudoHeader(sum: number, packet: Packet, segmentBytes: number): number {
  const { source, destination, protocol } = packet;
  return (
    sum + (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + protocol + segmentBytes
  );
}

/** The checksum of a sum, 0 where the checksum was in the sum and right. */
export function checksum(sum: number): number {
  // Carries out of the word come in again at its other end; a packet's sum is below 2^32, and so two rounds are enough.
  sum = (sum >>> 16) + (sum & 0xffff);
  return ~((sum >>> 16) + sum) & 0xffff;
}
