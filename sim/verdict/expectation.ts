/**
 * Expectations of a run. About each fault that cuts, or about those of one kind: `server notices within 15s`, `device
 * notices hang within 20s`, `service back within 10s`, `service back after cable-pull within 10s`. About percentiles:
 * `server p99 within 20s`, `service p50 after crash within 2s`. About the whole run: `no false alarms`, `no overlapping
 * sessions`, `ghosts below 60s`.
 */

import { FAULT_KINDS, type FaultKind } from '../faults/kinds/index.ts';
import { describeWrongDuration, formatDuration, formatSeconds, parseDuration } from '../time/duration.ts';
import { quantile } from './summary.ts';
import { allOfServerNoticed, type Findings, type Verdict } from './verdict.ts';

/** The subject: the server or the device notices, or service is back. */
type Subject = 'server' | 'device' | 'service';

export type Expectation =
  | {
      readonly kind: 'times';
      readonly subject: Subject;
      /** Percentile of all times, in percent, by the nearest rank. Undefined: each time counts. */
      readonly percentile: number | undefined;
      /** Kind of fault; undefined: any kind. */
      readonly fault: FaultKind | undefined;
      readonly withinMs: number;
    }
  | { readonly kind: 'none'; readonly of: 'false alarms' | 'overlapping sessions' }
  | { readonly kind: 'ghosts'; readonly belowMs: number };

type TimesExpectation = Extract<Expectation, { readonly kind: 'times' }>;

export const EXPECTATION_EXAMPLES = [
  'server notices within 15s', 'server notices cable-pull within 15s', 'server p99 within 20s',
  'device notices within 15s', 'service back within 10s', 'service back after hang within 10s', 'no false alarms',
  'no overlapping sessions', 'ghosts below 60s',
] as const;

/** The expectation, or a sentence that says what is wrong with the text. */
export function parseExpectation(text: string): Expectation | string {
  const none = /^no (false alarms|overlapping sessions)$/.exec(text)?.[1];
  if (none === 'false alarms' || none === 'overlapping sessions') return { kind: 'none', of: none };
  const below = /^ghosts below (.*)$/.exec(text)?.[1];
  if (below !== undefined) {
    const belowMs = parseDuration(below);
    return belowMs === undefined ? mustEnd(text, below) : { kind: 'ghosts', belowMs };
  }
  const [, who, percent, what = '', within] =
    /^(server|device|service)(?: p(\d+(?:\.\d+)?)| notices| back)(?: (?:after )?(\S+))? within (.*)$/.exec(text) ?? [];
  const subject = who === 'server' || who === 'device' || who === 'service' ? who : undefined;
  const fault = FAULT_KINDS.find((kind) => kind === what);
  const expectation: TimesExpectation | undefined = subject && {
    kind: 'times',
    subject,
    percentile: percent === undefined ? undefined : Number(percent),
    fault,
    withinMs: 0,
  };
  if (expectation === undefined || within === undefined) {
    return `'${text}' is no expectation: it must be such as ${EXPECTATION_EXAMPLES.map((one) => `'${one}'`).join(', ')}`;
  }
  const withinMs = parseDuration(within);
  if (what !== '' && fault === undefined) return `'${text}': there is no fault ${what}; there are ${FAULT_KINDS.join(', ')}`;
  if (Number(percent) <= 0 || Number(percent) > 100) return `'${text}': a percentile is above 0 and at most 100`;
  const wanted = beginning(expectation);
  if (!text.startsWith(`${wanted} `)) return `'${text}' must begin with '${wanted}'`;
  return withinMs === undefined ? mustEnd(text, within) : { ...expectation, withinMs };
}

function mustEnd(text: string, duration: string): string {
  return `'${text}' must end with ${describeWrongDuration(duration)}`;
}

export function formatExpectation(expectation: Expectation): string {
  switch (expectation.kind) {
    case 'times': return `${beginning(expectation)} within ${formatDuration(expectation.withinMs)}`;
    case 'none': return `no ${expectation.of}`;
    case 'ghosts': return `ghosts below ${formatDuration(expectation.belowMs)}`;
  }
}

/** All but the time. */
function beginning({ subject, percentile, fault }: TimesExpectation): string {
  const does = percentile !== undefined ? `p${percentile}` : subject === 'service' ? 'back' : 'notices';
  const of = fault === undefined ? '' : subject === 'service' ? ` after ${fault}` : ` ${fault}`;
  return `${subject} ${does}${of}`;
}

/** Result of an expectation. */
export interface Judgement {
  /** Failures, the worst first. */
  readonly failures: readonly Unmet[];
  /** Faults that came so late that the run ended before their time was up. */
  readonly tooLate: number;
  /** True if there was anything to judge; if not, the expectation has failed, and the failure says so. */
  readonly isTested: boolean;
}

export interface Unmet {
  readonly sentence: string;
  /** Device of the failure; undefined if it is not about one device. */
  readonly device?: string;
  readonly atMs?: number;
}

/** Findings that expectations are checked against. */
export type Judged = Pick<Findings, 'verdicts' | 'endMs' | 'falseAlarms' | 'overlappingSessions' | 'ghostMs'>;

/**
 * Holds the expectation against what a run came to. One of times that nothing put to the test is not met: a fault that
 * found no connection, say, proves nothing; nor does a run that ended before the time of any fault was up.
 */
