/** Verdicts as a table for people. */

import { formatSeconds } from '../time/duration.ts';
import { WHY_ABSENT, type Noticed, type Verdict } from './verdict.ts';

const HEAD = ['fault', 'device noticed', 'server noticed', 'ghost', 'service back'];

/** One row a verdict, under a head; columns aligned. */
export function verdictTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map((verdict) => [
    verdict.text.includes('*') ? `${verdict.text} (${verdict.device})` : verdict.text,
    deviceCell(verdict),
    serverCell(verdict),
    verdict.wasConnected ? formatSeconds(verdict.ghostMs) : '-',
    backCell(verdict),
  ]);
  return table([HEAD, ...rows]);
}

/** Rows of cells as lines, columns aligned to the left, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ').trimEnd()).join('\n');
}

function deviceCell({ fault, wasConnected, deviceNoticed, survived }: Verdict): string {
  if (!wasConnected) return 'was not connected';
  if (deviceNoticed !== undefined) return noticed(deviceNoticed);
  return WHY_ABSENT[fault] ?? (survived ? 'survived' : 'never');
}

function serverCell({ wasConnected, serverNoticed, survived }: Verdict): string {
  if (!wasConnected) return '-';
  if (serverNoticed !== undefined) return noticed(serverNoticed);
  return survived ? 'survived' : 'never';
}

function backCell({ healedAfterMs, backAfterMs }: Verdict): string {
  if (healedAfterMs === undefined) return 'not healed';
  return backAfterMs === undefined ? 'never' : formatSeconds(backAfterMs);
}

function noticed({ afterMs, by }: Noticed): string {
  return `${formatSeconds(afterMs)} by ${by}`;
}
