/**
 * The result of a swarm, for people and for machines. The text does not say who ran the swarm or how long that took, so
 * it is the same every time.
 */

import type { ProtocolName } from '../../firmware/index.ts';
import { FAULT_KINDS } from '../faults/kinds/index.ts';
import { formatDuration, formatSeconds } from '../time/duration.ts';
import { counted } from '../text.ts';
import { type TimesRow, timesTable } from '../verdict/findings-text.ts';
import { type Failure, faultsInAll, quantileOf, type Tally, type TimeCounts, timesInAll } from './tally.ts';

/** The settings that define a swarm. */
export interface Swarm {
  readonly seed: number;
  readonly runs: number;
  readonly forMs: number;
  /** Plan lines that replace the drawn plan; empty: the plan is drawn. */
  readonly plan: readonly string[];
  /** The user's server, in place of the reference server; absent: the reference server. */
  readonly program?: SwarmProgram;
}

/** The user's own Node server. */
export interface SwarmProgram {
  readonly file: string;
  readonly args: readonly string[];
  /** Not there: the only one. */
  readonly port?: number;
  /** Protocol of the devices. */
  readonly protocol: ProtocolName;
  /** Longest time for which the server may believe in a device that cannot be reached. */
  readonly ghostsWithinMs: number;
  /** Lines by which it says that a device is gone. */
  readonly offlineLog?: string;
}

/** Number of violations that are printed for each run. */
const VIOLATIONS_SHOWN = 3;

/** Number of failing runs that are printed. */
const FAILURES_SHOWN = 20;

/** `repeat` makes the line that repeats a run, of its whole fleet and plan or of some of it. */
export type RepeatLine = (index: number, shrunk?: Failure['shrunk']) => string;

/** Returns the text in lines. */
export function swarmText(swarm: Swarm, tally: Tally, repeat: RepeatLine): string[] {
  const { runs, devices, deviceMs, failures, cuts, survived, ghostMs, falseAlarms, overlappingSessions } = tally;
  const done = runs === swarm.runs ? counted(runs, 'run') : `${runs} of ${swarm.runs} runs`;
  const hours = (deviceMs / 3_600_000).toFixed(1);
  const kinds = FAULT_KINDS.flatMap((kind) => (tally.faults[kind] ? [`${tally.faults[kind]} ${kind}`] : []));
  const unshown = failures.slice(FAILURES_SHOWN).map(({ index }) => index);
  return [
    `${done} of ${formatDuration(swarm.forMs)}, seed ${swarm.seed}: ${counted(devices, 'device')}, ${hours} hours of devices in all`,
    `${faultsInAll(tally)} faults: ${kinds.join(', ') || 'none'}`,
    '',
    ...timesTable({ server: timesOf(tally.server), device: timesOf(tally.device), back: timesOf(tally.back) }),
    `${counted(cuts, 'cut')} of connections, ${survived} survived; ${formatSeconds(ghostMs)} of ghosts`,
    `${counted(falseAlarms, 'false alarm')}, ${counted(overlappingSessions, 'overlapping session')}`,
    '',
    outcome(runs, failures.length),
    ...failures.slice(0, FAILURES_SHOWN).flatMap((failure) => ['', ...failureText(failure, repeat)]),
    ...(unshown.length > 0 ? ['', `and ${unshown.length} more: ${unshown.join(', ')}`] : []),
  ];
}

function outcome(runs: number, failed: number): string {
  if (runs === 0) return 'no run was done: no invariant was checked';
  return failed === 0 ? 'every invariant held in every run' : `${counted(failed, 'run')} FAILED`;
}

export function failureText({ index, violations, shrunk }: Failure, repeat: RepeatLine): string[] {
  return [
    `run ${index}`,
    ...violations.slice(0, VIOLATIONS_SHOWN).map(({ invariant, sentence }) => `  ${invariant}: ${sentence}`),
    ...(violations.length > VIOLATIONS_SHOWN ? [`  and ${violations.length - VIOLATIONS_SHOWN} more`] : []),
    `  to repeat: ${repeat(index)}`,
    ...(shrunk === undefined ? [] : [
      `  it takes no more than ${shrunk.devices.join(', ')} and${shrunk.plan.length === 0 ? ' no fault' : ''}`,
      ...shrunk.plan.map((line) => `    ${line}`),
      `  to repeat: ${repeat(index, shrunk)}`,
    ]),
  ];
}

/** Returns the result of a swarm for machines, as one object. */
export function swarmJson(swarm: Swarm, tally: Tally, repeat: RepeatLine): object {
  const { runs, devices, deviceMs, faults, cuts, survived, ghostMs, falseAlarms, overlappingSessions, failures } =
    tally;
  return {
    kind: 'swarm',
    ...swarm,
    done: runs,
    devices,
    deviceMs,
    faults,
    cuts,
    survived,
    server: timesOf(tally.server),
    device: timesOf(tally.device),
    back: timesOf(tally.back),
    ghostMs,
    falseAlarms,
    overlappingSessions,
    failures: failures.map((failure) => ({
      ...failure,
      repeat: repeat(failure.index),
      ...(failure.shrunk !== undefined && {
        shrunk: { ...failure.shrunk, repeat: repeat(failure.index, failure.shrunk) },
      }),
    })),
  };
}

function timesOf(times: TimeCounts): TimesRow {
  return {
    times: timesInAll(times),
    medianMs: quantileOf(times, 0.5),
    p99Ms: quantileOf(times, 0.99),
    worstMs: quantileOf(times, 1),
    never: times.never,
  };
}
