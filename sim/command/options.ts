/**
 * The options of a command: how they are read, and how `--help` shows them. A wrong option is a Problem with exit
 * status 2.
 */

import { parseArgs } from 'node:util';
import { wrapped } from '../text.ts';
import { usage } from './values.ts';

/** An option, as `parseArgs` takes it and as `--help` shows it. */
export interface Option {
  readonly type: 'string' | 'boolean';
  /** Default. A boolean option with the default true is written, and shown, as `--no-NAME`. */
  readonly default?: string | boolean;
  readonly multiple?: boolean;
  /** One letter, as in `-c 5`. */
  readonly short?: string;
  /** Placeholder or example of the value in the help, as in `--devices N`. */
  readonly value?: string;
  readonly help: string;
  /** Whether the help has an empty line above the option. */
  readonly opensGroup?: boolean;
}

export type Options = Readonly<Record<string, Option>>;

/** Values of options, typed by the options' definitions. */
export type OptionValues<O extends Options> = ReturnType<typeof parseArgs<{ options: O }>>['values'];

/** Arguments of a command, read. */
export interface Given<O extends Options> {
  readonly values: OptionValues<O>;
  /** Arguments that belong to no option. */
  readonly operands: readonly string[];
  /** All arguments, as they were typed. */
  readonly args: readonly string[];
}

/** Splits arguments at `--`. `behind` is undefined if there is no `--`. */
export function splitAtTerminator(args: readonly string[]): {
  readonly own: readonly string[];
  readonly behind: readonly string[] | undefined;
} {
  const at = args.indexOf('--');
  return at < 0 ? { own: args, behind: undefined } : { own: args.slice(0, at), behind: args.slice(at + 1) };
}

/**
 * Reads the arguments of a command. `needs` describes the operands that the command needs; undefined if it takes none.
 * Throws a Problem.
 */
export function readOptions<const O extends Options>(
  command: string, args: readonly string[], options: O, needs: string | undefined,
): Given<O> {
  const words = checkedWords(command, args, options, needs);
  const { values, positionals } = parseArgs({ args: words, options, allowNegative: true, allowPositionals: true });
  return { values, operands: positionals, args };
}

/**
 * Like `readOptions`, with further options `more`, whose names are not known at compile time. Their values are returned
 * apart. Throws a Problem.
 */
export function readOptionsWith<const O extends Options>(
  command: string, args: readonly string[], options: O, more: Options, needs: string | undefined,
): { readonly given: Given<O>; readonly moreValues: Readonly<Record<string, unknown>> } {
  const words = checkedWords(command, args, { ...more, ...options }, needs);
  const isMore = (word: string): boolean => {
    const name = /^--(?:no-)?([^=]+)/.exec(word)?.[1] ?? '';
    return !Object.hasOwn(options, name) && Object.hasOwn(more, name);
  };
  const end = words.indexOf('--');
  const moreWords = words.slice(0, end).filter(isMore);
  const ownWords = words.filter((word, i) => i >= end || !isMore(word));
  const { values, positionals } = parseArgs({ args: ownWords, options, allowNegative: true, allowPositionals: true });
  const { values: moreValues } = parseArgs({ args: moreWords, options: { ...more }, allowNegative: true });
  return { given: { values, operands: positionals, args }, moreValues };
}

/**
 * Returns the arguments in a form that `parseArgs`, with `allowNegative`, accepts without complaint. Its own messages,
 * such as the one about `--devices -1`, explain how to call parseArgs. Each value is in one word with its option.
 * Throws a Problem.
 */
function checkedWords(command: string, args: readonly string[], options: Options, needs: string | undefined): string[] {
  const help = `(see cablepull ${command} --help)`;
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  if (needs !== undefined && !tokens.some(({ kind }) => kind === 'positional')) {
    throw usage(`${command} needs ${needs} ${help}`);
  }
  const operands: string[] = [];
  const words = tokens.flatMap((token) => {
    if (token.kind === 'option-terminator') return [];
    if (token.kind === 'positional') {
      if (needs === undefined) throw usage(`unexpected argument '${token.value}' ${help}`);
      operands.push(token.value);
      return [];
    }
    const { name, rawName, value, inlineValue } = token;
    const negated = options[name.replace(/^no-/, '')];
    const isNegative = name.startsWith('no-') && negated?.default === true;
    const isShort = options[name]?.short !== undefined && rawName === `-${options[name].short}`;
    const isKnown = Object.hasOwn(options, name) && (isShort || rawName.startsWith('--'));
    const option = isNegative ? negated : isKnown ? options[name] : undefined;
    if (option === undefined) throw usage(`unknown option '${rawName}' ${help}`);
    if (option.type === 'boolean') {
      if (value !== undefined) throw usage(`${rawName} takes no value, not '${value}'`);
      return [rawName];
    }
    // The next option is not a value. A negative number is a value, though a wrong one.
    if (value === undefined || (!inlineValue && /^-[^\d.]/.test(value))) {
      throw usage(`${rawName} needs a value ${help}`);
    }
    return [`--${name}=${value}`];
  });
  return [...words, '--', ...operands];
}

export const HELP_COLUMNS = 100;

/** Column in which the descriptions begin. */
const TEXT_COLUMN = 31;

export function helpOfOptions(options: Options): string[] {
  return Object.entries(options).flatMap(
    ([name, { type, default: value, value: sample, short, help, opensGroup = false }]) => {
      const shown =
        type === 'boolean'
          ? value === true
            ? `--no-${name}`
            : `--${name}`
          : `--${name} ${sample ?? name.toUpperCase()}`;
      const term = short === undefined ? shown : `-${short}, ${shown}`;
      return [...(opensGroup ? [''] : []), ...helpEntry(term, help)];
    },
  );
}

/** Returns a term and its description in two columns. */
export function helpEntry(term: string, text: string): string[] {
  const first = `  ${term}`;
  const [line = '', ...more] = wrapped(text, HELP_COLUMNS - TEXT_COLUMN);
  const rest = more.map((next) => ' '.repeat(TEXT_COLUMN) + next);
  if (first.length + 2 > TEXT_COLUMN) return [first, ' '.repeat(TEXT_COLUMN) + line, ...rest];
  return [(first.padEnd(TEXT_COLUMN) + line).trimEnd(), ...rest];
}
