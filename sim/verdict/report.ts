/** Verdicts for people: as a table, and what the tiers among them leave open. */

import { FAULT_KINDS } from '../faults/fault.ts';
import { TIERS, type FirmwareState, type Tier } from '../faults/kinds.ts';
import { formatSeconds } from '../time/duration.ts';
import type { Noticed, Verdict } from './verdict.ts';

const HEAD = ['fault', 'device noticed', 'server noticed', 'ghost', 'service back'];

/** A fault on more devices than this gets one row for them all. */
const ROWS_A_FAULT_MAX = 8;

/** Why the firmware did not notice; undefined where it could have. */
const WHY_ABSENT: Readonly<Record<FirmwareState, string | undefined>> = { running: undefined, hung: 'hung', dead: 'was dead', off: 'was off' };

/** What a tier is, and what it does not put to the test: two lines to follow the name of the tier. */
const TIER_NOTES: Readonly<Record<Tier, readonly string[]>> = {
  T0: [
    "  real sockets held silent. The host's kernel goes on acknowledging, so the server's own TCP keepalive is not put",
    '  to the test here, and must not be read as failed; what a device notices by its own is.',
  ],
  T1: [
    '  a real FIN or RST, which tells the server at once. How long it goes on believing in a device that falls silent,',
    '  by beats or by TCP keepalive, is not put to the test by these.',
  ],
  T3: [
    '  a simulated network with TCP/IP stacks of our own, whose timers follow those of the named systems: keepalive,',
    '  retransmission and resets are put to the test. Your own server is not: that is what --server is for.',
  ],
};

/** What a cell says of one device: a time, by what; or a word instead. */
interface Cell {
  readonly ms: number | undefined;
  readonly label: string;
}

/** One row a verdict, or a row for many of one fault, under a head; columns aligned. */
export function verdictTable(verdicts: readonly Verdict[]): string {
  const byFault = new Map<string, Verdict[]>();
  for (const verdict of verdicts) {
    const group = byFault.get(verdict.text);
    if (group === undefined) byFault.set(verdict.text, [verdict]);
    else group.push(verdict);
  }
  const rows = [...byFault].flatMap(([text, group]) => {
    if (group.length > ROWS_A_FAULT_MAX) return [row(`${text} (${group.length} devices)`, group)];
    return group.map((verdict) => row(text.includes('*') ? `${text} (${verdict.device})` : text, [verdict]));
  });
  return table([HEAD, ...rows]);
}

/** For each tier among the verdicts: its name, the kinds of faults there that are of it, and what they prove. In lines. */
export function tierNotes(verdicts: readonly Verdict[]): string[] {
  return TIERS.flatMap((tier) => {
    const kinds = FAULT_KINDS.filter((kind) => verdicts.some((verdict) => verdict.fault === kind && verdict.tier === tier));
    return kinds.length === 0 ? [] : [`Tier ${tier} (${kinds.join(', ')}):`, ...TIER_NOTES[tier]];
  });
}

/** Rows of cells as lines, columns aligned to the left, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ').trimEnd()).join('\n');
}

function row(title: string, verdicts: readonly Verdict[]): string[] {
  return [title, ...[deviceCell, serverCell, ghostCell, backCell].map((cell) => summary(verdicts.map(cell)))];
}

/** One cell as it is; of many, each different thing that happened: how often, how long in the middle and at worst. */
function summary(cells: readonly Cell[]): string {
  const labels = [...new Set(cells.map(({ label }) => label))];
  return labels.map((label) => {
    const those = cells.filter((cell) => cell.label === label);
    const share = labels.length === 1 ? '' : `${those.length}: `;
    const times = duration(those.flatMap(({ ms }) => ms ?? []));
    return share + [times, label].filter((part) => part !== '').join(' ');
  }).join('; ');
}

function duration(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  const worst = sorted.at(-1);
  if (median === undefined || worst === undefined) return '';
  return sorted.length === 1 ? formatSeconds(worst) : `median ${formatSeconds(median)}, worst ${formatSeconds(worst)}`;
}

function deviceCell({ firmware, wasConnected, deviceNoticed, survived }: Verdict): Cell {
  if (!wasConnected) return word('was not connected');
  if (deviceNoticed !== undefined) return noticed(deviceNoticed);
  return word(WHY_ABSENT[firmware] ?? (survived ? 'survived' : 'never'));
}

function serverCell({ wasConnected, serverNoticed, survived }: Verdict): Cell {
  if (!wasConnected) return word('-');
  if (serverNoticed !== undefined) return noticed(serverNoticed);
  return word(survived ? 'survived' : 'never');
}

function ghostCell({ wasConnected, ghostMs }: Verdict): Cell {
  return wasConnected ? { ms: ghostMs, label: '' } : word('-');
}

function backCell({ forMs, isOver, hadService, healedAfterMs, backAfterMs }: Verdict): Cell {
  if (!hadService) return word('-');
  if (healedAfterMs === undefined) return word(forMs === undefined || isOver ? 'not healed' : 'not over at the end');
  return backAfterMs === undefined ? word('never') : { ms: backAfterMs, label: '' };
}

function noticed({ afterMs, by }: Noticed): Cell {
  return { ms: afterMs, label: `by ${by}` };
}

function word(label: string): Cell {
  return { ms: undefined, label };
}
