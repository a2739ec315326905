/**
 * `tune`: for a path and a budget, the policies that nothing else beats, found by simulation.
 *
 * Each candidate is measured in three runs. In the first the cable of every device is pulled once, for good: after how
 * long does each end notice? In the second every device hangs. In the third no fault comes: how much is sent, and how
 * often is a live connection given up? The first decides who is measured further. Those on the front get a long third
 * run, because false alarms are rare.
 */

import { type Candidate, candidatesFor } from './candidates.ts';

export interface Budget {
  /** Limit of the time after which the server notices a cable pull, at p99. */
  readonly detectMs: number;
  /** Packets of a device in a day; undefined: any. */
  readonly bytesADay: number | undefined;
  /** Live connections given up, of a device in a year; undefined: any. */
  readonly falseAlarmsAYear: number | undefined;
}

/** Result of a run with a fault on every device; undefined: more than one in a hundred was not noticed. */
export interface DetectionFigures {
  readonly serverP99Ms: number | undefined;
  readonly deviceP99Ms: number | undefined;
}

/** Figures of a candidate that notices a pulled cable in time. */
export interface FurtherFigures {
  /** Time after which the server notices a hang, at p99; undefined: it does not notice a hung firmware. */
  readonly hangP99Ms: number | undefined;
  readonly quiet: QuietFigures;
}

/** Result of a run without faults. */
export interface QuietFigures {
  readonly bytesADay: number;
  readonly falseAlarms: number;
  /** Time for which all devices together were watched. */
  readonly deviceHours: number;
}

export interface Tried {
  readonly candidate: Candidate;
  readonly detection: DetectionFigures;
  /** Further figures; undefined: the candidate was too slow, and not measured further. */
  readonly further: FurtherFigures | undefined;
}

export interface Point {
  readonly candidate: Candidate;
  readonly serverP99Ms: number;
  readonly deviceP99Ms: number | undefined;
  /** Time after which the server notices a hang, at p99; undefined: it does not notice a hung firmware. */
  readonly hangP99Ms: number | undefined;
  readonly bytesADay: number;
  readonly alarms: AlarmRate;
  /** Whether traffic and false alarms are those of the long run. */
  readonly isWatched: boolean;
}

/** False alarms of a device in a year: as measured, and the most that 95% confidence leaves. */
export interface AlarmRate {
  readonly seen: number;
  readonly deviceHours: number;
  readonly aYear: number;
  readonly mostAYear: number;
}

export interface Tuning {
  readonly budget: Budget;
  readonly tried: readonly Tried[];
  /** Number of policies that there are: more than were tried if the search was ended early. */
  readonly candidates: number;
  /** Whether all runs were done. If not, the front is that of the policies tried so far, with the figures so far. */
  readonly isComplete: boolean;
  /** Policies within the budget that no other beats, the quietest first. */
  readonly front: readonly Point[];
}

/**
 * Does the runs. Each must give the same for the same candidate. A run resolves to undefined if the search is to end
 * early.
 */
export interface Measurements {
  detection(candidate: Candidate, fault: 'cable-pull' | 'hang'): Promise<DetectionFigures | undefined>;
  /** `isLong`: of a candidate on the front. */
  quiet(candidate: Candidate, isLong: boolean): Promise<QuietFigures | undefined>;
  onProgress(done: number, of: number, stage: 'detection and traffic' | 'false alarms'): void;
}

const HOURS_A_YEAR = 365 * 24;

export async function tune(budget: Budget, measure: Measurements): Promise<Tuning> {
  const tried: Tried[] = [];
  const candidates = candidatesFor(budget.detectMs);
  for (const [i, candidate] of candidates.entries()) {
    measure.onProgress(i, candidates.length, 'detection and traffic');
    const one = await tryOne(candidate, budget, measure);
    if (one === undefined) break;
    tried.push(one);
  }
  let isComplete = tried.length === candidates.length;
  const affordable = tried.flatMap(pointOf).filter((point) => isAffordable(point, budget));
  const likely = frontOf(affordable);
  const front: Point[] = [];
  for (const [i, point] of likely.entries()) {
    measure.onProgress(i, likely.length, 'false alarms');
    const quiet = isComplete ? await measure.quiet(point.candidate, true) : undefined;
    isComplete = quiet !== undefined;
    const exact = quiet === undefined ? point : {
      ...point, bytesADay: quiet.bytesADay, alarms: alarmRate(quiet), isWatched: true,
    };
    if (isAffordable(exact, budget)) front.push(exact);
  }
  return { budget, tried, candidates: candidates.length, isComplete, front: frontOf(front) };
}

