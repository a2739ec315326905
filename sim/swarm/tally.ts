/**
 * The sum of many runs. A tally is data, and small however many runs it covers. The order in which tallies are added
 * does not matter. So the parts of a swarm, run by several processes, add up to the result of one process.
 */

import { FAULT_KINDS, type FaultKind } from '../faults/kinds/index.ts';
import type { Violation } from './invariants.ts';
import type { RunResult, Times } from './run.ts';
import type { Repetition } from './shrink.ts';

/** Number of failing runs that are shrunk, those with the least index: shrinking one takes as long as many runs. */
export const SHRUNK_MAX = 5;

export interface Failure {
  readonly index: number;
  readonly violations: readonly Violation[];
  /** Not there where it was not shrunk. */
  readonly shrunk?: Repetition;
}

/** Times in whole ms, from the shortest to the longest, each with how often it was; and how often it was never. */
export interface TimeCounts {
  readonly counts: readonly (readonly [ms: number, count: number])[];
  readonly never: number;
}

export interface Tally {
  readonly runs: number;
  readonly devices: number;
  /** Simulated time of all devices together. */
  readonly deviceMs: number;
  readonly faults: FaultCounts;
  readonly cuts: number;
  readonly survived: number;
  readonly server: TimeCounts;
  readonly device: TimeCounts;
  readonly back: TimeCounts;
  readonly ghostMs: number;
  readonly falseAlarms: number;
  readonly overlappingSessions: number;
  /** In order of index. */
  readonly failures: readonly Failure[];
}

const NO_TIMES: TimeCounts = { counts: [], never: 0 };

export const NO_TALLY: Tally = {
  runs: 0,
  devices: 0,
  deviceMs: 0,
  faults: faultCounts(() => 0),
  cuts: 0,
  survived: 0,
  server: NO_TIMES,
  device: NO_TIMES,
  back: NO_TIMES,
  ghostMs: 0,
  falseAlarms: 0,
  overlappingSessions: 0,
  failures: [],
};

export function tallyOf(result: RunResult): Tally {
  const { index, devices, forMs, faults, cuts, survived, ghostMs, falseAlarms, overlappingSessions, violations } =
    result;
  return {
    runs: 1,
    devices,
    deviceMs: devices * forMs,
    faults: faultCounts((kind) => faults[kind] ?? 0),
    cuts,
    survived,
    server: countTimes(result.server),
    device: countTimes(result.device),
    back: countTimes(result.back),
    ghostMs,
    falseAlarms,
    overlappingSessions,
    failures: violations.length === 0 ? [] : [{ index, violations }],
  };
}

export function addTallies(one: Tally, other: Tally): Tally {
  return {
    runs: one.runs + other.runs,
    devices: one.devices + other.devices,
    deviceMs: one.deviceMs + other.deviceMs,
    faults: faultCounts((kind) => (one.faults[kind] ?? 0) + (other.faults[kind] ?? 0)),
    cuts: one.cuts + other.cuts,
    survived: one.survived + other.survived,
    server: addTimes(one.server, other.server),
    device: addTimes(one.device, other.device),
    back: addTimes(one.back, other.back),
    ghostMs: one.ghostMs + other.ghostMs,
    falseAlarms: one.falseAlarms + other.falseAlarms,
    overlappingSessions: one.overlappingSessions + other.overlappingSessions,
    failures: firstShrunk([...one.failures, ...other.failures].toSorted((a, b) => a.index - b.index)),
  };
}

/**
 * Removes the shrunk results that are not among the first failures of the whole: a part cannot know the others'
 * failures.
 */
function firstShrunk(failures: readonly Failure[]): Failure[] {
  return failures.map((failure, i) =>
    i < SHRUNK_MAX ? failure : { index: failure.index, violations: failure.violations },
  );
}

/** Number of faults of each kind; a kind with no fault is absent. */
export type FaultCounts = Readonly<Partial<Record<FaultKind, number>>>;

export function faultCounts(count: (kind: FaultKind) => number): FaultCounts {
  const counts: Partial<Record<FaultKind, number>> = {};
  for (const kind of FAULT_KINDS) counts[kind] = count(kind);
  return counts;
}

/** All faults, of any kind. */
export function faultsInAll({ faults }: Tally): number {
  return FAULT_KINDS.reduce((sum, kind) => sum + (faults[kind] ?? 0), 0);
}

function countTimes({ timesMs, never }: Times): TimeCounts {
  return addTimes({ counts: [], never }, { counts: timesMs.map((ms) => [ms, 1] as const), never: 0 });
}

function addTimes(one: TimeCounts, other: TimeCounts): TimeCounts {
  const counts = new Map<number, number>();
  for (const [ms, count] of [...one.counts, ...other.counts]) counts.set(ms, (counts.get(ms) ?? 0) + count);
  return { counts: [...counts].toSorted(([a], [b]) => a - b), never: one.never + other.never };
}

export function timesInAll({ counts }: TimeCounts): number {
  return counts.reduce((sum, [, count]) => sum + count, 0);
}

/** The nearest rank, as in verdict/summary.ts; undefined where there are none. */
export function quantileOf({ counts }: TimeCounts, share: number): number | undefined {
  let left = Math.max(Math.ceil(counts.reduce((sum, [, count]) => sum + count, 0) * share), 1);
  for (const [ms, count] of counts) {
    left -= count;
    if (left <= 0) return ms;
  }
  return undefined;
}
