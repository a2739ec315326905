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
  if (subject === undefined) return `'${text}' is no expectation: it must begin with ${SUBJECTS.map((words) => `'${words} within'`).join(', ')}`;
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
 * Holds the expectation against every verdict. One that nothing put to the test is not met: a fault that found no connection, say, proves
 * nothing; nor does a run that ended before the time of any fault was up.
 */
export function judgeExpectation(expectation: Expectation, verdicts: readonly Verdict[], endMs: number): Judgement {
  const { subject, withinMs } = expectation;
  const judged = verdicts.flatMap((verdict) => judge(subject, verdict, endMs) ?? []);
  const inTime = judged.filter(({ afterMs, sinceMs = Infinity }) => afterMs !== undefined || sinceMs + withinMs <= endMs);
  const decided = inTime.length > 0 ? inTime : judged;
  if (decided.length === 0) return { failures: [`${formatExpectation(expectation)}: no fault put it to the test`], tooLate: 0 };
  const failed = decided.filter(({ afterMs = Infinity }) => afterMs > withinMs);
  // What never was is worse than what was late; NaN is where both never were.
  const worstFirst = failed.toSorted((a, b) => ((b.afterMs ?? Infinity) - (a.afterMs ?? Infinity)) || 0);
  return {
    failures: worstFirst.map(({ verdict, text }) => `${verdict.text}, ${verdict.device}: ${subject} ${text}, not within ${formatDuration(withinMs)}`),
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
  const { effect, atMs, healedAfterMs, backAfterMs } = verdict;
  const after = (sinceMs: number, afterMs: number, by = ''): Judged => ({ verdict, sinceMs, afterMs, text: `after ${formatSeconds(afterMs)}${by}` });
  const never = (sinceMs: number): Judged => {
    return { verdict, sinceMs, afterMs: undefined, text: `not in the ${formatSeconds(endMs - sinceMs)} until the end of the run` };
  };
  if (effect !== 'cuts') return undefined;
  switch (subject) {
    case 'server notices':
    case 'device notices': {
      const isServer = subject === 'server notices';
      const noticed = isServer ? allOfServerNoticed(verdict) : verdict.deviceNoticed;
      if (!verdict.wasConnected || verdict.survived) return undefined;
      if (noticed !== undefined) return after(atMs, noticed.afterMs, ` (${noticed.by})`);
      // Who was stopped by the fault need not notice; if a watchdog did, or it found out later, that counts.
      return (isServer ? verdict.server : verdict.firmware) === 'running' ? never(atMs) : undefined;
    }
    case 'service back': {
      if (!verdict.hadService) return undefined;
      if (healedAfterMs !== undefined) return backAfterMs === undefined ? never(atMs + healedAfterMs) : after(atMs + healedAfterMs, backAfterMs);
      if (verdict.forMs === undefined) return undefined;
      return { verdict, sinceMs: undefined, afterMs: undefined, text: 'not to be seen, as the run ended before the fault was healed' };
    }
  }
}
