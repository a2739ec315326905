/** The matrix as people read it on a terminal. */

import { formatDuration, formatSeconds } from '../time/duration.ts';
import { table } from '../text.ts';
import type { End, Matrix } from './matrix.ts';
import { stackRules, stacksText } from './stacks.ts';

/** More policies than these are not side by side on a screen: then there are several tables. */
const ACROSS_MAX = 4;

/** A table with two lines a fault, and below it why. */
export function matrixText(matrix: Matrix): string {
  const { horizonMs, policies, rows } = matrix;
  const size = Math.ceil(policies.length / Math.ceil(policies.length / ACROSS_MAX));
  const tables: string[] = [];
  for (let from = 0; from < policies.length; from += size) {
    const some = <T>(all: readonly T[]): readonly T[] => all.slice(from, from + size);
    const lines = rows.flatMap(({ fault, cells }) => [
      [fault, 'server', ...some(cells).map(({ server }) => endText(server))],
      ['', 'device', ...some(cells).map(({ device }) => endText(device))],
    ]);
    tables.push(table([['fault', 'noticed by', ...some(policies)], ...lines]), '');
  }
  return [
    ...tables,
    meanings(horizonMs),
    `${setting(matrix)}.`,
    '',
    ...rows.flatMap(({ fault, why }) => (why === undefined ? [] : [`${fault}: ${why}`])),
    ...stackRules(matrix),
  ].join('\n');
}

/** Returns the meanings of the words in the cells. */
export function meanings(horizonMs: number): string {
  return `never: not within ${formatDuration(horizonMs)}; was off, hung: it could not notice; kept alive: the box never forgot it.`;
}

/** Returns how the matrix was found. */
export function setting(matrix: Matrix): string {
  return `Found by experiment in virtual time (seed ${matrix.seed}): ${stacksText(matrix)}, 20 ms apart`;
}

export function endText(end: End): string {
  switch (end.kind) {
    case 'noticed': return `${formatSeconds(end.afterMs)} by ${end.by}`;
    case 'never': return 'never';
    case 'survived': return 'survived';
    case 'stopped': return end.state === 'hung' ? 'hung' : `was ${end.state}`;
    case 'spared': return 'kept alive';
    case 'held': return 'held on';
    case 'untested': return 'not tested';
  }
}
