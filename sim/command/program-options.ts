/** The user's own Node programs on simulated hosts: the options that name them. */

import { existsSync, statSync } from 'node:fs';
import type { Duration } from '../time/duration.ts';
import { durationOf, usage, wholeNumber } from './values.ts';

export const PROGRAM_OPTIONS = {
  program: {
    type: 'string',
    value: '"server.mjs ARGS"',
    opensGroup: true,
    help:
      'run your own Node server, unchanged, on a simulated host, in virtual time: its file and the arguments in ' +
      'process.argv',
  },
  port: { type: 'string', value: '8080', help: 'with --program: the port to connect to, if the program listens on several' },
  'device-program': {
    type: 'string',
    value: '"device.mjs ARGS"',
    help: 'run your own Node program on each device; it reaches the server by the name server',
  },
  restart: {
    type: 'string',
    value: '1s',
    help: 'time after which a program that ended by itself is started again (never: the run then has the exit status 1)',
  },
} as const;

/** A program as the command line names it. */
export interface ProgramFile {
  readonly file: string;
  readonly args: readonly string[];
}

export interface Programs {
  /** Program that replaces our own server. */
  readonly server: (ProgramFile & { readonly port: number | undefined }) | undefined;
  /** Program that replaces our own firmware. */
  readonly device: ProgramFile | undefined;
  readonly restart: 'never' | { readonly after: Duration };
}

type ProgramValues = { readonly [Name in keyof typeof PROGRAM_OPTIONS]?: string | undefined };

/** Returns undefined if the options name no program. Throws a Problem. */
export function programsOf(values: ProgramValues): Programs | undefined {
  const { program, port, 'device-program': device, restart } = values;
  if (port !== undefined && program === undefined) throw usage('--port is the port on which your program listens: it needs --program');
  if (program === undefined && device === undefined) {
    if (restart !== undefined) throw usage('--restart needs --program or --device-program');
    return undefined;
  }
  const after = restart === 'never' ? undefined : durationOf('--restart', restart);
  return {
    server:
      program === undefined
        ? undefined
        : {
            ...programFile('--program', program),
            port: port === undefined ? undefined : wholeNumber('--port', port, 1, 65_535),
          },
    device: device === undefined ? undefined : programFile('--device-program', device),
    restart: after === undefined ? 'never' : { after },
  };
}

/** Returns the program as the value of `--program`. */
export function programWords({ file, args }: ProgramFile): string {
  return [file, ...args].join(' ');
}

/**
 * Reads the value of `--program`: a file and its arguments. A text with spaces that is the name of a file is that file.
 * Throws a Problem.
 */
export function programFile(option: string, text: string): ProgramFile {
  const [file = '', ...args] = existsSync(text) ? [text] : text.trim().split(/\s+/);
  if (!existsSync(file)) throw usage(`${option}: there is no file ${file === '' ? "''" : file}`);
  if (!statSync(file).isFile()) throw usage(`${option}: ${file} is not a file`);
  return { file, args };
}
