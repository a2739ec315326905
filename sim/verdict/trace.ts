/**
 * The trace: everything that happens, in one stream, stamped with the world's time. It is the source of every report. With
 * `--json` each event is printed as it comes, one JSON object a line.
 */

import type { BoardEvent } from '../board/board.ts';
import type { HungUp } from '../bench/bench-nic.ts';
import type { FaultKind } from '../faults/fault.ts';
import type { Tier } from '../faults/kinds.ts';
import { describeEvent, type ServerEvent } from '../server/events.ts';
import { formatSeconds } from '../time/duration.ts';

export interface FaultEvent {
  readonly kind: 'fault' | 'healed';
  readonly fault: FaultKind;
  /** How true to life it is. */
  readonly tier: Tier;
  /** The line of the plan. */
  readonly text: string;
  /** How long it is to last; not there: for good. */
  readonly forMs?: number;
}

/** `source` says whose view it is; the devices' and the server's may differ, that is what it is all about. */
export type TraceEvent = { readonly atMs: number } & (
  | ({ readonly source: 'device'; readonly device: string } & BoardEvent)
  | ({ readonly source: 'bench'; readonly device: string } & HungUp)
  | ({ readonly source: 'fault'; readonly device: string } & FaultEvent)
  | ({ readonly source: 'server' } & ServerEvent)
);

/** The event as a line for people: time, who, what. */
export function describeTraceEvent(event: TraceEvent): string {
  const who = event.source === 'server' ? 'server' : event.device;
  return `${formatSeconds(event.atMs).padStart(9)}  ${who.padEnd(8)}  ${describe(event)}`;
}

/** Beats and the like come all the time; the rest is worth a line of its own. */
export function isNotable(event: TraceEvent): boolean {
  switch (event.kind) {
    case 'beat':
    case 'beat-sent':
    case 'beat-answered':
    case 'data-sent':
    case 'data-received':
    case 'backing-off':
    case 'connecting':
      return false;
    default:
      return true;
  }
}

function describe(event: TraceEvent): string {
  switch (event.source) {
    case 'server':
      return describeEvent(event);
    case 'fault':
      return event.kind === 'fault' ? `FAULT ${event.text}` : `healed ${event.text}`;
    case 'bench':
      // Not that the server began it: its FIN may be the answer to the device's.
      return event.by === 'closed' ? "the server's end is closed (FIN)" : `the server's end is gone (${event.by})`;
    case 'device':
      return describeBoardEvent(event);
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
    case 'beat-answered':
      return `beat answered after ${event.afterMs.toFixed(1)} ms`;
    case 'beat-missed':
      return `${event.missed} ${event.missed === 1 ? 'beat' : 'beats'} unanswered`;
    case 'data-sent':
      return `sent ${event.bytes} bytes`;
    case 'data-received':
      return `received ${event.bytes} bytes`;
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
