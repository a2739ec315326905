/** A fault: what breaks, on which device, when, and for how long. Data that can be printed and read again. */

import { formatDuration } from '../time/duration.ts';

/** The kinds of faults, as a plan names them. */
export const FAULT_KINDS = ['cable-pull', 'power-loss', 'hang', 'crash', 'reset'] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  readonly kind: FaultKind;
  /** The name of a device, or a pattern in which `*` stands for any characters. */
  readonly target: string;
  readonly atMs: number;
  /** How long; undefined: for good, unless the kind is over at once. */
  readonly forMs: number | undefined;
}

/** The line of a plan that reads as this fault. */
export function formatFault({ kind, target, atMs, forMs }: Fault): string {
  const length = forMs === undefined ? '' : ` for ${formatDuration(forMs)}`;
  return `${kind} on ${target} at ${formatDuration(atMs)}${length}`;
}

/** Whether the fault's target means this device. */
export function targets(target: string, device: string): boolean {
  const [start = '', ...rest] = target.split('*');
  const end = rest.pop();
  if (end === undefined) return device === target;
  if (!device.startsWith(start)) return false;
  // The first place for each part leaves the most for those after it.
  let at = start.length;
  for (const part of rest) {
    const found = device.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return device.length - end.length >= at && device.endsWith(end);
}
