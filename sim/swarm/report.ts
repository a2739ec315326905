/** What a swarm came to, for people and for machines. It says nothing of who did it, nor of how long that took: so it is always the same. */

import { FAULT_KINDS } from '../faults/fault.ts';
import { formatDuration, formatSeconds } from '../time/duration.ts';
import { table } from '../verdict/report.ts';
import { type Failure, faultsInAll, quantileOf, type Tally, type TimeCounts, timesInAll } from './tally.ts';

/** What makes a swarm the one it is. */
export interface Swarm {
  readonly seed: number;
  readonly runs: number;
  readonly forMs: number;
  /** In place of what is drawn, in lines; empty: drawn. */
  readonly plan: readonly string[];
}

/** So many violations of a run are printed. */
const VIOLATIONS_SHOWN = 3;

/** So many failing runs. */
const FAILURES_SHOWN = 20;

/** `repeat` makes the line that repeats a run, of its whole fleet and plan or of some of it. */
export type RepeatLine = (index: number, shrunk?: Failure['shrunk']) => string;

/** In lines. */
export function swarmText(swarm: Swarm, tally: Tally, repeat: RepeatLine): string[] {
  const { runs, devices, deviceMs, failures, cuts, survived, ghostMs, falseAlarms, overlappingSessions } = tally;
  const done = runs === swarm.runs ? `${runs} ${plural(runs, 'run')}` : `${runs} of ${swarm.runs} runs`;
  const hours = (deviceMs / 3_600_000).toFixed(1);
  const kinds = FAULT_KINDS.filter((kind) => tally.faults[kind] > 0).map((kind) => `${tally.faults[kind]} ${kind}`);
  const times = [row('server noticed', tally.server), row('device noticed', tally.device), row('service back', tally.back)];
  const unshown = failures.slice(FAILURES_SHOWN).map(({ index }) => index);
  return [
    `${done} of ${formatDuration(swarm.forMs)}, seed ${swarm.seed}: ${devices} ${plural(devices, 'device')}, ${hours} hours of devices in all`,
    `${faultsInAll(tally)} faults: ${kinds.join(', ') || 'none'}`,
    '',
    ...table([['', 'times', 'median', 'p99', 'worst', 'never'], ...times]).split('\n'),
    `${cuts} ${plural(cuts, 'cut')} of connections, ${survived} survived; ${formatSeconds(ghostMs)} of ghosts`,
    `${falseAlarms} false ${plural(falseAlarms, 'alarm')}, ${overlappingSessions} overlapping ${plural(overlappingSessions, 'session')}`,
    '',
    failures.length === 0 ? 'every invariant held in every run' : `${failures.length} ${plural(failures.length, 'run')} FAILED`,
    ...failures.slice(0, FAILURES_SHOWN).flatMap((failure) => ['', ...failureText(failure, repeat)]),
    ...(unshown.length > 0 ? ['', `and ${unshown.length} more: ${unshown.join(', ')}`] : []),
  ];
}

export function failureText({ index, violations, shrunk }: Failure, repeat: RepeatLine): string[] {
  return [
    `run ${index}`,
    ...violations.slice(0, VIOLATIONS_SHOWN).map(({ invariant, sentence }) => `  ${invariant}: ${sentence}`),
    ...(violations.length > VIOLATIONS_SHOWN ? [`  and ${violations.length - VIOLATIONS_SHOWN} more`] : []),
    `  to repeat: ${repeat(index)}`,
    ...(shrunk === undefined ? [] : [
      `  it takes no more than ${shrunk.devices.join(', ')} and`,
      ...shrunk.plan.map((line) => `    ${line}`),
      `  to repeat: ${repeat(index, shrunk)}`,
    ]),
  ];
}

/** The same for machines: one object. */
export function swarmJson(swarm: Swarm, tally: Tally, repeat: RepeatLine): object {
  const { runs, devices, deviceMs, faults, cuts, survived, ghostMs, falseAlarms, overlappingSessions, failures } = tally;
  return {
    kind: 'swarm', ...swarm, done: runs, devices, deviceMs, faults, cuts, survived,
    server: timesJson(tally.server), device: timesJson(tally.device), back: timesJson(tally.back),
    ghostMs, falseAlarms, overlappingSessions,
    failures: failures.map((failure) => ({
      ...failure,
      repeat: repeat(failure.index),
      ...(failure.shrunk !== undefined && { shrunk: { ...failure.shrunk, repeat: repeat(failure.index, failure.shrunk) } }),
    })),
  };
}

function timesJson(times: TimeCounts): object {
  return { times: timesInAll(times), medianMs: quantileOf(times, 0.5), p99Ms: quantileOf(times, 0.99), worstMs: quantileOf(times, 1), never: times.never };
}

function row(what: string, times: TimeCounts): string[] {
  const quantiles = [0.5, 0.99, 1].map((share) => quantileOf(times, share));
  return [what, String(timesInAll(times)), ...quantiles.map((ms) => (ms === undefined ? '-' : formatSeconds(ms))), String(times.never)];
}

function plural(count: number, word: string): string {
  return count === 1 ? word : `${word}s`;
}
