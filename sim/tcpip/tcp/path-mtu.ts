/**
 * Path MTU discovery: a router reports the largest packet that its next link takes (RFC 1191, as in Linux's
 * tcp_v4_mtu_reduced).
 */

import { keepWindowInLoss } from './congestion.ts';
import { retransmitLost } from './output.ts';
import { rearmRetransmission } from './rto.ts';
import { distance } from './seq.ts';
import type { Tcb } from './tcb.ts';

/** Linux's ip_rt_min_pmtu: what is smaller, or not told, is not believed. */
const MTU_BYTES_MIN = 552;
/** The headers of IPv4 and TCP. */
const HEADERS_BYTES = 40;

/**
 * "Fragmentation needed": segments are no longer than `mtuBytes` lets them be, and those in flight that are longer are
 * sent again at once.
 */
export function lowerPathMtu(tcb: Tcb, mtuBytes: number): void {
  const mssBytes = Math.max(mtuBytes, MTU_BYTES_MIN) - HEADERS_BYTES;
  if (mssBytes >= tcb.sndMss || tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED') return;
  const isInFlightTooLong = longestInFlight(tcb) > mssBytes;
  tcb.sndMss = mssBytes;
  if (!isInFlightTooLong) return;
  // Linux's tcp_simple_retransmit: what is lost was too long, and says nothing of congestion.
  keepWindowInLoss(tcb);
  retransmitLost(tcb);
  rearmRetransmission(tcb);
}

function longestInFlight({ sndUna, sndNxt, segmentEnds = [sndNxt] }: Tcb): number {
  return segmentEnds.reduce((longest, end, i) => Math.max(longest, distance(segmentEnds[i - 1] ?? sndUna, end)), 0);
}
