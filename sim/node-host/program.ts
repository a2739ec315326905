/**
 * A Node program as the program of a simulated host, unchanged: what a test says of it. Nothing of Node is touched
 * here; `world.ts` loads the rest of this room when the first such program is to run.
 */

import type { Duration } from '../time/duration.ts';

/**
 * The program that each boot runs. Either a function that starts the program, such as `() => import('./server.js')`,
 * and may return a promise; or the program's file, whose module is loaded afresh at each boot.
 */
export type ProgramEntry = (() => unknown) | string | URL;

/** The end of a program that has ended by itself. */
export interface ProgramEnd {
  readonly host: string;
  /** Virtual time. */
  readonly atMs: number;
  /** The exception or the `process.exit`, in one line. */
  readonly why: string;
  /** The program's own stack; of `process.exit` there is none. */
  readonly stack: string | undefined;
}

/** A program could not start, or has failed where that was to end the run; the cause is what it threw. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
  /** The program's own. */
  readonly programStack: string;

  constructor(message: string, programStack: string, cause: unknown) {
    super(message, { cause });
    this.programStack = programStack;
  }
}

export interface NodeProgramOptions {
  /** Arguments behind the file in the program's `process.argv`, for an entry that is a file. Default: no arguments. */
  readonly args?: readonly string[];
  /** Called with each line that it prints, of either stream. Without it they go to this process's own. */
  readonly onOutput?: (line: string, host: string) => void;
  /** Called when it has ended by itself. Without it an error's stack is printed. */
  readonly onEnd?: (end: ProgramEnd) => void;
  /**
   * Restart policy of a host whose program has ended by an exception, an unhandled rejection or `process.exit`. Default
   * `never`.
   */
  readonly restart?: 'never' | { readonly after: Duration };
  /**
   * `crash`: an error that the program does not handle ends it, as it would end a process; the trace tells, and the
   * program's own stack is printed. `fail`: it rejects the run. An error before the program is up for the first time
   * rejects the run in any case. Default `crash`.
   */
  readonly onError?: 'crash' | 'fail';
}

/** A Node program, for `addServer` or as a device's `firmware`. */
export class NodeProgram {
  readonly entry: ProgramEntry;
  readonly options: NodeProgramOptions;

  constructor(entry: ProgramEntry, options: NodeProgramOptions) {
    this.entry = entry;
    this.options = options;
  }
}

/**
 * Your own Node program on a simulated host: `sim.addServer(nodeProgram(() => import('./server.js')))`. Its sockets,
 * timers, dates and random numbers are the host's, in virtual time. Throws a TypeError for what is no entry.
 */
export function nodeProgram(entry: ProgramEntry, options: NodeProgramOptions = {}): NodeProgram {
  if (typeof entry !== 'function' && typeof entry !== 'string' && !(entry instanceof URL)) {
    throw new TypeError("nodeProgram takes a function, as in nodeProgram(() => import('./server.js')), or a file");
  }
  return new NodeProgram(entry, options);
}
