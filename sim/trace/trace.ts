/**
 * The trace: everything that happens, in one stream, stamped with the world's time. It is the source of every report.
 * With `--json` each event is printed as it comes, one JSON object a line; TRACE.md tells of that format.
 */

import type { Errno } from '../../hal/errno.ts';
import type { SocketAddress } from '../../hal/network.ts';
import type { BoardEvent } from '../board/board.ts';
import type { FaultKind } from '../faults/kinds/index.ts';
import type { NetworkKind, Side, Tier } from '../faults/kind.ts';
import { addressText, describeEvent, type ServerEvent } from '../server/events.ts';
import { formatDuration, formatSeconds } from '../time/duration.ts';

export const TRACE_FORMAT = 'cablepull-trace';

/**
 * Goes up when a reader of the last version would misread a trace: a new event or a new field does not do that, a new
 * word in a field does.
 */
export const TRACE_VERSION = 2;

export type RunEvent =
  /** The first event of a trace. */
  | {
    readonly kind: 'start'; readonly format: typeof TRACE_FORMAT; readonly version: typeof TRACE_VERSION;
    readonly network: NetworkKind; readonly seed: number;
    /** Command line that repeats the run. */
    readonly repeat?: string;
    /**
     * The pattern of lines by which the user's own server says that a device is gone; not there: none was looked for.
     */
    readonly offlineLog?: string;
  }
  /** The last one of a trace that is whole. */
  | {
    readonly kind: 'end';
    readonly interrupted: boolean;
    /**
     * Bytes that all hosts sent: on the simulated network whole IPv4 packets; over real sockets what devices wrote and
     * read.
     */
    readonly bytes: number;
  };

export type FaultEvent = FaultFields &
  (
    | {
        readonly kind: 'fault';
        /** Reason of a program that has ended by itself: its stack, or a sentence. */
        readonly why?: string;
      }
    | { readonly kind: 'healed' }
  );

interface FaultFields {
  /** A fault of the trace, which has a heal if it came to that. From 1. */
  readonly id: number;
  readonly fault: FaultKind;
  readonly argument?: string;
  /** The host that it is on. */
  readonly host: string;
  readonly on: Side;
  /** Tier of the fault: how true to life it is. */
  readonly tier: Tier;
  /** The line of the plan. */
  readonly text: string;
  /** Planned length; undefined: for good, or until somebody ends it. */
  readonly forMs?: number;
}

/**
 * An observation of the bench below the firmware: the far end is done with a connection, whether or not the device can
 * know.
 */
export interface BenchEvent {
  readonly kind: 'hung-up';
  /** The device's end of that connection. */
  readonly local: SocketAddress | undefined;
  /** The far end's FIN; or a reset, by whichever side. */
  readonly by: Errno | 'closed';
}

/** Observations of the process of the user's own server. */
export type ProcessEvent =
  | { readonly kind: 'process-started' }
  /** The process ended, by itself or by a fault; `signal` is the number of the signal that ended it, or 0. */
  | { readonly kind: 'process-ended'; readonly status: number; readonly signal: number }
  /** A line of its output says that a device is gone: one that the run was told to look for. */
  | { readonly kind: 'put-offline'; readonly device: string; readonly line: string };

export type LinkEvent =
  /** A NAT box stands for a device from now on: `inside` is who begins the connection, `outside` whom its peer sees. */
  | { readonly kind: 'mapped'; readonly nat: string; readonly inside: SocketAddress; readonly outside: SocketAddress }
  /**
   * A box on the way has forgotten a connection that was not over, after this time without a packet; `at` is a NAT box,
   * or the host whose cable the box is on.
   */
  | {
      readonly kind: 'forgotten';
      readonly at: string;
      readonly ends: readonly [SocketAddress, SocketAddress];
      readonly idleMs: number;
    };

/** `source` says whose view it is; the devices' and the server's may differ, that is what it is all about. */
export type TraceEvent = { readonly atMs: number } & (
  | ({ readonly source: 'run' } & RunEvent)
  | ({ readonly source: 'device'; readonly device: string } & BoardEvent)
  | ({ readonly source: 'bench'; readonly device: string } & BenchEvent)
  | ({ readonly source: 'process'; readonly server: string } & ProcessEvent)
  | ({ readonly source: 'link' } & LinkEvent)
  | ({ readonly source: 'fault' } & FaultEvent)
  | ({ readonly source: 'server'; readonly server: string } & ServerEvent)
);

/** The event as a line for people: time, who, what. */
export function describeTraceEvent(event: TraceEvent): string {
  return `${formatSeconds(event.atMs).padStart(9)}  ${whoseEvent(event).padEnd(8)}  ${describe(event)}`;
}

