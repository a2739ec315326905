/** What a user expects of every fault: `server notices within 15s`, `service back within 10s`. */

import { DURATION_EXAMPLES, formatDuration, formatSeconds, parseDuration } from '../time/duration.ts';
import type { FaultKind } from '../faults/fault.ts';
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
  const withinMs = parseDuration(text.replace(/^.* within /, ''));
  if (subject === undefined) return `'${text}' is no expectation: it must begin with ${SUBJECTS.map((words) => `'${words} within'`).join(', ')}`;
  if (withinMs === undefined) return `'${text}' must end with a duration such as ${DURATION_EXAMPLES}`;
  return { subject, withinMs };
}

/** The device's firmware is not there to notice, so that nothing is expected of it. */
const DEVICE_CANNOT: Readonly<Record<FaultKind, boolean>> = {
  'cable-pull': false,
  reset: false,
  'power-loss': true,
  crash: true,
  hang: true,
};

/** A sentence for each verdict that is not as expected; none when all are. */
export function failures(expectation: Expectation, verdicts: readonly Verdict[], endMs: number): string[] {
  const { subject, withinMs } = expectation;
  return verdicts.flatMap((verdict) => {
    const actual = judge(subject, verdict, endMs);
    if (actual === undefined || (actual.afterMs !== undefined && actual.afterMs <= withinMs)) return [];
    return [`${verdict.text}, ${verdict.device}: ${subject} ${actual.text}, not within ${formatDuration(withinMs)}`];
  });
}

/** When it was so, if at all; undefined where nothing is to be expected. */
function judge(subject: Subject, verdict: Verdict, endMs: number): { afterMs: number | undefined; text: string } | undefined {
  const never = (sinceMs: number): { afterMs: undefined; text: string } => {
    return { afterMs: undefined, text: `not in the ${formatSeconds(endMs - sinceMs)} until the end of the run` };
  };
  switch (subject) {
    case 'server notices':
    case 'device notices': {
      const isServer = subject === 'server notices';
      if (!verdict.wasConnected || verdict.survived || (!isServer && DEVICE_CANNOT[verdict.fault])) return undefined;
      const noticed = isServer ? verdict.serverNoticed : verdict.deviceNoticed;
      if (noticed === undefined) return never(verdict.atMs);
      return { afterMs: noticed.afterMs, text: `after ${formatSeconds(noticed.afterMs)} (${noticed.by})` };
    }
    case 'service back': {
      if (verdict.healedAfterMs === undefined) return undefined;
      if (verdict.backAfterMs === undefined) return never(verdict.atMs + verdict.healedAfterMs);
      return { afterMs: verdict.backAfterMs, text: `after ${formatSeconds(verdict.backAfterMs)}` };
    }
  }
}
