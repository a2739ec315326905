/** What a user expects of every fault that cuts: `server notices within 15s`, `service back within 10s`. */

import { describeWrongDuration, formatDuration, formatSeconds, parseDuration } from '../time/duration.ts';
import type { Verdict } from './verdict.ts';

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

/**
 * A sentence for each verdict that is not as expected, the worst first; none when all are. An expectation that nothing put to the test is not
 * met: a fault that found no connection, say, proves nothing.
 */
export function failures(expectation: Expectation, verdicts: readonly Verdict[], endMs: number): string[] {
  const { subject, withinMs } = expectation;
  const judged = verdicts.flatMap((verdict) => judge(subject, verdict, endMs) ?? []);
  if (judged.length === 0) return [`${formatExpectation(expectation)}: no fault put it to the test`];
  const failed = judged.filter(({ afterMs = Infinity }) => afterMs > withinMs);
  // What never was is worse than what was late; NaN is where both never were.
  const worstFirst = failed.toSorted((a, b) => ((b.afterMs ?? Infinity) - (a.afterMs ?? Infinity)) || 0);
  return worstFirst.map(({ verdict, text }) => `${verdict.text}, ${verdict.device}: ${subject} ${text}, not within ${formatDuration(withinMs)}`);
}

interface Judged {
  readonly verdict: Verdict;
  /** Undefined: it was not so until the end of the run. */
  readonly afterMs: number | undefined;
  readonly text: string;
}

/** When it was so, if at all; undefined where nothing is to be expected. */
function judge(subject: Subject, verdict: Verdict, endMs: number): Judged | undefined {
  const after = (afterMs: number, by = ''): Judged => ({ verdict, afterMs, text: `after ${formatSeconds(afterMs)}${by}` });
  const never = (sinceMs: number): Judged => {
    return { verdict, afterMs: undefined, text: `not in the ${formatSeconds(endMs - sinceMs)} until the end of the run` };
  };
  switch (subject) {
    case 'server notices':
    case 'device notices': {
      const isServer = subject === 'server notices';
      const noticed = isServer ? verdict.serverNoticed : verdict.deviceNoticed;
      if (verdict.effect !== 'cuts' || !verdict.wasConnected || verdict.survived) return undefined;
      if (noticed !== undefined) return after(noticed.afterMs, ` (${noticed.by})`);
      // Who was stopped by the fault need not notice; if a watchdog did, or it found out later, that counts.
      return (isServer ? verdict.server : verdict.firmware) === 'running' ? never(verdict.atMs) : undefined;
    }
    case 'service back': {
      if (verdict.effect !== 'cuts' || !verdict.hadService) return undefined;
      if (verdict.backAfterMs !== undefined) return after(verdict.backAfterMs);
      if (verdict.healedAfterMs !== undefined) return never(verdict.atMs + verdict.healedAfterMs);
      if (verdict.forMs === undefined) return undefined;
      return { verdict, afterMs: undefined, text: 'not to be seen, as the run ended before the fault was healed' };
    }
  }
}
