/** Invariants of every connection, which hold whenever its stack has finished its work. */

import type { Stack } from '../../../sim/tcpip/stack.ts';
import { nextTick, hasTimer } from '../../../sim/tcpip/tcp/timers.ts';
import { hasUnsent } from '../../../sim/tcpip/tcp/output.ts';
import {
  ACK_SCHEDULED, ACK_TIMER, ARMED, FIN_RECEIVED, FIN_SENT, FIN_WANTED, KEEPALIVE_TIMER, ORPHAN, type Tcb,
} from '../../../sim/tcpip/tcp/tcb.ts';

/** Greatest number of pieces out of order that are kept (tcp/receive.ts). */
const FRAGMENTS_MAX = 128;

/** The right edge of the window at the last look, to see that it never moves left. */
const edges = new WeakMap<Tcb, number>();

/** Forgets the last look, for a test that has changed the connection by hand. */
export function forgetWindow(tcb: Tcb): void {
  edges.delete(tcb);
}

function ahead(from: number, to: number): number {
  return (to - from) | 0;
}

/** Throws an Error that says which invariant is broken. */
export function checkInvariants(tcb: Tcb): void {
  const broken = invariants(tcb);
  if (broken !== undefined) {
    throw new Error(`${tcb.describe()} in ${tcb.state}, of ${tcb.stack.profile.name}: ${broken}`);
  }
}

function invariants(tcb: Tcb): string | undefined {
  return sequenceSpace(tcb) ?? queues(tcb) ?? fragments(tcb) ?? timers(tcb) ?? states(tcb) ?? numbers(tcb);
}

function sequenceSpace(tcb: Tcb): string | undefined {
  const { sndUna, sndNxt, segmentEnds } = tcb;
  const inFlight = ahead(sndUna, sndNxt);
  if (inFlight < 0) return `SND.UNA ${sndUna} is ahead of SND.NXT ${sndNxt}`;
  const sentBytes = inFlight - ((tcb.flags & FIN_SENT) !== 0 && inFlight > 0 ? 1 : 0) - (isOpening(tcb) ? 1 : 0);
  if (sentBytes > (tcb.sending?.length ?? 0)) {
    return `${sentBytes} bytes are in flight, and ${tcb.sending?.length ?? 0} are kept`;
  }
  if (segmentEnds !== undefined) {
    let last = sndUna;
    for (const end of segmentEnds) {
      if (ahead(last, end) <= 0) {
        return `the ends of segments are not in order: ${segmentEnds.join(' ')} from ${sndUna}`;
      }
      last = end;
    }
    const { sentTicks } = tcb;
    if (sentTicks !== undefined && sentTicks.length !== segmentEnds.length) {
      return `${segmentEnds.length} segments are in flight, and of ${sentTicks.length} is known when they were sent`;
    }
    if (last !== sndNxt) return `the last segment ends at ${last}, not at SND.NXT ${sndNxt}`;
  }
  if (isOpening(tcb)) return undefined;
  const edge = edges.get(tcb);
  if (edge !== undefined && ahead(edge, tcb.rcvEdge) < 0) {
    return `the window's right edge moved left by ${ahead(tcb.rcvEdge, edge)}`;
  }
  edges.set(tcb, tcb.rcvEdge);
  if (ahead(tcb.rcvAcked, tcb.rcvNxt) < 0) {
    return `${ahead(tcb.rcvNxt, tcb.rcvAcked)} bytes were acknowledged that did not come`;
  }
  return undefined;
}

function queues(tcb: Tcb): string | undefined {
  const { profile } = tcb.stack;
  const sending = tcb.sending?.length;
  if (sending !== undefined && (sending <= 0 || sending > profile.sendBufferBytes)) {
    return `${sending} bytes wait to be sent, of ${profile.sendBufferBytes}`;
  }
  const receiving = tcb.receiving?.length;
  if (receiving === undefined) return undefined;
  // A scaled window is told in whole units.
  const roomBytes = profile.receiveBufferBytes + (1 << tcb.rcvScale) - 1;
  if (receiving <= 0 || receiving > roomBytes) {
    return `${receiving} bytes wait to be read, of ${profile.receiveBufferBytes}`;
  }
  if ((tcb.flags & ORPHAN) !== 0) return `${receiving} bytes wait to be read by nobody`;
  return undefined;
}

function fragments(tcb: Tcb): string | undefined {
  const { fragments: kept } = tcb;
  if (kept === undefined) return undefined;
  if (kept.length === 0 || kept.length > FRAGMENTS_MAX) return `${kept.length} fragments are kept`;
  let last: number | undefined;
  for (const { seq, bytes } of kept) {
    if (ahead(tcb.rcvNxt, seq) <= 0) return `a fragment at ${seq} is not beyond RCV.NXT ${tcb.rcvNxt}`;
    if (ahead(tcb.rcvEdge, seq) + bytes.length > 0) {
      return `a fragment ends ${ahead(tcb.rcvEdge, seq) + bytes.length} beyond the window`;
    }
    if (last !== undefined && ahead(last, seq) < 0) return 'the fragments are not in order';
    last = seq;
  }
  return undefined;
}

