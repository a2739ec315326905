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
  /** How long; undefined: for good. A `reset` is over at once. */
  readonly forMs: number | undefined;
}

/** The line of a plan that reads as this fault. */
export function formatFault({ kind, target, atMs, forMs }: Fault): string {
  const length = forMs === undefined ? '' : ` for ${formatDuration(forMs)}`;
  return `${kind} on ${target} at ${formatDuration(atMs)}${length}`;
}

/** Whether the fault's target means this device. */
export function targets(target: string, device: string): boolean {
  const pattern = target.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${pattern}$`).test(device);
}
