/** What many verdicts come to: how long it took in the middle, nearly always, and at worst; and what it cost. */

import type { Peak } from './peak.ts';
import { allOfServerNoticed, type Findings, type Noticed, type Traffic } from './verdict.ts';

/** How one end fared. */
export interface Detection {
  /** After how long, the shortest first. */
  readonly timesMs: readonly number[];
  /** Undefined: nothing was noticed. */
  readonly medianMs: number | undefined;
  readonly p99Ms: number | undefined;
  readonly worstMs: number | undefined;
  /** It could have noticed, and did not. */
  readonly never: number;
}

export interface Summary {
  /** That cut a connection: each once for every device that it touched. */
  readonly faults: number;
  readonly survived: number;
  readonly server: Detection;
  readonly device: Detection;
  /** From the heal to the first sign of service; `never`: there was none to the end. */
  readonly back: Detection;
  readonly ghostMs: number;
  readonly falseAlarms: number;
  readonly overlappingSessions: number;
  /** The second with most reconnects; undefined: there were none. */
  readonly peakReconnects: Peak | undefined;
  /** Of a device, in a day; undefined where the trace does not come to its end. */
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

/** Undefined: nothing was to be expected of it. */
type Outcome = number | 'never' | undefined;

/**
 * Who was stopped by the fault and went on later learned of it then, which says nothing of how quick it is; its
 * watchdog does.
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
