/** The words after a command, one by one: options, and the values that they take. What is wrong with one is a Problem with exit status 2. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeWrongDuration, formatDuration, parseDuration } from '../../time/duration.ts';
import { Problem, reasonOf } from '../problem.ts';

export type Options = Readonly<Record<string, { readonly type: 'string' | 'boolean'; readonly default?: string | boolean; readonly multiple?: boolean }>>;

/**
 * The words such that `parseArgs`, with `allowNegative`, has nothing to complain of: its own complaints, as of `--devices -1`, are about
 * how parseArgs is used. Each value stands in one word with its option. `operands` says what may stand without an option.
 */
export function checkedWords(command: string, args: readonly string[], options: Options, operands?: string): string[] {
  const help = `(see cablepull ${command} --help)`;
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  if (operands !== undefined && !tokens.some(({ kind }) => kind === 'positional')) throw usage(`${command} needs ${operands} ${help}`);
  return tokens.flatMap((token) => {
    if (token.kind === 'option-terminator') return [];
    if (token.kind === 'positional') {
      if (operands === undefined) throw usage(`unexpected argument '${token.value}' ${help}`);
      return [token.value];
    }
    const { name, rawName, value, inlineValue } = token;
    const negated = options[name.replace(/^no-/, '')];
    const isNegative = name.startsWith('no-') && negated?.default === true;
    const option = isNegative ? negated : Object.hasOwn(options, name) && rawName.startsWith('--') ? options[name] : undefined;
    if (option === undefined) throw usage(`unknown option '${rawName}' ${help}`);
    if (option.type === 'boolean') {
      if (value !== undefined) throw usage(`${rawName} takes no value, not '${value}'`);
      return [rawName];
    }
    // The next option is no value, and a negative number is a wrong one.
    if (value === undefined || (!inlineValue && /^-[^\d.]/.test(value))) throw usage(`${rawName} needs a value ${help}`);
    return [`${rawName}=${value}`];
  });
}

/** As firmware and server count them: in 32 bits. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** In milliseconds. A timer's are whole. */
export function duration(option: string, text: string | undefined, { minMs = 1, maxMs = TIMER_MS_MAX } = {}): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  const must = (be: string): Problem => usage(`${option} must be ${be}, not '${text}'`);
  if (ms === undefined) throw must(describeWrongDuration(text));
  if (ms === 0) throw must('above 0');
  if (ms < minMs) throw must(`at least ${formatDuration(minMs)}`);
  if (ms > maxMs) throw must(`at most ${formatDuration(maxMs)} (${Math.floor(maxMs / 8_640_000) / 10} days)`);
  if (maxMs !== Infinity && !Number.isInteger(ms)) throw must('a whole number of milliseconds');
  return ms;
}

export function wholeNumber(option: string, text: string, min: number, max: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < min || number > max) throw usage(`${option} must be a whole number from ${min} to ${max}, not '${text}'`);
  return number;
}

/** A path. Many commands take '-' for standard input or output; a file of that name is `./-`. */
export function fileName<T extends string | undefined>(option: string, text: T): T {
  if (text === '' || text === '-') throw usage(`${option} must be the name of a file, not '${text}'`);
  return text;
}

/** What stands in a file. */
export function readText(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw usage(`${option}: cannot read ${file}: ${reasonOf(error)}`);
  }
}

/** That no two options name one file: what one writes the other would read, or write over. */
export function checkDifferent(files: Readonly<Record<string, string | undefined>>): void {
  const seen = new Map<string, string>();
  for (const [option, file] of Object.entries(files)) {
    if (file === undefined) continue;
    const path = resolve(file);
    const other = seen.get(path);
    if (other !== undefined) throw usage(`${other} and ${option} are one file, ${file}: they must be two`);
    seen.set(path, option);
  }
}

export function usage(sentence: string): Problem {
  return new Problem(2, sentence);
}