/** The host that it is about, or the box. */
function whoseEvent(event: TraceEvent): string {
  switch (event.source) {
    case 'run': return 'run';
    case 'server':
    case 'process': return event.server;
    case 'fault': return event.host;
    case 'link': return event.kind === 'mapped' ? event.nat : event.at;
    case 'device':
    case 'bench': return event.device;
  }
}

/** Beats and the like come all the time; the rest is worth a line of its own. */
export function isNotable(event: TraceEvent): boolean {
  switch (event.kind) {
    case 'beat':
    case 'beat-sent':
    case 'served':
    case 'data-sent':
    case 'data-received':
    case 'acknowledged':
    case 'backing-off':
    case 'connecting':
    case 'mapped':
    case 'start':
    case 'end':
      return false;
    case 'message':
      return event.source === 'device';
    default:
      return true;
  }
}

function describe(event: TraceEvent): string {
  switch (event.source) {
    case 'run':
      return event.kind === 'start'
        ? `seed ${event.seed}, ${event.network} network`
        : `${event.interrupted ? 'stopped' : 'ended'}, ${event.bytes} bytes sent`;
    case 'server':
      return describeEvent(event);
    case 'process':
      return describeProcessEvent(event);
    case 'link':
      return describeLinkEvent(event);
    case 'fault':
      if (event.kind === 'healed') return `healed ${event.text}`;
      return `FAULT ${event.text}${event.why === undefined ? '' : `: ${event.why.split('\n', 1).join('')}`}`;
    case 'bench':
      // Not that the server began it: its FIN may be the answer to the device's.
      return event.by === 'closed' ? "the server's end is closed (FIN)" : `the server's end is gone (${event.by})`;
    case 'device':
      return describeBoardEvent(event);
  }
}

function describeProcessEvent(event: ProcessEvent): string {
  switch (event.kind) {
    case 'process-started':
      return 'its process has started';
    case 'process-ended':
      return `its process has ended, ${event.signal === 0 ? `with status ${event.status}` : `by signal ${event.signal}`}`;
    case 'put-offline':
      return `says that ${event.device} is gone: ${event.line}`;
  }
}

function describeLinkEvent(event: LinkEvent): string {
  switch (event.kind) {
    case 'mapped':
      return `stands for ${addressText(event.inside)} as ${addressText(event.outside)}`;
    case 'forgotten':
      return `has forgotten ${event.ends.map(addressText).join(' to ')}, idle for ${formatDuration(event.idleMs)}`;
  }
}

function describeBoardEvent(event: BoardEvent): string {
  switch (event.kind) {
    case 'boot':
      return `boot ${event.boots} (${event.resetReason})`;
    case 'connecting':
      return `connecting to ${event.server}`;
    case 'connect-failed':
      return `could not connect to ${event.server}: ${event.errno}`;
    case 'connected':
      return `connected to ${event.server}${event.local === undefined ? '' : ` from port ${event.local.port}`}`;
    case 'beat-sent':
      return 'beat';
    case 'served':
      return event.afterMs === undefined
        ? 'served, as far as it can know'
        : `served after ${event.afterMs.toFixed(1)} ms`;
    case 'beat-missed':
      return `${event.missed} ${event.missed === 1 ? 'beat' : 'beats'} unanswered`;
    case 'call-failed':
      return `a call failed after ${formatSeconds(event.afterMs)}: ${event.by}`;
    case 'late-answer':
      return `an answer came too late, ${event.lateAnswers} so far`;
    case 'peer-silent':
      return `has not heard ${event.peer} for ${formatSeconds(event.silentMs)}`;
    case 'beat-period':
      return `${event.settled ? 'keeps' : 'tries'} a beat period of ${formatSeconds(event.periodMs)}`;
    case 'data-sent':
      return `sent ${event.bytes} bytes`;
    case 'data-received':
      return `received ${event.bytes} bytes`;
    case 'acknowledged':
      return `${event.message} is acknowledged`;
    case 'message':
      return `was sent ${JSON.stringify(event.text)} on ${event.topic}${event.retained ? ', retained' : ''}`;
    case 'lost':
      return `lost ${event.server} after ${formatSeconds(event.afterMs)}: ${event.by}${event.detail === undefined ? '' : `, ${event.detail}`}`;
    case 'backing-off':
      return `waits ${event.delayMs} ms`;
    case 'carrier':
      return event.up ? 'carrier up' : 'carrier down';
    case 'console':
      return `console: ${event.line}`;
    case 'panic':
      return `PANIC in task ${event.task}: ${event.reason}`;
  }
}
