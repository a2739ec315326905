/** Content of the page, and the part that its script draws, packed: whole milliseconds, each text once. */

import type { NetworkKind } from '../../faults/kind.ts';
import type { Ghost } from '../../sessions/session.ts';
import type { Judgement } from '../expectation.ts';
import type { DeviceLine, Run, ShownFault } from '../time-line.ts';
import type { FalseAlarm, Findings } from '../verdict.ts';

export interface PageData {
  readonly title: string;
  /** The line that repeats the run. */
  readonly repeat: string | undefined;
  readonly seed: number;
  readonly network: NetworkKind;
  readonly endMs: number;
  /** Sentences that the reader must know first: that the trace is cut off, say. */
  readonly notes: readonly string[];
  readonly findings: Findings;
  /** Each with a sentence for every result that was not as expected, the worst first; none: it is met. */
  readonly expectations: readonly ({ readonly text: string } & Judgement)[];
  readonly lines: readonly DeviceLine[];
  readonly serverFaults: readonly ShownFault[];
}

/** Flat rows of numbers; what they are stands at PackedDevice. -1 for a text that is not there. */
type Flat = readonly number[];

export interface PackedData {
  readonly endMs: number;
  readonly texts: readonly string[];
  /** Rows as `faults` of a device. */
  readonly server: Flat;
  readonly devices: readonly PackedDevice[];
}

/** One after the other, to save the names. */
export type PackedDevice = readonly [
  name: string,
  /** from, to, text of the end. */
  connected: Flat,
  /** from, to, text of the end; in the order in which they began. */
  online: Flat,
  /** from, to, text, number of the online span, from 0. */
  ghosts: Flat,
  /** from, to, text, 1 for one that cuts. */
  faults: Flat,
  /** from, to, count. */
  beats: Flat,
  missed: Flat,
  /** at, to, count, text, kind: 0 note, 1 error, 2 false alarm. */
  marks: Flat,
  leftOut: number,
];

const NOTE = 0;
const ERROR = 1;
const ALARM = 2;

/** Order of the rows: the longest ghost first, or the order of the lines. */
export type RowOrder = 'trouble' | 'fleet';

export function packData(
  { endMs, findings, lines, serverFaults }: Pick<PageData, 'endMs' | 'findings' | 'lines' | 'serverFaults'>,
  order: RowOrder = 'trouble',
): PackedData {
  const texts = new Texts();
  const alarms = new Map<string, FalseAlarm[]>();
  for (const alarm of findings.falseAlarms) alarms.set(alarm.device, [...(alarms.get(alarm.device) ?? []), alarm]);
  const sorted = order === 'trouble' ? byInterest(lines, alarms) : lines;
  const devices = sorted.map((line) => packDevice(line, alarms.get(line.name) ?? [], texts));
  const server = serverFaults.flatMap((fault) => packFault(fault, texts));
  return { endMs: whole(endMs), texts: texts.all, server, devices };
}

/** Returns the length of all ghosts of a device. */
export function packedGhostMs([, , , ghosts]: PackedDevice): number {
  return ghosts.reduce((sum, value, i) => sum + (i % 4 === 0 ? -value : i % 4 === 1 ? value : 0), 0);
}

/** Sorts the lines by interest: the longest ghost first, then the most trouble. */
function byInterest(lines: readonly DeviceLine[], alarms: ReadonlyMap<string, readonly FalseAlarm[]>): DeviceLine[] {
  const known = lines.map((line) => ({
    line,
    ghostMs: line.online.flatMap(({ ghosts }) => ghosts.map(lengthMs)).reduce((sum, ms) => sum + ms, 0),
    trouble:
      line.faults.length +
      line.marks.filter(({ kind }) => kind === 'error').length +
      (alarms.get(line.name)?.length ?? 0),
  }));
  return known.toSorted((a, b) => b.ghostMs - a.ghostMs || b.trouble - a.trouble).map(({ line }) => line);
}

function lengthMs({ fromMs, toMs }: Ghost): number {
  return toMs - fromMs;
}

function packDevice(
  { name, connected, online, faults, beats, missed, marks, leftOut }: DeviceLine,
  alarms: readonly FalseAlarm[],
  texts: Texts,
): PackedDevice {
  return [
    name,
    connected.flatMap(({ fromMs, toMs, end }) => [whole(fromMs), whole(toMs), texts.of(end)]),
    online.flatMap(({ fromMs, toMs, end }) => [whole(fromMs), whole(toMs), texts.of(end)]),
    online.flatMap(({ ghosts }, i) =>
      ghosts.flatMap(({ fromMs, toMs, why }) => [whole(fromMs), whole(toMs), texts.of(why), i]),
    ),
    faults.flatMap((fault) => packFault(fault, texts)),
    beats.flatMap(packRun),
    missed.flatMap(packRun),
    [
      ...marks.flatMap(({ atMs, toMs, count, text, kind }) => [
        whole(atMs),
        whole(toMs),
        count,
        texts.of(text),
        kind === 'error' ? ERROR : NOTE,
      ]),
      ...alarms.flatMap(({ atMs, side, by }) => [
        whole(atMs),
        whole(atMs),
        1,
        texts.of(`false alarm: the ${side} gave up a connection that was alive, by ${by}`),
        ALARM,
      ]),
    ],
    leftOut,
  ];
}

function packFault({ fromMs, toMs, effect, text }: ShownFault, texts: Texts): number[] {
  return [whole(fromMs), whole(toMs), texts.of(text), effect === 'cuts' ? 1 : 0];
}

function packRun({ fromMs, toMs, count }: Run): number[] {
  return [whole(fromMs), whole(toMs), count];
}

function whole(ms: number): number {
  return Math.round(ms);
}

class Texts {
  readonly #numbers = new Map<string, number>();

  get all(): string[] {
    return [...this.#numbers.keys()];
  }

  of(text: string | undefined): number {
    if (text === undefined) return -1;
    const number = this.#numbers.get(text) ?? this.#numbers.size;
    this.#numbers.set(text, number);
    return number;
  }
}
