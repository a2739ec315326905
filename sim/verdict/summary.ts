/** Summary of many verdicts: median, p99 and worst times, and the cost. */

import type { Peak } from './peak.ts';
import { allOfServerNoticed, type Findings, type Noticed, type Traffic } from './verdict.ts';

/** Detection by one end. */
export interface Detection {
  /** Detection times, the shortest first. */
  readonly timesMs: readonly number[];
  /** Median; undefined: nothing was noticed. */
  readonly medianMs: number | undefined;
  readonly p99Ms: number | undefined;
  readonly worstMs: number | undefined;
  /** Number of cuts that the end could have noticed and did not. */
  readonly never: number;
}

export interface Summary {
  /** Number of cuts of connections: a fault counts once for every device that it touched. */
  readonly faults: number;
  readonly survived: number;
  readonly server: Detection;
  readonly device: Detection;
  /** Times from the heal to the first sign of service; `never`: no sign came by the end. */
  readonly back: Detection;
  readonly ghostMs: number;
  readonly falseAlarms: number;
  readonly overlappingSessions: number;
  /** The second with most reconnects; undefined: there were none. */
  readonly peakReconnects: Peak | undefined;
  /** Traffic of a device in a day; undefined if the trace has no end. */
  readonly trafficADay: Traffic | undefined;
}

const DAY_MS = 86_400_000;

export function summarize({
  verdicts,
  devices,
  endMs,
  ghostMs,
  falseAlarms,
  overlappingSessions,
  peakReconnects,
  traffic,
}: Findings): Summary {
  const cuts = verdicts.filter(({ effect, wasConnected }) => effect === 'cuts' && wasConnected);
  const toNotice = cuts.filter(({ survived }) => !survived);
  const healed = verdicts.filter(
    ({ effect, hadService, healedAfterMs }) => effect === 'cuts' && hadService && healedAfterMs !== undefined,
  );
  return {
    faults: cuts.length,
    survived: cuts.length - toNotice.length,
    server: detection(toNotice.map((one) => outcome(allOfServerNoticed(one), one.server === 'running'))),
    device: detection(toNotice.map((one) => outcome(one.deviceNoticed, one.firmware === 'running'))),
    back: detection(healed.map(({ backAfterMs }) => backAfterMs ?? 'never')),
    ghostMs,
    falseAlarms: falseAlarms.length,
    overlappingSessions,
    peakReconnects,
    trafficADay:
      traffic === undefined || devices === 0 || endMs === 0
        ? undefined
        : { ...traffic, bytes: (traffic.bytes / devices / endMs) * DAY_MS },
  };
}

/** Outcome for an end; undefined: nothing was to be expected of it. */
type Outcome = number | 'never' | undefined;

/**
 * Returns the outcome. An end that the fault had stopped and that continued later learned of it then, which says
 * nothing about its speed; its watchdog's time does.
 */
function outcome(noticed: Noticed | undefined, couldNotice: boolean): Outcome {
  if (!couldNotice) return noticed?.by === 'watchdog' ? noticed.afterMs : undefined;
  return noticed?.afterMs ?? 'never';
}

function detection(outcomes: readonly Outcome[]): Detection {
  const timesMs = outcomes.filter((one) => typeof one === 'number').toSorted((a, b) => a - b);
  return {
    timesMs,
    medianMs: quantile(timesMs, 0.5),
    p99Ms: quantile(timesMs, 0.99),
    worstMs: timesMs.at(-1),
    never: outcomes.filter((one) => one === 'never').length,
  };
}

/** The nearest rank: a time that was measured, and the least that so large a share does not exceed. */
export function quantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.max(Math.ceil(sorted.length * share) - 1, 0)];
}
