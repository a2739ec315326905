/**
 * Reads a trace that was printed, line by line, as TRACE.md tells of the format. Nothing of a line is believed: every
 * field that is known here is checked, and what is wrong is said, with its line.
 */

import { FAULTS } from '../faults/kinds/index.ts';
import { formatSeconds } from '../time/duration.ts';
import { type AnyFields, checkFields, EVENT_FIELDS, fail, isObject, shown, WrongLine } from './trace-fields.ts';
import { TRACE_FORMAT, type FaultEvent, type TraceEvent } from './trace.ts';

/** A line that has no event for this version. */
export interface PassedOver {
  readonly source: undefined;
  /** Name of the event in words. Undefined for a result that was printed after the trace. */
  readonly unknown: string | undefined;
}

/** Outcome of `add` and `end`. */
export interface TraceFileEnd {
  /**
   * First fault with its line: `line 7: 'atMs' is missing: ...`; the events before it have been handed over. Undefined:
   * none.
   */
  readonly error: string | undefined;
  /** Sentences for who reads on: where the trace is cut off, what was skipped. */
  readonly notes: readonly string[];
  /** There is no error, but the run's end is missing: all else stands. */
  readonly isTruncated: boolean;
  /** Number of events that were handed over. */
  readonly events: number;
  /** Events that are not known to this version. */
  readonly skipped: number;
}

/** Kinds of lines that `cablepull run` prints after a trace. */
const RESULT_KINDS: readonly unknown[] = ['report', 'netstat'];

/** More than any line of ours has, and no more than a string can hold. */
const LINE_MAX_CHARACTERS = 2 ** 28;

/**
 * The event of a line; or that it has none; or a sentence that says what is wrong. Fields that are not known stay in
 * the event.
 */
export function parseTraceLine(text: string): TraceEvent | PassedOver | string {
  const value = parseJson(text);
  if (value === undefined) return 'this is not JSON, or not all of it';
  if (!isObject(value)) return `this must be a JSON object, not ${shown(value)}`;
  const { source, kind } = value;
  if (source === undefined && RESULT_KINDS.includes(kind)) return { source: undefined, unknown: undefined };
  try {
    if (typeof source !== 'string') return fail('source', `one of ${Object.keys(EVENT_FIELDS).join(', ')}`, source);
    if (typeof kind !== 'string') return fail('kind', 'the name of an event', kind);
    const fields = fieldsOf(source, kind);
    if (fields === undefined) return { source: undefined, unknown: `${shown(kind)} of the source ${shown(source)}` };
    assertEvent(value, fields);
    if (value.source === 'fault') checkArgument(value);
    return value;
  } catch (error) {
    if (error instanceof WrongLine) return error.message;
    throw error;
  }
}

/** Takes a trace piece by piece, as it comes from a file, and hands its events over as they become whole. */
export class TraceReader {
  readonly #onEvent: (event: TraceEvent) => void;
  /** The beginning of a line whose end has not come. */
  #rest = '';
  /** Lines that are whole, so far. */
  #lines = 0;
  #last: TraceEvent | undefined = undefined;
  #error: string | undefined = undefined;
  #events = 0;
  #skipped = 0;
  #firstSkipped = '';

