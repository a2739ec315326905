/** A fault: what breaks, on which host, when, for how long, and how often. Data that can be printed and read again. */

import { formatDuration } from '../time/duration.ts';
import type { FaultKind } from './kinds/index.ts';

/**
 * A time, or one that is drawn from a range, each as likely: `10s`, `10s..60s`. In ms; equal where nothing is drawn.
 */
export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Fault {
  readonly kind: FaultKind;
  /**
   * Amount or direction, as the kind defines it: `10%`, `300ms`, `tx`. Undefined: the kind takes no argument, or can do
   * without.
   */
  readonly argument: string | undefined;
  /**
   * The name of a host; or of devices a pattern, in which `*` stands for any characters, or a row of numbers, as in
   * `dev-3..9`.
   */
  readonly target: string;
  readonly at: Range;
  /** Length of the fault; undefined: for good, unless the kind is over at once. */
  readonly for: Range | undefined;
  /** Time from one occurrence to the next; undefined: the fault comes once. */
  readonly everyMs: number | undefined;
}

/** The line of a plan that reads as this fault. */
export function formatFault({ kind, argument, target, at, for: length, everyMs }: Fault): string {
  return [
    kind,
    ...(argument === undefined ? [] : [argument]),
    `on ${target} at ${formatRange(at)}`,
    ...(length === undefined ? [] : [`for ${formatRange(length)}`]),
    ...(everyMs === undefined ? [] : [`every ${formatDuration(everyMs)}`]),
  ].join(' ');
}

function formatRange({ fromMs, toMs }: Range): string {
  return fromMs === toMs ? formatDuration(fromMs) : `${formatDuration(fromMs)}..${formatDuration(toMs)}`;
}

/** Returns whether the fault's target means this device, or this server by its full name. */
export function targets(target: string, name: string): boolean {
  const [, prefix, first, last] = /^(.*?)(\d+)\.\.(\d+)$/.exec(target) ?? [];
  if (prefix !== undefined) {
    const [, number] = name.startsWith(prefix) ? (/^(0|[1-9]\d*)$/.exec(name.slice(prefix.length)) ?? []) : [];
    return number !== undefined && Number(number) >= Number(first) && Number(number) <= Number(last);
  }
  const [start = '', ...rest] = target.split('*');
  const end = rest.pop();
  if (end === undefined) return name === target;
  if (!name.startsWith(start)) return false;
  // The first place for each part leaves the most for those after it.
  let at = start.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - end.length >= at && name.endsWith(end);
}