/** Something will happen: what is in flight or waits has a time at which it goes on, or ends. */
function timers(tcb: Tcb): string | undefined {
  const inFlight = tcb.sndUna !== tcb.sndNxt;
  const { retransmission, persist } = tcb.stack.profile;
  const hasStopped = retransmission.waitMaxMs !== Infinity && tcb.keepAlive === undefined && tcb.timer === 'none';
  const isFinAlone = tcb.stack.profile.fin === 'freertos-tcp' && (tcb.flags & FIN_SENT) !== 0;
  const isRefused = tcb.state === 'SYN-SENT' && tcb.timer === 'refused';
  if (inFlight && isFinAlone && tcb.timer !== 'fin-wait-2') return `FIN is in flight, and the timer is ${tcb.timer}`;
  const isSentAgain = tcb.timer === 'retransmit' || tcb.timer === 'loss-probe';
  if (inFlight && !isFinAlone && !isRefused && !hasStopped && !isSentAgain) {
    return `data is in flight, and the timer is ${tcb.timer}`;
  }
  if (!inFlight && (tcb.timer === 'retransmit' || tcb.timer === 'loss-probe')) {
    return `nothing is in flight, and the timer is ${tcb.timer}`;
  }
  if (!inFlight && hasUnsent(tcb) && tcb.timer !== 'persist' && persist.kind !== 'none') {
    return `something waits to be sent, and the timer is ${tcb.timer}`;
  }
  if (tcb.timer === 'persist' && !hasUnsent(tcb)) return 'nothing waits for the window, and it is probed';
  if ((tcb.flags & ACK_SCHEDULED) !== 0 && (tcb.flags & ACK_TIMER) === 0) {
    return 'an ACK is owed, and no timer runs for it';
  }
  if (tcb.state === 'TIME-WAIT' && tcb.timer !== 'time-wait') return `the timer is ${tcb.timer}`;
  if (tcb.state !== 'TIME-WAIT' && tcb.timer === 'time-wait') return 'it waits for no end';
  if (tcb.state === 'FIN-WAIT-2' && (tcb.flags & ORPHAN) !== 0 && tcb.timer !== 'fin-wait-2') {
    return 'it waits for FIN without end';
  }
  if (tcb.timer === 'fin-wait-2' && tcb.state !== 'FIN-WAIT-2' && !isFinAlone) return 'it waits for FIN';
  if ((tcb.flags & KEEPALIVE_TIMER) !== 0 && tcb.keepAlive === undefined) return 'keepalive is off, and its timer runs';
  if ((tcb.flags & ARMED) === 0) return hasTimer(tcb) ? 'it has a timer, and no appointment' : undefined;
  if (!hasTimer(tcb)) return 'it has an appointment, and no timer';
  // An appointment that is too early costs an event; one that is too late is a dead connection.
  return ahead(nextTick(tcb), tcb.dueTick) > 0
    ? `its appointment is ${ahead(nextTick(tcb), tcb.dueTick)} ticks after its timer`
    : undefined;
}

function states(tcb: Tcb): string | undefined {
  const { state, flags } = tcb;
  const has = (flag: number): boolean => (flags & flag) !== 0;
  if (state === 'CLOSED') return 'it is closed, and its stack still has it';
  const isPeerDone = state === 'CLOSE-WAIT' || state === 'CLOSING' || state === 'LAST-ACK' || state === 'TIME-WAIT';
  if (has(FIN_RECEIVED) !== isPeerDone) return `FIN was ${has(FIN_RECEIVED) ? '' : 'not '}received`;
  const isUserDone =
    state === 'FIN-WAIT-1' ||
    state === 'FIN-WAIT-2' ||
    state === 'CLOSING' ||
    state === 'LAST-ACK' ||
    state === 'TIME-WAIT';
  if (has(FIN_WANTED) !== isUserDone) return `the user has ${has(FIN_WANTED) ? '' : 'not '}finished`;
  if (has(FIN_SENT) && !has(FIN_WANTED)) return 'FIN was sent, and nobody wanted it';
  const isFinAcked = state === 'FIN-WAIT-2' || state === 'TIME-WAIT';
  if (isFinAcked !== (has(FIN_SENT) && tcb.sndUna === tcb.sndNxt)) {
    return `its FIN is ${isFinAcked ? 'not ' : ''}acknowledged`;
  }
  if (has(ORPHAN) && tcb.user !== undefined) return 'it has a user who has left';
  if (has(ORPHAN) && (state === 'ESTABLISHED' || state === 'CLOSE-WAIT' || isOpening(tcb))) {
    return 'its user has left, and it does not close';
  }
  return undefined;
}

function numbers(tcb: Tcb): string | undefined {
  if (tcb.cwnd < 1) return `its congestion window is ${tcb.cwnd}`;
  if (tcb.sndMss < 1) return `it sends segments of ${tcb.sndMss} bytes`;
  if (tcb.rtoTicks < 1) return `its RTO is ${tcb.rtoTicks} ticks`;
  for (const [name, value] of Object.entries(tcb)) {
    if (typeof value === 'number' && !Number.isInteger(value)) return `${name} is ${value}`;
  }
  return undefined;
}

function isOpening({ state }: Tcb): boolean {
  return state === 'SYN-SENT' || state === 'SYN-RECEIVED';
}

/** All connections of a stack, and the table that holds them. */
export function checkStack({ connections, profile }: Stack): void {
  const all = connections.all();
  if (all.length !== connections.size) {
    throw new Error(`the table counts ${connections.size} connections, and has ${all.length}`);
  }
  if (all.length > profile.socketsMax) throw new Error(`there are ${all.length} connections, of ${profile.socketsMax}`);
  for (const tcb of all) {
    if (connections.get(tcb.remoteAddress, tcb.remotePort, tcb.localPort) !== tcb) {
      throw new Error(`${tcb.describe()} cannot be found`);
    }
    checkInvariants(tcb);
  }
}