  constructor(onEvent: (event: TraceEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** First fault; after it nothing more is read. */
  get error(): string | undefined {
    return this.#error;
  }

  /** Takes what comes next; it may begin and end anywhere. */
  add(chunk: string): void {
    let from = 0;
    for (let to = chunk.indexOf('\n'); to >= 0 && this.#error === undefined; to = chunk.indexOf('\n', from)) {
      const line = this.#rest + chunk.slice(from, to);
      this.#rest = '';
      from = to + 1;
      this.#take(line);
    }
    if (this.#error !== undefined) return;
    this.#rest += from === 0 ? chunk : chunk.slice(from);
    if (this.#rest.length <= LINE_MAX_CHARACTERS) return;
    this.#rest = '';
    this.#fail(this.#lines + 1, `this is longer than ${LINE_MAX_CHARACTERS} characters, as no line of a trace is`);
  }

  /** The file has come to its end. */
  end(): TraceFileEnd {
    // A newline is the last of a line to be written: without one, the rest of the line may be missing.
    const isCut = this.#last !== undefined && !isBlank(this.#rest) && parseJson(this.#rest) === undefined;
    if (this.#rest !== '' && !isCut) this.#take(this.#rest);
    this.#rest = '';
    if (this.#last === undefined) this.#error ??= 'the file is empty: a trace has at least its first line';
    const isTruncated = this.#error === undefined && !isEnd(this.#last);
    return {
      error: this.#error,
      notes: this.#notes(isCut, isTruncated),
      isTruncated,
      events: this.#events,
      skipped: this.#skipped,
    };
  }

  #notes(isCut: boolean, isTruncated: boolean): string[] {
    const notes: string[] = [];
    if (this.#skipped > 0) {
      const events = this.#skipped === 1 ? 'event was' : 'events were';
      notes.push(`${this.#skipped} ${events} skipped that this cablepull does not know: first ${this.#firstSkipped}`);
    }
    const next = this.#lines + 1;
    if (isTruncated) {
      const where = isCut ? `in line ${next}` : 'before the end of the run';
      notes.push(
        `the trace is cut off ${where}: it was read up to line ${this.#lines}, at ${formatSeconds(this.#last?.atMs ?? 0)}`,
      );
    } else if (isCut) {
      notes.push(`line ${next}, after the end of the trace, is cut off`);
    }
    return notes;
  }

  #take(line: string): void {
    this.#lines++;
    // Editors on Windows may add a byte order mark, which JSON does not allow.
    const text = this.#lines === 1 ? line.replace(/^\uFEFF/, '') : line;
    if (isBlank(text)) return;
    const event = parseTraceLine(text);
    if (this.#last === undefined) this.#takeFirst(event, text);
    else if (typeof event === 'string') this.#fail(this.#lines, event);
    else if (event.source !== undefined) this.#takeNext(event, this.#last);
    else if (event.unknown !== undefined) this.#skip(event.unknown);
  }

  #takeFirst(event: TraceEvent | PassedOver | string, text: string): void {
    if (typeof event === 'string') {
      // A line that names the format is a trace, so the message can be more exact.
      this.#fail(this.#lines, text.includes(TRACE_FORMAT) ? event : `this is no trace of cablepull: ${event}`);
    } else if (event.source !== 'run' || event.kind !== 'start') {
      this.#fail(
        this.#lines,
        "this is no trace of cablepull, or not its beginning: the first must be the event 'start' of the source 'run'",
      );
    } else {
      this.#handOver(event);
    }
  }

  #takeNext(event: TraceEvent, last: TraceEvent): void {
    if (event.source === 'run' && event.kind === 'start') {
      this.#fail(this.#lines, 'another trace begins here: a file holds one');
    }
    else if (isEnd(last)) this.#fail(this.#lines, "an event comes after the run's end: a file holds one trace");
    else if (event.atMs < last.atMs) {
      this.#fail(this.#lines, `'atMs' is ${event.atMs} after ${last.atMs}: time cannot go back`);
    }
    else this.#handOver(event);
  }

  #handOver(event: TraceEvent): void {
    this.#last = event;
    this.#events++;
    this.#onEvent(event);
  }

  #skip(unknown: string): void {
    if (this.#skipped === 0) this.#firstSkipped = `${unknown}, in line ${this.#lines}`;
    this.#skipped++;
  }

  #fail(line: number, sentence: string): void {
    this.#error = `line ${line}: ${sentence}`;
  }
}

/** Returns undefined if the text is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}

function isEnd(event: TraceEvent | undefined): boolean {
  return event?.source === 'run' && event.kind === 'end';
}

function fieldsOf(source: string, kind: string): AnyFields | undefined {
  const kinds = Object.hasOwn(EVENT_FIELDS, source) ? EVENT_FIELDS[source] : undefined;
  return kinds !== undefined && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
}

type Json = Readonly<Record<string, unknown>>;

/** `fields` are those of the event that `value` says it is. */
function assertEvent(value: Json, fields: AnyFields): asserts value is Json & TraceEvent {
  checkFields(value, fields);
}

/**
 * Checks the argument of a fault. The kind of fault decides which arguments are valid, and verdicts need their meaning.
 */
function checkArgument({ fault, argument }: FaultEvent): void {
  const known = FAULTS[fault].argument;
  if (known === undefined) {
    if (argument !== undefined) throw new WrongLine(`'argument' cannot be there: '${fault}' has none`);
  } else if (argument === undefined ? !known.isOptional : !known.isRight(argument)) {
    fail('argument', known.what, argument);
  }
}
