/** Figures as a table for people. */

import { isMet, type Figure } from './figure.ts';

const HEADINGS = ['what', 'measured', 'floor', 'ratio', 'budget', 'met', ''];

export function table(figures: readonly Figure[]): string {
  const rows = [HEADINGS, ...figures.map(cells)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return rows.map(line).join('\n');
}

/** What must not be overlooked: a sentence for each budget that is not met. */
export function unmet(figures: readonly Figure[]): string[] {
  return figures.filter((figure) => isMet(figure) === false).map((figure) => {
    const [, measured, , ratio, budget] = cells(figure);
    return `NOT MET: ${figure.what}: ${figure.budget?.of === 'ratio' ? ratio : measured}, budget ${budget}`;
  });
}

function isNumber(column: number): boolean {
  return column >= 1 && column <= 4;
}

function cells(figure: Figure): string[] {
  const { what, unit, measured, floor, ratio, budget, note = '' } = figure;
  const met = isMet(figure);
  return [
    what,
    amount(measured, unit),
    amount(floor, unit),
    times(ratio),
    budget === undefined ? '' : `<= ${budget.of === 'ratio' ? times(budget.max) : amount(budget.max, unit)}`,
    met === undefined ? '' : met ? 'yes' : 'NO',
    note,
  ];
}

/** With what it comes to in a second, for what takes nanoseconds. */
function amount(value: number, unit: Figure['unit']): string {
  switch (unit) {
    case 'ns':
      return `${value.toFixed(0)} ns (${(1000 / value).toFixed(1)} M/s)`;
    case 'us':
      return `${value.toFixed(1)} us`;
    case 'bytes':
      return `${value.toFixed(0)} bytes`;
  }
}

function times(ratio: number): string {
  return `${ratio.toFixed(2)}x`;
}
