/** Values of options. A wrong value is a Problem with exit status 2. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Shard } from '../swarm/part.ts';
import { describeWrongDuration, formatDuration, parseDuration } from '../time/duration.ts';
import { Problem, reasonOf } from './problem.ts';

/** Longest timer of firmware and server, which count milliseconds in 32 bits. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Reads a duration, and returns milliseconds; whole ones unless `maxMs` is Infinity. Throws a Problem. */
export function durationOf(
  option: string,
  text: string | undefined,
  { minMs = 1, maxMs = TIMER_MS_MAX } = {},
): number | undefined {
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
  if (!/^\d+$/.test(text) || number < min || number > max) {
    throw usage(`${option} must be a whole number from ${min} to ${max}, not '${text}'`);
  }
  return number;
}

/** Reads `host:port` or `[2001:db8::1]:port`. Throws a Problem. */
export function hostAndPort(option: string, text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d+)$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || port === undefined) {
    throw usage(`${option} must be host:port, as in 127.0.0.1:39002 or [::1]:39002, not '${text}'`);
  }
  return { host, port: wholeNumber(`the port of ${option}`, port, 1, 65_535) };
}

/** Reads `10%` as 0.1. Throws a Problem. */
export function percent(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, number] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  if (number === undefined) throw usage(`${option} must be a percentage such as 10%, not '${text}'`);
  return Number(number) / 100;
}

/** Largest value of `--jobs`; more than any machine has processors. */
export const JOBS_MAX = 1024;

/** Reads `3/16`. Throws a Problem. */
export function shardOf(text: string): Shard {
  const [, number, count] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (number === undefined || count === undefined) {
    throw usage(`--shard must be a part and the number of parts, as in 3/16, not '${text}'`);
  }
  const parts = wholeNumber('the number of parts of --shard', count, 1, 1_000_000);
  return { number: wholeNumber('the part of --shard', number, 1, parts), count: parts };
}

/** Reads `200kB`, in powers of ten, as data volumes are sold. Throws a Problem. */
export function bytesOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(B|kB|MB|GB)$/.exec(text) ?? [];
  const unitBytes = BYTE_UNITS.get(unit);
  if (number === undefined || unitBytes === undefined) {
    throw usage(`${option} must be a number of bytes such as 200kB or 1.5MB, not '${text}'`);
  }
  return Number(number) * unitBytes;
}

const BYTE_UNITS: ReadonlyMap<string, number> = new Map([['B', 1], ['kB', 1e3], ['MB', 1e6], ['GB', 1e9]]);

/** Reads a number that is 0 or more. Throws a Problem. */
export function numberOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+(\.\d+)?$/.test(text)) throw usage(`${option} must be a number such as 1 or 0.5, not '${text}'`);
  return Number(text);
}

export function seedOf(text: string): number {
  return wholeNumber('--seed', text, 0, 2 ** 32 - 1);
}

/** Name of standard input, where a command reads a file. */
export const STDIN = '-';

/** Returns the name of an input file for messages. */
export function nameOfInput(file: string): string {
  return file === STDIN ? 'standard input' : file;
}

/** Returns the path of an input file, or `-` for standard input. Throws a Problem. */
export function inputName<T extends string | undefined>(option: string, text: T): T {
  return text === STDIN ? text : fileName(option, text);
}

export function regularExpression(option: string, text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw usage(`${option} must be a regular expression, not '${text}': ${reasonOf(error)}`);
  }
}

/**
 * Returns a path. Many commands read '-' as standard input or output; a file of that name is `./-`. Throws a Problem.
 */
export function fileName<T extends string | undefined>(option: string, text: T): T {
  if (text === '' || text === '-') throw usage(`${option} must be the name of a file, not '${text}'`);
  return text;
}

/** Returns the text of a file. Throws a Problem. */
export function readText(option: string, file: string): string {
  try {
    return readFileSync(file === STDIN ? 0 : file, 'utf8');
  } catch (error) {
    throw usage(`${option}: cannot read ${nameOfInput(file)}: ${reasonOf(error)}`);
  }
}

/** Throws a Problem if two options name one file: one would overwrite what the other reads or writes. */
export function checkDifferent(files: Readonly<Record<string, string | undefined>>): void {
  const seen = new Map<string, string>();
  for (const [option, file] of Object.entries(files)) {
    if (file === undefined || file === STDIN) continue;
    const path = resolve(file);
    const other = seen.get(path);
    if (other !== undefined) {
      throw usage(`${other} and ${option} name the same file, ${file}: they must be different files`);
    }
    seen.set(path, option);
  }
}

export function usage(sentence: string): Problem {
  return new Problem(2, sentence);
}
