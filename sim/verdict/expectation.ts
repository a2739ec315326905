/** What a user expects of every fault: `server notices within 15s`, `service back within 10s`. */

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

/**
 * A sentence for each verdict that is not as expected; none when all are. An expectation that nothing put to the test is not
 * met: a fault that found no connection, say, proves nothing.
 */
export function failures(expectation: Expectation, verdicts: readonly Verdict[], endMs: number): string[] {
  const { subject, withinMs } = expectation;
  const judged = verdicts.flatMap((verdict) => judge(subject, verdict, endMs) ?? []);
  if (judged.length === 0) return [`${subject} within ${formatDuration(withinMs)}: no fault put it to the test`];
  return judged.flatMap(({ verdict, afterMs, text }) => {
    if (afterMs !== undefined && afterMs <= withinMs) return [];
    return [`${verdict.text}, ${verdict.device}: ${subject} ${text}, not within ${formatDuration(withinMs)}`];
  });
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
      if (!verdict.wasConnected || verdict.survived) return undefined;
      if (noticed !== undefined) return after(noticed.afterMs, ` (${noticed.by})`);
      // A firmware that the fault had stopped need not notice; if its watchdog did, or it found out later, that counts.
      return !isServer && verdict.firmware !== 'running' ? undefined : never(verdict.atMs);
    }
    case 'service back': {
      if (!verdict.hadService) return undefined;
      if (verdict.backAfterMs !== undefined) return after(verdict.backAfterMs);
      if (verdict.healedAfterMs !== undefined) return never(verdict.atMs + verdict.healedAfterMs);
      if (verdict.forMs === undefined) return undefined;
      return { verdict, afterMs: undefined, text: 'not to be seen, as the run ended before the fault was healed' };
    }
  }
}
