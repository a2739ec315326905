/**
 * SYN cookies (RFC 4987 3.6; Linux's net/ipv4/syncookies.c): a first sequence number that tells, when it is
 * acknowledged, what the SYN was like, so that nothing of it need be kept.
 */

import { mix } from './initial-seq.ts';

/** The facts about a SYN that its cookie holds. */
export interface SynCookie {
  readonly mssBytes: number;
  /** -1: not there. */
  readonly windowScale: number;
}

/** The two ends, and the peer's first sequence number. */
export interface CookieEnds {
  readonly localPort: number;
  readonly remoteAddress: number;
  readonly remotePort: number;
  readonly seq: number;
}

/** Linux's msstab: the largest that the peer's is not below. */
const MSS_BYTES = [536, 1300, 1440, 1460] as const;
const MSS_BITS = 2;
const SCALE_BITS = 4;
const KNOWN_BITS = MSS_BITS + SCALE_BITS;
/** Linux's tcp_cookie_time, and MAX_SYNCOOKIE_AGE: one of this minute or the last counts. */
const MINUTE_US = 60_000_000;

export function makeCookie(secret: number, ends: CookieEnds, nowUs: number, seen: SynCookie): number {
  const { mssBytes, windowScale } = seen;
  const mss = Math.max(MSS_BYTES.findLastIndex((bytes) => bytes <= mssBytes), 0);
  const known = ((windowScale + 1) << MSS_BITS) | mss;
  return (hashOf(secret, ends, Math.floor(nowUs / MINUTE_US)) << KNOWN_BITS) | known;
}

/** undefined: it is none of ours. */
export function readCookie(secret: number, ends: CookieEnds, nowUs: number, cookie: number): SynCookie | undefined {
  const minute = Math.floor(nowUs / MINUTE_US);
  const hash = cookie & ~KNOWN_MASK;
  const isOurs = [minute, minute - 1].some((then) => hashOf(secret, ends, then) << KNOWN_BITS === hash);
  if (!isOurs) return undefined;
  const mssBytes = MSS_BYTES[cookie & ((1 << MSS_BITS) - 1)] ?? MSS_BYTES[0];
  return { mssBytes, windowScale: ((cookie & KNOWN_MASK) >> MSS_BITS) - 1 };
}

const KNOWN_MASK = (1 << KNOWN_BITS) - 1;

function hashOf(secret: number, { localPort, remoteAddress, remotePort, seq }: CookieEnds, minute: number): number {
  return mix(mix(mix(mix(secret, remoteAddress), (localPort << 16) | remotePort), seq), minute);
}
