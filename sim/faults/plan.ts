/**
 * A fault plan in text: one fault a line, readable aloud; empty lines and what follows a `#` do not count.
 *
 *     cable-pull on dev-1 at 10s for 30s
 *     hang on dev-* at 20s
 */

import { describeWrongDuration, parseDuration } from '../time/duration.ts';
import { FAULT_KINDS, targets, type Fault, type FaultKind } from './fault.ts';
import { FAULTS } from './kinds.ts';

/** What is wrong with a line: where, and what would be right. */
export interface PlanError {
  /** From 1. */
  readonly line: number;
  /** From 1: where the word begins that cannot be. */
  readonly column: number;
  readonly message: string;
}

/** What a simulated network's cables can do by rules, and no plan can name yet. */
const NOT_IN_PLANS = ['loss', 'latency', 'jitter', 'bandwidth', 'duplicate', 'reorder', 'corrupt', 'one-way', 'nat-timeout'];

/** All the faults of a plan, or the first error. */
export function parsePlan(text: string): readonly Fault[] | PlanError {
  const faults: Fault[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    const fault = parseFault(line.replace(/#.*/, ''));
    if (fault === undefined) continue;
    if ('message' in fault) return { ...fault, line: i + 1 };
    faults.push(fault);
  }
  return faults;
}

/** The error as a person reads it: the line, and a mark below the word. */
export function describePlanError(text: string, { line, column, message }: PlanError): string {
  const shown = (text.split('\n')[line - 1] ?? '').trimEnd();
  // A tab stays a tab, so that the mark stands where the word does.
  const indent = shown.slice(0, column - 1).padEnd(column - 1).replaceAll(/[^\t]/g, ' ');
  return `${message}\n  ${shown}\n  ${indent}^`;
}

/** The devices that a fault names; the sentence is for one that names none. */
export function devicesOf(fault: Fault, devices: readonly string[]): readonly string[] | string {
  const named = devices.filter((device) => targets(fault.target, device));
  if (named.length > 0) return named;
  const first = devices[0] ?? 'none';
  const last = devices.at(-1) ?? first;
  return `no device is called '${fault.target}'; there ${first === last ? `is ${first}` : `are ${first} to ${last}`}`;
}

interface Word {
  readonly text: string;
  readonly column: number;
}

function parseFault(line: string): Fault | Omit<PlanError, 'line'> | undefined {
  const words: Word[] = Array.from(line.matchAll(/\S+/g), (match) => ({ text: match[0], column: match.index + 1 }));
  if (words.length === 0) return undefined;
  const end = line.trimEnd().length + 2;
  let at = 0;
  const next = (): Word => words[at++] ?? { text: '', column: end };
  const fail = ({ text, column }: Word, expected: string): Omit<PlanError, 'line'> => {
    return { column, message: `expected ${expected}${text === '' ? ', but the line ends' : `, not '${text}'`}` };
  };

  const kind = next();
  if (NOT_IN_PLANS.includes(kind.text)) {
    return { column: kind.column, message: `'${kind.text}' cannot be in a plan in this version; a plan can have ${FAULT_KINDS.join(', ')}` };
  }
  if (!isFaultKind(kind.text)) return fail(kind, `a fault (${FAULT_KINDS.join(', ')})`);
  const on = next();
  if (on.text !== 'on') return fail(on, "'on' and a device");
  const target = next();
  if (target.text === '') return fail(target, "the name of a device, as in 'on dev-1'");
  const atWord = next();
  if (atWord.text !== 'at') return fail(atWord, "'at' and a time");
  const time = next();
  const atMs = parseDuration(time.text);
  if (atMs === undefined) return fail(time, describeWrongDuration(time.text, 'a time'));
  const forWord = next();
  if (forWord.text === '') return { kind: kind.text, target: target.text, atMs, forMs: undefined };
  if (forWord.text !== 'for') return fail(forWord, "'for' and a duration, or the end of the line");
  if (FAULTS[kind.text].heal === undefined) return { column: forWord.column, message: `a ${kind.text} is over at once: it has no 'for'` };
  const length = next();
  const forMs = parseDuration(length.text);
  if (forMs === undefined) return fail(length, describeWrongDuration(length.text));
  if (forMs === 0) return fail(length, 'a duration above 0');
  const rest = next();
  if (rest.text !== '') return fail(rest, 'the end of the line');
  return { kind: kind.text, target: target.text, atMs, forMs };
}

function isFaultKind(word: string): word is FaultKind {
  return FAULT_KINDS.some((kind) => kind === word);
}
