/** Verdicts for people: as a table, and what the tiers among them leave open. */

import { FAULT_KINDS } from '../faults/kinds/index.ts';
import { TIERS, type FirmwareState, type Tier } from '../faults/kind.ts';
import { counted, formatBytes, table, wrapped } from '../text.ts';
import { formatSeconds } from '../time/duration.ts';
import type { Peak } from './peak.ts';
import { type Detection, quantile, type Summary } from './summary.ts';
import { GIVING_UP, type Noticed, type Verdict } from './verdict.ts';

const HEAD = ['fault', 'device noticed', 'server noticed', 'ghost', 'service back'];

/** Head of the column for the server program's log, if the run looks for its lines. */
const LOG_HEAD = 'in its log';

/** A fault on more devices than this gets one row for them all. */
const ROWS_A_FAULT_MAX = 8;

/** Between the things of which a cell tells; a plan's line has none. */
export const SEPARATOR = '; ';

/** Why firmware, or a server's program, did not notice; undefined where it could have. */
const WHY_ABSENT: Readonly<Record<FirmwareState, string | undefined>> = {
  running: undefined,
  hung: 'hung',
  dead: 'was dead',
  off: 'was off',
};

/** Notes about each tier: what it is, and what it does not test. Two lines that follow the name of the tier. */
const TIER_NOTES: Readonly<Record<Tier, readonly string[]>> = {
  T0: [
    "  real sockets that fall silent. The host's kernel keeps acknowledging, so this tests the server's beats, and not",
    '  its TCP keepalive. What a device notices by itself is tested.',
  ],
  T1: [
    '  a real FIN or RST, which tells the server at once. This does not test how long the server believes in a device',
    '  that falls silent, by beats or by TCP keepalive.',
  ],
  T2: [
    "  simulated devices and cables, and your own server on its own host's TCP/IP. Packets really stop, so this tests",
    "  the server's beats, TCP keepalive, retransmission and user timeout, and resets after a reboot.",
  ],
  T3: [
    '  a simulated network with TCP/IP stacks of our own, whose timers follow those of the named systems. This tests',
    '  keepalive, retransmission and resets. --program runs your own server here; -- COMMAND runs it on a real kernel.',
  ],
};

/**
 * Words for an event that had not come when the run ended, followed by the time that there was for it. It may have come
 * later.
 */
export const NOT_BY_THE_END = 'not by the end';

/** A cell about one device: a time and its reason, or a word instead. */
interface Cell {
  readonly ms: number | undefined;
  readonly label: string;
}

/** Width above which a table folds its cells, and then their widths: of the fault, and of each other cell. */
const TABLE_COLUMNS_MAX = 200;
const FAULT_COLUMNS = 36;
const CELL_COLUMNS = 32;

/** Returns the table as text, with aligned columns. */
export function verdictTable(verdicts: readonly Verdict[], endMs: number, spared: readonly string[] = []): string {
  const rows = verdictRows(verdicts, endMs, spared);
  const text = table(rows.flatMap(stacked));
  if (text.split('\n').every(({ length }) => length <= TABLE_COLUMNS_MAX)) return text;
  return table(rows.flatMap((cells) => {
    const folded = cells.map((cell, i) => cell.split(SEPARATOR).flatMap((line) => {
      // Continuation lines are indented.
      const [first = '', ...more] = wrapped(line, i === 0 ? FAULT_COLUMNS : CELL_COLUMNS);
      return [first, ...more.map((rest) => `  ${rest}`)];
    }));
    return beside(folded);
  }));
}

/** The things of which a cell tells one below the other, so that the table is no wider than it must. */
function stacked(row: readonly string[]): string[][] {
  return beside(row.map((cell) => cell.split(SEPARATOR)));
}

/** Returns rows that have these columns of lines beside each other. */
function beside(columns: readonly (readonly string[])[]): string[][] {
  const height = Math.max(...columns.map(({ length }) => length));
  return Array.from({ length: height }, (_, i) => columns.map((lines) => lines[i] ?? ''));
}

