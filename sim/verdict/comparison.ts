/** Two runs side by side: each figure of their summaries, and what has become worse. In all of them less is better. */

import { formatBytes } from '../text.ts';
import { formatSeconds } from '../time/duration.ts';
import { NOT_BY_THE_END } from './findings-text.ts';
import type { Detection, Summary } from './summary.ts';

export interface ComparedFigure {
  readonly what: string;
  /** Figure of the run before; undefined if the run has none. */
  readonly before: number | undefined;
  readonly after: number | undefined;
  /**
   * Growth relative to the figure before: -0.5 means that the figure has halved. Undefined if one of the figures is
   * missing.
   */
  readonly growth: number | undefined;
  readonly unit: Unit;
}

type Unit = 'ms' | 'bytes' | 'count';

export function compare(before: Summary, after: Summary): ComparedFigure[] {
  const earlier = figuresOf(before);
  return figuresOf(after).map(({ what, unit, value }, i) => {
    const was = earlier[i]?.value;
    return { what, unit, before: was, after: value, growth: growthOf(was, value) };
  });
}

/** More than nothing is infinitely much more. */
function growthOf(before: number | undefined, after: number | undefined): number | undefined {
  if (before === undefined || after === undefined) return undefined;
  if (before === after) return 0;
  return before === 0 ? Infinity : (after - before) / before;
}

interface Figure {
  readonly what: string;
  readonly unit: Unit;
  readonly value: number | undefined;
}

function figuresOf(summary: Summary): Figure[] {
  const { server, device, back, ghostMs, falseAlarms, overlappingSessions, peakReconnects, trafficADay } = summary;
  const count = (what: string, value: number | undefined): Figure => ({ what, unit: 'count', value });
  return [
    ...detectionFigures('server noticed', server),
    ...detectionFigures('device noticed', device),
    ...detectionFigures('service back', back),
    { what: 'ghosts', unit: 'ms', value: ghostMs },
    count('false alarms', falseAlarms),
    count('overlapping sessions', overlappingSessions),
    count('reconnects in one second', peakReconnects?.count ?? 0),
    { what: 'traffic of a device a day', unit: 'bytes', value: trafficADay?.bytes },
  ];
}

function detectionFigures(what: string, { medianMs, p99Ms, worstMs, never }: Detection): Figure[] {
  return [
    { what: `${what}, median`, unit: 'ms', value: medianMs },
    { what: `${what}, p99`, unit: 'ms', value: p99Ms },
    { what: `${what}, worst`, unit: 'ms', value: worstMs },
    { what: `${what}, ${NOT_BY_THE_END}`, unit: 'count', value: never },
  ];
}

/** Returns whether the figure has grown by more than this share. */
export function isWorse({ growth = 0 }: ComparedFigure, tolerance: number): boolean {
  return growth > tolerance;
}

/** The head, and a row a figure; what is worse than the tolerance allows is marked. */
export function comparisonRows(figures: readonly ComparedFigure[], tolerance: number): string[][] {
  return [
    ['', 'before', 'after', 'change'],
    ...figures.map((figure) => {
      const { what, unit, before, after } = figure;
      const mark = isWorse(figure, tolerance) ? '  WORSE' : '';
      return [what, valueText(before, unit), valueText(after, unit), `${changeText(figure)}${mark}`];
    }),
  ];
}

function valueText(value: number | undefined, unit: Unit): string {
  if (value === undefined) return '-';
  switch (unit) {
    case 'ms': return formatSeconds(value);
    case 'bytes': return formatBytes(value);
    case 'count': return String(value);
  }
}

function changeText({ growth, before, after }: ComparedFigure): string {
  if (growth === undefined) return before === after ? '' : before === undefined ? 'new' : 'gone';
  if (growth === 0) return '=';
  if (growth === Infinity) return 'new';
  return `${growth > 0 ? '+' : ''}${(growth * 100).toFixed(1)}%`;
}
