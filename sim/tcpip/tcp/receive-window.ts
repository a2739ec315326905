/** The window that is offered to the peer (RFC 9293 3.8.6.2.2). */

import { distance } from './seq.ts';
import type { Tcb } from './tcb.ts';

/** Returns the part of the advertised window that the peer may still use. */
export function receiveWindow(tcb: Tcb): number {
  return Math.max(distance(tcb.rcvNxt, tcb.rcvEdge), 0);
}

/**
 * The window to tell now: what is free, but not a little more than before (silly window syndrome), and never less than
 * was told (RFC 9293 3.8.6: the right edge does not move back).
 */
export function selectWindow(tcb: Tcb): number {
  const { receiveBufferBytes, windowBytesMax, windowUpdate, mssBytes } = tcb.stack.profile;
  const queued = tcb.receiving?.length ?? 0;
  const offered = receiveWindow(tcb);
  if (windowUpdate.kind === 'emptied') {
    // FreeRTOS+TCP's prvTCPReturn_CheckTCPWindow, which may take back what was told.
    return tcb.trouble.isLowWater ? 0 : Math.min(Math.max(receiveBufferBytes - queued, 0), windowBytesMax);
  }
  // lwIP's tcp_update_rcv_ann_wnd moves the edge in steps, also where nothing waits to be read.
  if (queued === 0 && tcb.fragments === undefined && windowUpdate.kind === 'doubled') {
    return Math.max(wholeUnits(receiveBufferBytes, tcb.rcvScale), sayable(tcb, offered, 0));
  }
  const free = wholeUnits(Math.max(receiveBufferBytes - queued, 0), tcb.rcvScale);
  const isWorthIt = free - offered >= Math.min(receiveBufferBytes / 2, mssBytes);
  return isWorthIt ? free : sayable(tcb, offered, queued);
}

/**
 * RFC 7323 2.4, and Linux's __tcp_select_window: what was offered, rounded up to what a scaled number can say, since
 * rounded down it would take back what was told. Not beyond the buffer, so that segments smaller than a unit do not
 * fill it without end.
 */
function sayable({ rcvScale, stack }: Tcb, offered: number, queued: number): number {
  const unitLess1 = (1 << rcvScale) - 1;
  const rounded = (offered + unitLess1) & ~unitLess1;
  return queued + rounded <= stack.profile.receiveBufferBytes + unitLess1 ? rounded : offered;
}

/** Returns the window rounded to what a scaled 16-bit number can hold. */
function wholeUnits(bytes: number, scale: number): number {
  return Math.min((bytes >> scale) << scale, 0xffff << scale);
}