/** The head; then one row a verdict, or a row for many of one fault; and those that came to nothing. */
export function verdictRows(
  verdicts: readonly Verdict[], endMs: number, spared: readonly string[] = [],
): readonly (readonly string[])[] {
  const byFault = new Map<string, Verdict[]>();
  for (const verdict of verdicts) {
    const group = byFault.get(verdict.text);
    if (group === undefined) byFault.set(verdict.text, [verdict]);
    else group.push(verdict);
  }
  const rows = [...byFault].flatMap(([text, group]) => {
    if (group.length > ROWS_A_FAULT_MAX) return [row(`${text} (${howMany(group)})`, group, endMs)];
    return group.map((verdict) => row(`${text}${which(verdict, group)}`, [verdict], endMs));
  });
  return [head(verdicts), ...rows, ...spared.map((text) => [text, 'kept alive', 'kept alive', '-', '-'])];
}

/** `20 devices`, or where it came again and again `20 devices, 80 times`. */
function howMany(group: readonly Verdict[]): string {
  const devices = new Set(group.map(({ device }) => device)).size;
  return `${counted(devices, 'device')}${group.length === devices ? '' : `, ${group.length} times`}`;
}

/**
 * Returns words that tell a verdict from the others of its group, if the line of the plan does not: the device, and the
 * time.
 */
