/**
 * A fault plan in text: one fault a line, readable aloud; empty lines and what follows a `#` do not count.
 *
 *     cable-pull on dev-1 at 10s for 30s
 *     power-loss on dev-* at 1m..2m for 5s every 10m
 *     loss 10% on dev-3..9 from 0s
 *     hang on server at 20s
 *
 * Each line is `KIND [HOW MUCH] on HOST at TIME [for TIME] [every TIME]`; `from` is another word for `at`. TIME for
 * `at` and `for` may be a range, `10s..60s`: each host, each time, draws its own from the seed.
 */

import { describeWrongDuration, parseDuration } from '../time/duration.ts';
import type { Fault, Range } from './fault.ts';
import { FAULT_KINDS, type FaultKind, FAULTS } from './kinds/index.ts';

/** An error in a line of a plan: its place, and the correction. */
export interface PlanError {
  /** Line number, from 1. */
  readonly line: number;
  /** Column from 1, at which the wrong word begins. */
  readonly column: number;
  readonly message: string;
}

/** All the faults of a plan, or the first error. */
export function parsePlan(text: string): readonly Fault[] | PlanError {
  const faults: Fault[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    const fault = parseFault(line.replace(/#.*/, ''));
    if (fault === undefined) continue;
    if (fault instanceof LineError) return { line: i + 1, column: fault.column, message: fault.message };
    faults.push(fault);
  }
  return faults;
}

/** All the faults of a plan. Throws a RangeError for what is none. */
export function planOf(text: string): readonly Fault[] {
  const plan = parsePlan(text);
  if ('message' in plan) throw new RangeError(`line ${plan.line} of the plan: ${describePlanError(text, plan)}`);
  return plan;
}

/** Number of characters that messages show of a line, or of a word in it. */
const SHOWN_MAX = 100;
const WORD_MAX = 40;

/** The error as a person reads it: the line, and a mark below the word. */
export function describePlanError(text: string, { line, column, message }: PlanError): string {
  const whole = (text.split('\n')[line - 1] ?? '').trimEnd();
  // Of a line that no screen holds, as of a file that is no plan, what is around the word.
  const from = whole.length > SHOWN_MAX ? Math.max(0, column - SHOWN_MAX / 2) : 0;
  const shown = whole.slice(from, from + SHOWN_MAX);
  // A tab stays a tab, so that the mark stands where the word does.
  const indent = shown.slice(0, column - 1 - from).padEnd(column - 1 - from).replaceAll(/[^\t]/g, ' ');
  return `${message}\n  ${shown}\n  ${indent}^`;
}

interface Word {
  readonly text: string;
  readonly column: number;
}

/** Never seen outside. */
class LineError extends Error {
  readonly column: number;

  constructor({ column }: Word, message: string) {
    super(message);
    this.column = column;
  }
}

/** The words of a line, one after the other. */
class Words {
  readonly #words: readonly Word[];
  readonly #end: Word;
  #at = 0;

  constructor(line: string) {
    this.#words = Array.from(line.matchAll(/\S+/g), (match) => ({ text: match[0], column: match.index + 1 }));
    this.#end = { text: '', column: line.trimEnd().length + 2 };
  }

  get isEmpty(): boolean {
    return this.#words.length === 0;
  }

  /** Also beyond the last, where it is empty. */
  get next(): Word {
    return this.#words[this.#at] ?? this.#end;
  }

  take(): Word {
    const word = this.next;
    this.#at++;
    return word;
  }
}

function fail(word: Word, expected: string): never {
  const shown = word.text.length > WORD_MAX ? `${word.text.slice(0, WORD_MAX)}...` : word.text;
  throw new LineError(word, `expected ${expected}${shown === '' ? ', but the line ends' : `, not '${shown}'`}`);
}

function parseFault(line: string): Fault | LineError | undefined {
  const words = new Words(line);
  if (words.isEmpty) return undefined;
  try {
    return readFault(words);
  } catch (error) {
    if (error instanceof LineError) return error;
    throw error;
  }
}

function readFault(words: Words): Fault {
  const kindWord = words.take();
  const kind =
    FAULT_KINDS.find((name) => name === kindWord.text) ?? fail(kindWord, `a fault (${FAULT_KINDS.join(', ')})`);
  const argument = readArgument(kind, words);
  const on = words.take();
  if (on.text !== 'on') fail(on, "'on' and a device");
  const target = words.take();
  if (target.text === '') fail(target, "the name of a device, as in 'on dev-1', or 'on server'");
  const at = words.take();
  if (at.text !== 'at' && at.text !== 'from') fail(at, "'at' and a time");
  const atRange = readRange(words, 'a time', 0);

  let length: Range | undefined;
  const forWord = words.next;
  if (forWord.text === 'for') {
    words.take();
    if (!FAULTS[kind].lasts(argument)) throw new LineError(forWord, `a ${kind} is over at once: it has no 'for'`);
    length = readRange(words, 'a duration', 1);
  }
  let everyMs: number | undefined;
  const everyWord = words.next;
  if (everyWord.text === 'every') {
    words.take();
    const period = words.next;
    everyMs = readDuration(words.take(), 'a duration', 1);
    if (FAULTS[kind].lasts(argument) && length === undefined) {
      throw new LineError(everyWord, `a ${kind} that comes again must end before: say 'for' how long`);
    }
    if (length !== undefined && length.toMs >= everyMs) {
      throw new LineError(period, `a ${kind} that comes again must end before: 'every' must be longer than 'for'`);
    }
    if (atRange.toMs - atRange.fromMs > everyMs) {
      throw new LineError(period, "'every' must not be shorter than the range of 'at'");
    }
  }
  const rest = words.take();
  if (rest.text !== '') fail(rest, expectedNext(length, everyMs));
  return { kind, argument, target: target.text, at: atRange, for: length, everyMs };
}

function expectedNext(length: Range | undefined, everyMs: number | undefined): string {
  if (everyMs !== undefined) return 'the end of the line';
  return length === undefined
    ? "'for' and a duration, 'every' and a duration, or the end of the line"
    : "'every' and a duration, or the end of the line";
}

function readArgument(kind: FaultKind, words: Words): string | undefined {
  const { argument } = FAULTS[kind];
  const word = words.next;
  if (argument === undefined || (argument.isOptional && word.text === 'on')) return undefined;
  words.take();
  return argument.isRight(word.text) ? word.text : fail(word, argument.what);
}

/** `10s`, or `10s..60s`. */
function readRange(words: Words, what: string, leastMs: number): Range {
  const word = words.take();
  const dots = word.text.indexOf('..');
  if (dots < 0) {
    const ms = readDuration(word, what, leastMs);
    return { fromMs: ms, toMs: ms };
  }
  const end = { text: word.text.slice(dots + 2), column: word.column + dots + 2 };
  if (dots === 0 || end.text === '') fail(word, 'two times in a range, as in 10s..60s');
  const fromMs = readDuration({ text: word.text.slice(0, dots), column: word.column }, what, leastMs);
  const toMs = readDuration(end, what, leastMs);
  if (toMs < fromMs) throw new LineError(end, 'a range must begin with the lesser time');
  return { fromMs, toMs };
}

/** Returns a duration in ms; `leastMs` 1 stands for anything above 0. */
function readDuration(word: Word, what: string, leastMs: number): number {
  const ms = parseDuration(word.text);
  if (ms === undefined) return fail(word, describeWrongDuration(word.text, what));
  if (ms === 0 && leastMs > 0) return fail(word, 'a duration above 0');
  return ms;
}
