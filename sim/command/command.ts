/** A command: what `--help` says of it, its options, and what it does. */

import { type Given, helpOfOptions, type Options, readOptions } from './options.ts';
import type { Terminal } from './terminal.ts';

export interface Command {
  /** What `cablepull NAME --help` prints. */
  readonly help: string;
  /** Carries the command out; returns the exit status. Throws, or rejects with, a Problem. */
  run(args: readonly string[], terminal: Terminal): number | Promise<number>;
}

export interface CommandDefinition<O extends Options> {
  readonly name: string;
  /** The first paragraph of the help, behind the name. */
  readonly about: string;
  /** Which operands the command needs, for a sentence; undefined: it takes none. */
  readonly needs?: string;
  /** A line to type, where the command takes operands. */
  readonly example?: string;
  readonly options: O;
  /** The last paragraph of the help. */
  readonly notes?: string;
  run(given: Given<O>, terminal: Terminal): number | Promise<number>;
}

export function defineCommand<const O extends Options>(definition: CommandDefinition<O>): Command {
  const { name, about, needs, example, options, notes } = definition;
  const paragraphs = [
    [`cablepull ${name}: ${about}`],
    ...(example === undefined ? [] : [[`  ${example}`]]),
    helpOfOptions(options),
    ...(notes === undefined ? [] : [[notes]]),
  ];
  return {
    help: paragraphs.map((lines) => lines.join('\n')).join('\n\n'),
    run: (args, terminal) => definition.run(readOptions(name, args, options, needs), terminal),
  };
}
