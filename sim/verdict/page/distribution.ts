/**
 * Distribution of detection times as a picture: the share that had noticed after a time, for the server and for
 * devices. SVG, without a script.
 */

import type { Detection } from '../summary.ts';
import { humanTime } from './html.ts';

interface Curve {
  readonly name: 'server' | 'device';
  readonly detection: Detection;
}

interface Scale {
  /** Position from 0 to 1; beyond that range for times beyond the axis. */
  readonly at: (ms: number) => number;
  readonly ticksMs: readonly number[];
  readonly isLogarithmic: boolean;
}

const HEIGHT = 250;
const LEFT = 46;
const RIGHT = 16;
const TOP = 14;
const BOTTOM = 46;

/** More times than this are a curve, and need no dots. */
const DOTS_MAX = 40;

/** Ratio of the worst to the median beyond which a linear scale would show only the worst. */
const SPREAD_MAX = 12;

/** `width` in px: the text does not grow with it. Empty where nobody noticed anything. */
export function distribution(server: Detection, device: Detection, width: number): string {
  const curves: Curve[] = [{ name: 'server', detection: server }, { name: 'device', detection: device }];
  const shown = curves.filter(({ detection }) => detection.timesMs.length > 0);
  if (shown.length === 0) return '';
  const scale = scaleOf(shown, width < 500 ? 4 : 8);
  const x = (ms: number): number => LEFT + scale.at(ms) * (width - LEFT - RIGHT);
  const y = (share: number): number => TOP + (1 - share) * (HEIGHT - TOP - BOTTOM);
  const bottom = y(0);
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    return `<path class="grid" d="M${LEFT} ${px(y(share))}H${width - RIGHT}"/><text x="${LEFT - 7}" y="${px(y(share) + 4)}" text-anchor="end">${share * 100}%</text>`;
  });
  const ticks = scale.ticksMs.map((ms, i) => {
    // The last is at the edge, and would be cut off there.
    const anchor = i > 0 && i === scale.ticksMs.length - 1 ? 'end' : 'middle';
    return `<path class="grid" d="M${px(x(ms))} ${TOP}V${px(bottom + 4)}"/><text x="${px(x(ms))}" y="${px(bottom + 18)}" text-anchor="${anchor}">${ms === 0 ? 0 : humanTime(ms)}</text>`;
  });
  const caption = `time since the fault${scale.isLogarithmic ? ' (logarithmic)' : ''}`;
  const parts = shown.map(({ name, detection }) => curve(name, detection, x, y, width - RIGHT));
  const label = shown
    .map(
      ({ name, detection: { medianMs = 0, worstMs = 0 } }) =>
        `${name}: median ${humanTime(medianMs)}, worst ${humanTime(worstMs)}`,
    )
    .join('; ');
  return (
    `<svg class="distribution" viewBox="0 0 ${width} ${HEIGHT}" width="${width}" height="${HEIGHT}" role="img" aria-label="Share that had noticed, by time. ${label}">` +
    `${grid.join('')}${ticks.join('')}<text x="${px((LEFT + width - RIGHT) / 2)}" y="${HEIGHT - 8}" text-anchor="middle">${caption}</text>${parts.join('')}</svg>`
  );
}

/** Never to have noticed keeps the curve below 100%. */
function curve(
  name: Curve['name'],
  { timesMs, never }: Detection,
  x: (ms: number) => number,
  y: (share: number) => number,
  right: number,
): string {
  const all = timesMs.length + never;
  const steps: { readonly ms: number; readonly count: number }[] = [];
  for (const [i, ms] of timesMs.entries()) {
    const last = steps.at(-1);
    // Steps of less than half a pixel are one.
    if (last !== undefined && x(ms) - x(last.ms) < 0.5) steps[steps.length - 1] = { ms: last.ms, count: i + 1 };
    else steps.push({ ms, count: i + 1 });
  }
  const path = steps.map(({ ms, count }) => `H${px(x(ms))}V${px(y(count / all))}`).join('');
  const dots =
    timesMs.length > DOTS_MAX
      ? []
      : steps.map(({ ms, count }) => {
          return `<circle cx="${px(x(ms))}" cy="${px(y(count / all))}" r="4"><title>${name}: ${count} of ${all} within ${humanTime(ms)}</title></circle>`;
        });
  return `<g class="curve ${name}"><path d="M${LEFT} ${px(y(0))}${path}H${right}"/>${dots.join('')}</g>`;
}

function scaleOf(curves: readonly Curve[], ticksMax: number): Scale {
  const timesMs = curves.flatMap(({ detection }) => detection.timesMs).toSorted((a, b) => a - b);
  const worstMs = Math.max(timesMs.at(-1) ?? 0, 1);
  const medianMs = timesMs[timesMs.length >> 1] ?? 0;
  return medianMs > 0 && worstMs > medianMs * SPREAD_MAX
    ? logarithmic(timesMs, worstMs, ticksMax)
    : straight(worstMs, ticksMax);
}

const NICE_MS = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  1e3,
  2e3,
  5e3,
  10e3,
  20e3,
  30e3,
  60e3,
  120e3,
  300e3,
  600e3,
  1200e3,
  1800e3,
  3600e3,
  7200e3,
  4 * 3600e3,
  12 * 3600e3,
  24 * 3600e3,
];

function straight(worstMs: number, ticksMax: number): Scale {
  const stepMs = NICE_MS.find((step) => worstMs / step <= ticksMax) ?? worstMs;
  const count = Math.ceil(worstMs / stepMs);
  return {
    at: (ms) => ms / (count * stepMs),
    ticksMs: Array.from({ length: count + 1 }, (_, i) => i * stepMs),
    isLogarithmic: false,
  };
}

function logarithmic(timesMs: readonly number[], worstMs: number, ticksMax: number): Scale {
  // Times below a hundredth of a second are drawn as a hundredth.
  const leastMs = Math.max(timesMs[0] ?? 0, 10);
  const from = Math.floor(Math.log10(leastMs));
  const to = Math.log10(worstMs * 1.15);
  const ticks = NICE_MS.filter((ms) => ms >= 10 ** from && ms <= worstMs * 1.15);
  const keep = Math.ceil(ticks.length / ticksMax);
  return {
    at: (ms) => (Math.log10(Math.max(ms, 10 ** from)) - from) / (to - from),
    ticksMs: ticks.filter((_, i) => i % keep === 0),
    isLogarithmic: true,
  };
}

function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}
