/** The events around a fault, in lines: those of the device, and those of its connections as the server saw them. */

import { formatSeconds } from '../time/duration.ts';
import type { RecentEvent } from '../verdict/recent.ts';
import { describeTraceEvent, type TraceEvent } from '../trace/trace.ts';
import type { Verdict } from '../verdict/verdict.ts';
import { isLater, type World } from './world.ts';

export interface TimeLimit {
  readonly atMs: number;
  /** `15s after the fault`. */
  readonly text: string;
}

const LINES_BEFORE_MAX = 4;

/** More than these: what is farthest from the fault, the deadline and the end is left out. */
const LINES_MAX = 30;
const LINES_AT_BEGIN = 12;
const LINES_AROUND_DEADLINE = 3;
const LINES_AT_END = 9;

const LEFT_OUT = `  ${'...'.padStart(9)}`;

/**
 * Returns the lines from shortly before the fault to now. The fault is marked, and the deadline has a line of its own.
 */
export function timeLine({ testbed }: World, verdict: Verdict, deadline: TimeLimit | undefined): string[] {
  const { judge, recent } = testbed.witness;
  const events = concerning(recent.all(), verdict, judge.verdicts(testbed.agenda.now()));
  const found = events.findIndex((event) => isTheFault(event, verdict));
  const at = found < 0 ? events.findIndex(({ atMs }) => atMs >= verdict.atMs) : found;
  const [before, after] = at < 0 ? [events, []] : [events.slice(0, at), events.slice(at)];
  const lines = before
    .filter((event, i) => i >= before.length - LINES_BEFORE_MAX || isServerFailure(event))
    .map((event) => `  ${describeTraceEvent(event)}`);
  const faultAt = lines.length;
  lines.push(...after.map((event, i) => `${i === 0 && found >= 0 ? '>' : ' '} ${describeTraceEvent(event)}`));
  // Only so much is kept of what happened: the fault itself may be forgotten.
  if (found < 0) lines.splice(faultAt, 0, `> ${line(verdict.atMs, verdict.device, `FAULT ${verdict.text}`)}`, LEFT_OUT);
  if (deadline === undefined) return shortened(lines, undefined);
  const first = after.findIndex(({ atMs }) => isLater(atMs, deadline.atMs));
  const deadlineAt = first < 0 ? lines.length : lines.length - after.length + first;
  lines.splice(deadlineAt, 0, `  ${line(deadline.atMs, 'deadline', deadline.text)}`);
  return shortened(lines, deadlineAt);
}

/** Formats a line like describeTraceEvent. */
function line(atMs: number, whose: string, what: string): string {
  return `${formatSeconds(atMs).padStart(9)}  ${whose.padEnd(8)}  ${what}`;
}

function shortened(lines: readonly string[], deadlineAt = 0): string[] {
  if (lines.length <= LINES_MAX) return [...lines];
  const isKept = (i: number): boolean => {
    return i < LINES_AT_BEGIN || i >= lines.length - LINES_AT_END || Math.abs(i - deadlineAt) <= LINES_AROUND_DEADLINE;
  };
  return lines.flatMap((text, i) => (isKept(i) ? [text] : isKept(i - 1) ? [LEFT_OUT] : []));
}

/** A server that could not start, or not go on (EADDRINUSE, say): later events may come of that. */
function isServerFailure(event: TraceEvent): boolean {
  return event.source === 'server' && event.kind === 'failed';
}

/** The moment the verdict is about. */
function isTheFault(event: TraceEvent, { atMs, text, fault }: Verdict): boolean {
  if (event.atMs !== atMs) return false;
  if (event.kind === 'forgotten') return fault === 'nat-timeout';
  return event.kind === 'fault' && event.text === text;
}

/** Returns the events about the verdict's device, its connections, and the servers that failed it. */
function concerning(recent: readonly RecentEvent[], verdict: Verdict, verdicts: readonly Verdict[]): TraceEvent[] {
  const { device } = verdict;
  const texts = new Set(
    verdicts.filter((other) => other.device === device && other.on === 'server').map(({ text }) => text),
  );
  const isOurs = ({ event, session }: RecentEvent): boolean => {
    switch (event.source) {
      case 'run':
        return false;
      case 'device':
      case 'bench':
        return event.device === device;
      case 'fault':
        return event.on === 'device' ? event.host === device : texts.has(event.text);
      case 'process':
        return event.kind !== 'put-offline' || event.device === device;
      case 'link':
        return event.kind === 'forgotten' && (event.at === device || session?.device?.name === device);
      case 'server':
        if (event.kind === 'listening') return verdict.on === 'server';
        if (isServerFailure(event)) return true;
        return session?.device?.name === device;
    }
  };
  return recent.filter(isOurs).map(({ event }) => event);
}
