/** Words, amounts and tables for people. */

/** Rows of cells as lines, columns aligned to the left, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ').trimEnd()).join('\n');
}

/** `1 cut`, `2 cuts`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** `1.2 MB`: in powers of ten, as data volumes are sold. */
export function formatBytes(bytes: number): string {
  const units = [['B', 1], ['kB', 1e3], ['MB', 1e6]] as const;
  const [unit, size] = units.find(([, unitBytes]) => bytes < 1e3 * unitBytes) ?? ['GB', 1e9];
  return `${(bytes / size).toFixed(unit === 'B' ? 0 : 1)} ${unit}`;
}

/** Breaks each line of a text at spaces into lines of at most `columns` characters. */
export function wrapped(text: string, columns: number): string[] {
  return text.split('\n').flatMap((line) => wrappedLine(line, columns));
}

function wrappedLine(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
