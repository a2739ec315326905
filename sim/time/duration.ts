/** Durations as people write them: `500ms`, `12s`, `1.5m`, `2h`. */

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

type Unit = keyof typeof UNIT_MS;

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/**
 * Returns milliseconds, to the microsecond; undefined if `text` is not a duration, or one that is too long (35 years).
 */
export function parseDuration(text: string): number | undefined {
  const [, number, unit] = DURATION.exec(text) ?? [];
  if (number === undefined || unit === undefined || !isUnit(unit)) return undefined;
  const wholeUs = Math.round(Number(number) * UNIT_MS[unit] * 1000);
  // Beyond, milliseconds as floating point would not tell one microsecond from the next for certain.
  return wholeUs < 2 ** 50 ? wholeUs / 1000 : undefined;
}

/** A duration as public calls take it: in milliseconds, or as people write it. */
export type Duration = number | `${number}${Unit}`;

/** Returns milliseconds. Throws RangeError if the argument is not a duration. */
export function durationMs(duration: Duration): number {
  const ms = typeof duration === 'number' ? (duration >= 0 ? duration : undefined) : parseDuration(duration);
  if (ms === undefined) {
    throw new RangeError(
      `${duration} is no duration: it can be a number of milliseconds, or such as ${DURATION_EXAMPLES}`,
    );
  }
  return ms;
}

/**
 * Returns whole microseconds. Throws RangeError if the argument is not a duration, or one too long to count like this.
 */
export function durationUs(duration: Duration): number {
  const us = Math.round(durationMs(duration) * 1000);
  if (!Number.isSafeInteger(us)) throw new RangeError(`${duration} is too long to be counted in microseconds`);
  return us;
}

/** Examples of durations, for messages about a text that is none. */
const DURATION_EXAMPLES = '500ms, 30s, 1.5m, 2h or 1d';

/** Returns what a text must be that `parseDuration` cannot read; `what` names its meaning there. */
export function describeWrongDuration(text: string, what = 'a duration'): string {
  return DURATION.test(text) ? `${what} of at most 13031d (35 years)` : `${what} such as ${DURATION_EXAMPLES}`;
}

/** The shortest text that `parseDuration` reads as the same, to the microsecond: `90s`, not `90000ms` or `1.5m`. */
export function formatDuration(ms: number): string {
  const exactMs = Math.round(ms * 1000) / 1000;
  const units: readonly Unit[] = ['s', 'ms', 'm', 'h', 'd'];
  // A fraction of a minute or more is no time that anybody can read.
  const readable = units.filter((unit) => UNIT_MS[unit] <= 1000 || Number.isInteger(exactMs / UNIT_MS[unit]));
  const texts = readable
    .map((unit) => `${exactMs / UNIT_MS[unit]}${unit}`)
    .filter((text) => parseDuration(text) === exactMs);
  return texts.reduce((best, text) => (text.length < best.length ? text : best), texts[0] ?? `${exactMs}ms`);
}

/** Returns a time for tables: `12.0 s`, always in seconds, with one digit. */
export function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function isUnit(text: string): text is Unit {
  return Object.hasOwn(UNIT_MS, text);
}