function which({ text, device, atMs }: Verdict, group: readonly Verdict[]): string {
  const isNamed = text.split(' ').includes(device);
  const isAgain = group.some((other) => other.device === device && other.atMs !== atMs);
  const words = [...(isNamed ? [] : [device]), ...(isAgain ? [formatSeconds(atMs)] : [])];
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

/** Returns the summary of all verdicts, in lines: median, p99 and worst; and below them the cost. */
export function summaryLines(summary: Summary): string[] {
  const { times, lines } = summaryRows(summary);
  return [...(summary.faults === 0 ? [] : table(times).split('\n')), ...lines];
}

/** Returns the summary as a table, whose first row is the head, and lines below it. */
export function summaryRows({
  faults,
  survived,
  server,
  device,
  back,
  ghostMs,
  falseAlarms,
  overlappingSessions,
  peakReconnects,
  trafficADay,
}: Summary): { readonly times: readonly (readonly string[])[]; readonly lines: readonly string[] } {
  const row = (one: Detection): TimesRow => ({ ...one, times: one.timesMs.length });
  const cuts = [
    `${counted(faults, 'cut')} of connections, ${survived} survived; the server could notice ${outOf(server)}, the device ${outOf(device)}; ${formatSeconds(ghostMs)} of ghosts`,
  ];
  const traffic =
    trafficADay === undefined ? [] : [`${formatBytes(trafficADay.bytes)} of ${trafficADay.counted} a device a day`];
  const lines = [
    ...(faults === 0 ? [] : cuts),
    [counted(falseAlarms, 'false alarm'), counted(overlappingSessions, 'overlapping session'), ...traffic].join(', '),
    ...(peakReconnects === undefined ? [] : [peakText(peakReconnects)]),
  ];
  return { times: timesRows({ server: row(server), device: row(device), back: row(back) }), lines };
}

/** Returns the size of the reconnect storm. */
export function peakText({ count, atMs }: Peak): string {
  return `at most ${counted(count, 'reconnect')} in one second, from ${formatSeconds(atMs)} on`;
}

/** A row of times: how long something took, over many cases. */
export interface TimesRow extends Pick<Detection, 'medianMs' | 'p99Ms' | 'worstMs' | 'never'> {
  readonly times: number;
}

/** Returns the table of times, in lines: until an end noticed, and until service was back. */
export function timesTable(rows: TimesRows): string[] {
  return table(timesRows(rows)).split('\n');
}

type TimesRows = Readonly<Record<'server' | 'device' | 'back', TimesRow>>;

function timesRows({ server, device, back }: TimesRows): string[][] {
  const row = (what: string, { times, medianMs, p99Ms, worstMs, never }: TimesRow): string[] => {
    return [
      what,
      String(times),
      ...[medianMs, p99Ms, worstMs].map((ms) => (ms === undefined ? '-' : formatSeconds(ms))),
      String(never),
    ];
  };
  const columns = ['', 'times', 'median', 'p99', 'worst', NOT_BY_THE_END];
  return [columns, row('server noticed', server), row('device noticed', device), row('service back', back)];
}

/** Returns how many cuts the end could have noticed, being neither off nor hung. */
export function outOf({ timesMs, never }: Detection): number {
  return timesMs.length + never;
}

/** Returns, in lines, for each tier among the verdicts: its name, its kinds of faults here, and what they prove. */
export function tierNotes(verdicts: readonly Verdict[]): string[] {
  return TIERS.flatMap((tier) => {
    const kinds = FAULT_KINDS.filter((kind) =>
      verdicts.some((verdict) => verdict.fault === kind && verdict.tier === tier),
    );
    return kinds.length === 0 ? [] : [`Tier ${tier} (${kinds.join(', ')}):`, ...TIER_NOTES[tier]];
  });
}

function head(verdicts: readonly Verdict[]): string[] {
  return verdicts.some(({ log }) => log !== undefined) ? [...HEAD.slice(0, 3), LOG_HEAD, ...HEAD.slice(3)] : HEAD;
}

function row(title: string, verdicts: readonly Verdict[], endMs: number): string[] {
  const hasLog = verdicts.some(({ log }) => log !== undefined);
  const cells = [deviceCell, serverCell, ...(hasLog ? [logCell] : []), ghostCell, backCell];
  return [title, ...cells.map((cell) => summary(verdicts.map((verdict) => cell(verdict, endMs))))];
}

function logCell(verdict: Verdict, endMs: number): Cell {
  return verdict.wasConnected ? noticedCell(verdict, verdict.log?.noticed, verdict.server, endMs) : word('-');
}

/** Returns one cell unchanged; of many cells, each different label with its count, and its median and worst time. */
function summary(cells: readonly Cell[]): string {
  const labels = [...new Set(cells.map(({ label }) => label))];
  return labels.map((label) => {
    const those = cells.filter((cell) => cell.label === label);
    const share = labels.length === 1 ? '' : `${those.length}: `;
    const timesMs = those.flatMap(({ ms }) => ms ?? []);
    if (label === NOT_BY_THE_END) return `${share}${label} (${atLeast(timesMs)})`;
    const times = duration(timesMs);
    return share + [times, label].filter((part) => part !== '').join(' ');
  }).join(SEPARATOR);
}

/** Returns the shortest time that there was for an event that had not come by the end. */
function atLeast(timesMs: readonly number[]): string {
  const leastMs = Math.min(...timesMs);
  return `${leastMs === Math.max(...timesMs) ? '' : 'in at least '}${formatSeconds(leastMs)}`;
}

function duration(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const median = quantile(sorted, 0.5);
  const worst = sorted.at(-1);
  if (median === undefined || worst === undefined) return '';
  return sorted.length === 1 ? formatSeconds(worst) : `median ${formatSeconds(median)}, worst ${formatSeconds(worst)}`;
}

function deviceCell(verdict: Verdict, endMs: number): Cell {
  return verdict.wasConnected
    ? noticedCell(verdict, verdict.deviceNoticed, verdict.firmware, endMs)
    : word('was not connected');
}

function serverCell(verdict: Verdict, endMs: number): Cell {
  return verdict.wasConnected ? noticedCell(verdict, verdict.serverNoticed, verdict.server, endMs) : word('-');
}

function noticedCell(
  { effect, survived, atMs }: Verdict, how: Noticed | undefined, state: FirmwareState, endMs: number,
): Cell {
  if (how !== undefined) return noticed(how, effect === 'harms' && GIVING_UP.has(how.by));
  // If the fault only made the network worse, keeping the connection is right.
  if (effect === 'harms') return word('held on');
  const why = WHY_ABSENT[state] ?? (survived ? 'survived' : undefined);
  return why === undefined ? { ms: endMs - atMs, label: NOT_BY_THE_END } : word(why);
}

function ghostCell({ wasConnected, effect, ghostMs }: Verdict): Cell {
  return wasConnected && effect === 'cuts' ? { ms: ghostMs, label: '' } : word('-');
}

function backCell(verdict: Verdict, endMs: number): Cell {
  const { effect, deviceNoticed, serverNoticed, forMs, isOver, hadService, atMs, healedAfterMs, backAfterMs } = verdict;
  const wasGone = effect === 'cuts' || deviceNoticed !== undefined || serverNoticed !== undefined;
  if (!hadService || !wasGone) return word('-');
  if (healedAfterMs === undefined) return word(forMs === undefined || isOver ? 'not healed' : 'not over at the end');
  if (backAfterMs === undefined) return { ms: endMs - atMs - healedAfterMs, label: NOT_BY_THE_END };
  return { ms: backAfterMs, label: '' };
}

function noticed({ afterMs, by }: Noticed, isFalse: boolean): Cell {
  return { ms: afterMs, label: isFalse ? `by ${by}, a false alarm` : `by ${by}` };
}

function word(label: string): Cell {
  return { ms: undefined, label };
}