export function judgeExpectation(expectation: Expectation, judged: Judged): Judgement {
  switch (expectation.kind) {
    case 'times': return judgeTimes(expectation, judged);
    case 'none': return { failures: thoseThatShouldNotBe(expectation.of, judged), tooLate: 0, isTested: true };
    case 'ghosts': {
      const { ghostMs } = judged;
      const sentence = `the server believed in ghosts for ${formatSeconds(ghostMs)} in all (limit: below ${formatDuration(expectation.belowMs)})`;
      return { failures: ghostMs < expectation.belowMs ? [] : [{ sentence }], tooLate: 0, isTested: true };
    }
  }
}

function thoseThatShouldNotBe(
  what: 'false alarms' | 'overlapping sessions', { falseAlarms, overlappingSessions }: Judged,
): Unmet[] {
  if (what === 'false alarms') {
    return falseAlarms.map(({ atMs, device, side, by }) => ({
      sentence: `false alarm of ${device} at ${formatSeconds(atMs)}: the ${side} gave up a connection that was alive, by ${by}`,
      device,
      atMs,
    }));
  }
  const times = overlappingSessions === 1 ? 'once' : `${overlappingSessions} times`;
  return overlappingSessions === 0 ? [] : [{ sentence: `a device was online twice, ${times}` }];
}

function judgeTimes(expectation: TimesExpectation, { verdicts, endMs }: Judged): Judgement {
  const { subject, fault, percentile, withinMs } = expectation;
  const judged = verdicts.flatMap((verdict) => {
    return fault === undefined || verdict.fault === fault ? (judge(subject, verdict, endMs) ?? []) : [];
  });
  const inTime = judged.filter(
    ({ afterMs, sinceMs = Infinity }) => afterMs !== undefined || sinceMs + withinMs <= endMs,
  );
  const decided = inTime.length > 0 ? inTime : judged;
  if (decided.length === 0) {
    const sentence = `${formatExpectation(expectation)}: no fault put it to the test`;
    return { failures: [{ sentence }], tooLate: 0, isTested: false };
  }
  const failed = decided.filter(({ afterMs = Infinity }) => afterMs > withinMs);
  // A notice that never came is worse than a late one. NaN means that neither came.
  const worstFirst = failed.toSorted((a, b) => ((b.afterMs ?? Infinity) - (a.afterMs ?? Infinity)) || 0);
  const limit = `(limit: ${formatDuration(withinMs)})`;
  const failures = worstFirst.map(({ verdict: { text, device, atMs }, text: how }) => {
    return { sentence: `${text}, ${device}: ${how} ${limit}`, device, atMs };
  });
  const tooLate = judged.length - decided.length;
  if (percentile === undefined) return { failures, tooLate, isTested: true };
  const times = decided.map(({ afterMs = Infinity }) => afterMs).toSorted((a, b) => a - b);
  const ms = quantile(times, percentile / 100) ?? Infinity;
  const time = ms === Infinity ? 'not by the end of the run' : formatSeconds(ms);
  const sentence = `${beginning(expectation)} of ${times.length} times is ${time} ${limit}`;
  return { failures: ms <= withinMs ? [] : [{ sentence }, ...failures], tooLate, isTested: true };
}

interface JudgedTime {
  readonly verdict: Verdict;
  /** Time after which it happened; undefined: not by the end of the run. */
  readonly afterMs: number | undefined;
  /** Time from which the limit counts; undefined: that moment had not come when the run ended. */
  readonly sinceMs: number | undefined;
  readonly text: string;
}

/** Returns when it happened, if at all; undefined if nothing is to be expected. */
function judge(subject: Subject, verdict: Verdict, endMs: number): JudgedTime | undefined {
  if (verdict.effect !== 'cuts') return undefined;
  return subject === 'service' ? comingBack(verdict, endMs) : noticing(verdict, subject, endMs);
}

function noticing(verdict: Verdict, who: 'server' | 'device', endMs: number): JudgedTime | undefined {
  const { atMs, wasConnected, survived, server, firmware } = verdict;
  const noticed = who === 'server' ? allOfServerNoticed(verdict) : verdict.deviceNoticed;
  if (!wasConnected || survived) return undefined;
  if (noticed !== undefined) {
    const { afterMs, by } = noticed;
    return { verdict, sinceMs: atMs, afterMs, text: `the ${who} noticed after ${formatSeconds(afterMs)} by ${by}` };
  }
  // A program that the fault stopped need not notice. If its watchdog did, or if it found out later, that counts.
  if ((who === 'server' ? server : firmware) !== 'running') return undefined;
  const later = formatSeconds(endMs - atMs);
  return {
    verdict,
    sinceMs: atMs,
    afterMs: undefined,
    text: `the ${who} had not noticed when the run ended ${later} later`,
  };
}

function comingBack(verdict: Verdict, endMs: number): JudgedTime | undefined {
  const { atMs, healedAfterMs, backAfterMs, hadService, forMs } = verdict;
  if (!hadService) return undefined;
  if (healedAfterMs === undefined) {
    const text = 'the run ended before the fault was healed, and service could not be back';
    return forMs === undefined ? undefined : { verdict, sinceMs: undefined, afterMs: undefined, text };
  }
  const sinceMs = atMs + healedAfterMs;
  const text = backAfterMs === undefined
    ? `service was not back when the run ended ${formatSeconds(endMs - sinceMs)} after the heal`
    : `service was back ${formatSeconds(backAfterMs)} after the heal`;
  return { verdict, sinceMs, afterMs: backAfterMs, text };
}
