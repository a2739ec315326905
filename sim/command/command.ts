/** A command: its help, its options, and its function. */

import { wrapped } from '../text.ts';
import { type Given, HELP_COLUMNS, helpOfOptions, type Options, readOptions } from './options.ts';
import type { Terminal } from './terminal.ts';

export interface Command {
  /** Text that `cablepull NAME --help` prints. */
  readonly help: string;
  /** Carries the command out; returns the exit status. Throws, or rejects with, a Problem. */
  run(args: readonly string[], terminal: Terminal): number | Promise<number>;
}

export interface CommandDefinition<O extends Options> {
  readonly name: string;
  /** First paragraph of the help, after the name. */
  readonly about: string;
  /** Operands that the command needs, for a sentence; undefined if it takes none. */
  readonly needs?: string;
  /** Example command line, for a command that takes operands. */
  readonly example?: string;
  readonly options: O;
  /** Last paragraph of the help. */
  readonly notes?: string;
  run(given: Given<O>, terminal: Terminal): number | Promise<number>;
}

export function defineCommand<const O extends Options>(definition: CommandDefinition<O>): Command {
  const { name, about, needs, example, options, notes } = definition;
  const paragraphs = [
    wrapped(`cablepull ${name}: ${about}`, HELP_COLUMNS),
    ...(example === undefined ? [] : [[`  ${example}`]]),
    helpOfOptions(options),
    ...(notes === undefined ? [] : [wrapped(notes, HELP_COLUMNS)]),
  ];
  return {
    help: paragraphs.map((lines) => lines.join('\n')).join('\n\n'),
    run: (args, terminal) => definition.run(readOptions(name, args, options, needs), terminal),
  };
}
