/** What a user expects of every fault that cuts: `server notices within 15s`, `service back within 10s`. */

import { describeWrongDuration, formatDuration, formatSeconds, parseDuration } from '../time/duration.ts';
import { allOfServerNoticed, type Verdict } from './verdict.ts';

const SUBJECTS = ['server notices', 'device notices', 'service back'] as const;

type Subject = (typeof SUBJECTS)[number];

export interface Expectation {
  readonly subject: Subject;
  readonly withinMs: number;
}

/** The expectation, or a sentence that says what is wrong with the text. */
export function parseExpectation(text: string): Expectation | string {
  const subject = SUBJECTS.find((words) => text.startsWith(`${words} within `));
  const within = text.replace(/^.* within /, '');
  const withinMs = parseDuration(within);
  if (subject === undefined) {
    return `'${text}' is no expectation: it must begin with ${SUBJECTS.map((words) => `'${words} within'`).join(', ')}`;
  }
  if (withinMs === undefined) return `'${text}' must end with ${describeWrongDuration(within)}`;
  return { subject, withinMs };
}

export function formatExpectation({ subject, withinMs }: Expectation): string {
  return `${subject} within ${formatDuration(withinMs)}`;
}

/** How an expectation fared. */
export interface Judgement {
  /** A sentence for each verdict that is not as expected, the worst first. */
  readonly failures: readonly string[];
  /** Faults that came so late that the run ended before their time was up. */
  readonly tooLate: number;
}

/**
 * Holds the expectation against every verdict. One that nothing put to the test is not met: a fault that found no
 * connection, say, proves nothing; nor does a run that ended before the time of any fault was up.
 */
export function judgeExpectation(expectation: Expectation, verdicts: readonly Verdict[], endMs: number): Judgement {
  const { subject, withinMs } = expectation;
  const judged = verdicts.flatMap((verdict) => judge(subject, verdict, endMs) ?? []);
  const inTime = judged.filter(
    ({ afterMs, sinceMs = Infinity }) => afterMs !== undefined || sinceMs + withinMs <= endMs,
  );
  const decided = inTime.length > 0 ? inTime : judged;
  if (decided.length === 0) {
    return { failures: [`${formatExpectation(expectation)}: no fault put it to the test`], tooLate: 0 };
  }
  const failed = decided.filter(({ afterMs = Infinity }) => afterMs > withinMs);
  // What never was is worse than what was late; NaN is where both never were.
  const worstFirst = failed.toSorted((a, b) => ((b.afterMs ?? Infinity) - (a.afterMs ?? Infinity)) || 0);
  return {
    failures: worstFirst.map(({ verdict, text }) => {
      return `${verdict.text}, ${verdict.device}: ${text} (limit: ${formatDuration(withinMs)})`;
    }),
    tooLate: judged.length - decided.length,
  };
}

interface Judged {
  readonly verdict: Verdict;
  /** Undefined: it was not so until the end of the run. */
  readonly afterMs: number | undefined;
  /** From when on it counts; undefined: that had not come when the run ended. */
  readonly sinceMs: number | undefined;
  readonly text: string;
}

/** When it was so, if at all; undefined where nothing is to be expected. */
function judge(subject: Subject, verdict: Verdict, endMs: number): Judged | undefined {
  if (verdict.effect !== 'cuts') return undefined;
  switch (subject) {
    case 'server notices': return noticing(verdict, 'server', endMs);
    case 'device notices': return noticing(verdict, 'device', endMs);
    case 'service back': return comingBack(verdict, endMs);
  }
}

function noticing(verdict: Verdict, who: 'server' | 'device', endMs: number): Judged | undefined {
  const { atMs, wasConnected, survived, server, firmware } = verdict;
  const noticed = who === 'server' ? allOfServerNoticed(verdict) : verdict.deviceNoticed;
  if (!wasConnected || survived) return undefined;
  if (noticed !== undefined) {
    const { afterMs, by } = noticed;
    return { verdict, sinceMs: atMs, afterMs, text: `the ${who} noticed after ${formatSeconds(afterMs)} by ${by}` };
  }
  // Who was stopped by the fault need not notice; if a watchdog did, or it found out later, that counts.
  if ((who === 'server' ? server : firmware) !== 'running') return undefined;
  const later = formatSeconds(endMs - atMs);
  return {
    verdict,
    sinceMs: atMs,
    afterMs: undefined,
    text: `the ${who} had not noticed when the run ended ${later} later`,
  };
}

function comingBack(verdict: Verdict, endMs: number): Judged | undefined {
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
