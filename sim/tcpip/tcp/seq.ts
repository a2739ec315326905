/**
 * Sequence numbers: 32 bits that wrap (RFC 9293 3.4), kept as integers with a sign, so that a difference is one
 * subtraction: `distance(a, b) > 0` says that b comes after a.
 */

/** Returns the distance by which `to` is ahead of `from`; below 0 if it is behind. */
export function distance(from: number, to: number): number {
  return (to - from) | 0;
}

/** The number `bytes` further on. */
export function advance(seq: number, bytes: number): number {
  return (seq + bytes) | 0;
}

/** The one that is further on. */
export function later(a: number, b: number): number {
  return distance(a, b) > 0 ? b : a;
}

/** The one that is less far on. */
export function earlier(a: number, b: number): number {
  return distance(a, b) > 0 ? a : b;
}
