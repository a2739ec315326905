/**
 * Findings of parts of one fleet, put together: in the order in which one world would have come to them, however they
 * were shared out.
 */

import { PeakCounter } from './peak.ts';
import type { Findings, Traffic } from './verdict.ts';

/**
 * The order of merged findings: at one moment, the fault that stands first in the plan comes first; of one line, the
 * device that was made first.
 */
export interface FindingsOrder {
  /** The lines of the plan. */
  readonly plan: readonly string[];
  readonly deviceNumber: (device: string) => number;
}

/**
 * Merges the findings of runs of one length; at least one. `reconnectsMs`: the times at which a device of any part was
 * connected again, in order.
 */
export function mergeFindings(
  parts: readonly Findings[], reconnectsMs: readonly number[], { plan, deviceNumber }: FindingsOrder,
): Findings {
  const [first] = parts;
  if (first === undefined) throw new Error('there are no findings to put together');
  const lines = new Map(plan.map((line, i) => [line, i]));
  const lineNumber = (text: string): number => lines.get(text) ?? plan.length;
  const verdicts = parts.flatMap((part) => part.verdicts).sort((a, b) =>
    a.atMs - b.atMs || lineNumber(a.text) - lineNumber(b.text) || deviceNumber(a.device) - deviceNumber(b.device));
  const judged = new Set(verdicts.map(({ text }) => text));
  const spared = new Set(parts.flatMap((part) => part.spared).filter((text) => !judged.has(text)));
  const losses = new Map<string, number>();
  for (const { unexplainedLosses } of parts) {
    for (const [reason, count] of unexplainedLosses) losses.set(reason, (losses.get(reason) ?? 0) + count);
  }
  const reconnects = new PeakCounter();
  for (const atMs of reconnectsMs) reconnects.add(atMs);
  return {
    endMs: first.endMs,
    verdicts,
    spared: [...spared].sort((a, b) => lineNumber(a) - lineNumber(b)),
    devices: sum(parts, ({ devices }) => devices),
    falseAlarms: parts.flatMap((part) => part.falseAlarms).sort((a, b) =>
      a.atMs - b.atMs || deviceNumber(a.device) - deviceNumber(b.device)),
    overlappingSessions: sum(parts, ({ overlappingSessions }) => overlappingSessions),
    unexplainedLosses: new Map([...losses].sort(([a], [b]) => (a < b ? -1 : 1))),
    // In whole microseconds: a sum of fractions would depend on its order.
    ghostMs: sum(parts, ({ ghostMs }) => Math.round(ghostMs * 1000)) / 1000,
    peakReconnects: reconnects.peak,
    traffic: sumTraffic(parts.map(({ traffic }) => traffic)),
  };
}

function sum(parts: readonly Findings[], of: (part: Findings) => number): number {
  return parts.reduce((total, part) => total + of(part), 0);
}

function sumTraffic(all: readonly (Traffic | undefined)[]): Traffic | undefined {
  return all.reduce((total, one) => total && one && { ...one, bytes: total.bytes + one.bytes });
}
