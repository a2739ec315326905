/** The window that is offered to the peer (RFC 9293 3.8.6.2.2). */

import { advance, distance } from './seq.ts';
import type { Tcb } from './tcb.ts';

/** What the peer may still send of what it was told. */
export function receiveWindow(tcb: Tcb): number {
  return Math.max(distance(tcb.rcvNxt, tcb.rcvEdge), 0);
}

/**
 * The window to tell now: what is free, but not a little more than before (silly window syndrome), and never less than was
 * told (RFC 9293 3.8.6: the right edge does not move back).
 */
export function selectWindow(tcb: Tcb): number {
  const { receiveBufferBytes, mssBytes } = tcb.stack.profile;
  const queued = tcb.receiving?.length ?? 0;
  const offered = receiveWindow(tcb);
  if (queued === 0 && tcb.fragments === undefined) return Math.max(wholeUnits(receiveBufferBytes, tcb.rcvScale), offered);
  const free = wholeUnits(Math.max(receiveBufferBytes - queued, 0), tcb.rcvScale);
  const isWorthIt = free - offered >= Math.min(receiveBufferBytes / 2, mssBytes);
  return isWorthIt ? free : offered;
}

/** As much of a window as a scaled 16-bit number can say. */
function wholeUnits(bytes: number, scale: number): number {
  return Math.min((bytes >> scale) << scale, 0xffff << scale);
}

/** Whether data up to `seq` fits into what the peer was told. */
export function isInWindow(tcb: Tcb, seq: number): boolean {
  return distance(seq, advance(tcb.rcvNxt, receiveWindow(tcb))) >= 0;
}
