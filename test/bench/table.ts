/** Figures as a table for people. */

import { isMet, judged, type Figure } from './figure.ts';

const HEADINGS = ['what', 'measured', 'floor', 'ratio', 'budget', 'met', ''];

/** `before`: the ratios of a run that is stored, by what they are of. */
export function table(figures: readonly Figure[], before?: ReadonlyMap<string, number>): string {
  const rows = [HEADINGS, ...figures.map(cells)].map((row, i) => {
    if (before === undefined) return row;
    const [ratio, then] = [figures[i - 1]?.ratio ?? NaN, before.get(figures[i - 1]?.what ?? '')];
    const change = then === undefined ? 'new' : `${times(then)} (${percent(ratio / then - 1)})`;
    return [...row.slice(0, 4), i === 0 ? 'ratio before' : change, ...row.slice(4)];
  });
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return rows.map(line).join('\n');
}

/** Returns a sentence for each budget that is not met. Nobody should overlook these. */
export function unmet(figures: readonly Figure[]): string[] {
  return figures.filter((figure) => isMet(figure) === false).map((figure) => {
    const [, , , , budget] = cells(figure);
    const value = figure.budget?.of === 'ratio' ? times(judged(figure)) : amount(judged(figure), figure.unit);
    return `NOT MET: ${figure.what}: ${value}, budget ${budget}${figure.why === undefined ? '' : `; ${figure.why}`}`;
  });
}

function isNumber(column: number): boolean {
  return column >= 1 && column <= 5;
}

function cells(figure: Figure): string[] {
  const { what, unit, measured, floor, ratio, budget, note = '' } = figure;
  const met = isMet(figure);
  return [
    what,
    amount(measured, unit),
    amount(floor, unit),
    times(ratio),
    budget === undefined ? '' : `<= ${budgetText(budget, unit)}`,
    met === undefined ? '' : met ? 'yes' : 'NO',
    note,
  ];
}

function budgetText({ of, max }: NonNullable<Figure['budget']>, unit: Figure['unit']): string {
  if (of === 'ratio') return times(max);
  return of === 'excess' ? `floor + ${amount(max, unit)}` : amount(max, unit);
}

function percent(change: number): string {
  return `${change < 0 ? '' : '+'}${(100 * change).toFixed(0)}%`;
}

/** Formats an amount. Amounts in nanoseconds also get their number a second. */
function amount(value: number, unit: Figure['unit']): string {
  switch (unit) {
    case 'ns':
      return `${value.toFixed(0)} ns (${(1000 / value).toFixed(1)} M/s)`;
    case 'us':
      return `${value.toFixed(1)} us`;
    case 'ms':
      return `${value.toFixed(0)} ms`;
    case 'bytes':
      return `${value.toFixed(0)} bytes`;
  }
}

function times(ratio: number): string {
  return `${ratio.toFixed(2)}x`;
}