/** Resolves to undefined if the search is to end early. */
async function tryOne(candidate: Candidate, budget: Budget, measure: Measurements): Promise<Tried | undefined> {
  const detection = await measure.detection(candidate, 'cable-pull');
  if (detection === undefined) return undefined;
  const { serverP99Ms } = detection;
  if (serverP99Ms === undefined || serverP99Ms > budget.detectMs) return { candidate, detection, further: undefined };
  const hang = await measure.detection(candidate, 'hang');
  const quiet = hang && (await measure.quiet(candidate, false));
  return quiet && { candidate, detection, further: { hangP99Ms: hang?.serverP99Ms, quiet } };
}

/** Returns whether the measured figures are within the budget. The table says what the hours cannot show. */
function isAffordable({ bytesADay, alarms }: Point, budget: Budget): boolean {
  return bytesADay <= (budget.bytesADay ?? Infinity) && alarms.aYear <= (budget.falseAlarmsAYear ?? Infinity);
}

function pointOf({ candidate, detection, further }: Tried): Point[] {
  const { serverP99Ms, deviceP99Ms } = detection;
  if (serverP99Ms === undefined || further === undefined) return [];
  const { hangP99Ms, quiet } = further;
  const alarms = alarmRate(quiet);
  return [{ candidate, serverP99Ms, deviceP99Ms, hangP99Ms, bytesADay: quiet.bytesADay, alarms, isWatched: false }];
}

/**
 * Returns the points that no other beats: no other is as good in detection times, traffic and false alarms, and better
 * in one of them. The quietest is first. Times are compared in steps of a hundredth of the slowest, because chance
 * decides smaller differences.
 */
export function frontOf(points: readonly Point[]): readonly Point[] {
  const stepMs = Math.max(...points.map(({ serverP99Ms }) => serverP99Ms), 0) / 100;
  return points
    .filter((point) => !points.some((other) => beats(other, point, stepMs)))
    .toSorted((a, b) => a.bytesADay - b.bytesADay || a.serverP99Ms - b.serverP99Ms);
}

function beats(one: Point, other: Point, stepMs: number): boolean {
  const steps = (ms: number | undefined): number => (ms === undefined ? Infinity : Math.round(ms / stepMs));
  const costs = ({ serverP99Ms, hangP99Ms, bytesADay, alarms }: Point): readonly number[] => {
    return [steps(serverP99Ms), steps(hangP99Ms), bytesADay, alarms.aYear];
  };
  const others = costs(other);
  const isAsGood = costs(one).every((cost, i) => cost <= (others[i] ?? Infinity));
  return isAsGood && costs(one).some((cost, i) => cost < (others[i] ?? Infinity));
}

export function alarmRate({ falseAlarms: seen, deviceHours }: QuietFigures): AlarmRate {
  const years = deviceHours / HOURS_A_YEAR;
  return { seen, deviceHours, aYear: seen / years, mostAYear: poissonUpper(seen) / years };
}

/**
 * The most that a mean can be if so many were counted, at 95% confidence (one-sided, exact for a Poisson process: the
 * mean at which so few or fewer come with a probability of 5%). For none it is the rule of three: 3.0.
 */
export function poissonUpper(count: number): number {
  let low = count;
  let high = count + 10 + 4 * Math.sqrt(count + 1);
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (atMost(count, middle) > 0.05) low = middle;
    else high = middle;
  }
  return high;
}

/** The probability of `count` or fewer events where `mean` are expected. */
function atMost(count: number, mean: number): number {
  // By logarithms, as the first term of a large mean is smaller than any number.
  let logTerm = -mean;
  let sum = Math.exp(logTerm);
  for (let i = 1; i <= count; i++) {
    logTerm += Math.log(mean / i);
    sum += Math.exp(logTerm);
  }
  return sum;
}
