/** The first sequence number of a connection (RFC 9293 3.4.1), as stacks make it. */

/** RFC 6528 3: ISN = M + F(the two ends, a secret). Linux's secure_tcp_seq: M is a clock of 64 ns. */
export function clockedIss(
  nowUs: number,
  secret: number,
  localAddress: number,
  localPort: number,
  remoteAddress: number,
  remotePort: number,
): number {
  const clock = Math.floor((nowUs * 1000) / 64) % 2 ** 32;
  let hash = mix(secret, localAddress);
  hash = mix(hash, remoteAddress);
  hash = mix(hash, (localPort << 16) | remotePort);
  return (clock + hash) | 0;
}

/**
 * MurmurHash3's rounds: nobody in this world guesses numbers, they must only differ from one pair of ends to another.
 */
export function mix(hash: number, value: number): number {
  let k = Math.imul(value, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = hash ^ k;
  const rotated = (h << 13) | (h >>> 19);
  const sum = (Math.imul(rotated, 5) + 0xe6546b64) | 0;
  const spread = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
  return spread ^ (spread >>> 13);
}
