/** The stack of an error as the author of a program wants to see it: without the lines of Node and of this project. */

import { fileURLToPath } from 'node:url';
import { unmarked } from './modules.ts';

const NOT_THE_PROGRAM = [
  'node:',
  'data:',
  ...['sim', 'hal', 'firmware'].map((folder) => fileURLToPath(new URL(`../../${folder}/`, import.meta.url))),
];

/** Returns the stack of what was thrown, without the lines that are not the program's own. */
export function programStack(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const isOwn = (line: string): boolean =>
    !/^\s+at /.test(line) || !NOT_THE_PROGRAM.some((place) => line.includes(place));
  return unmarked(stack.split('\n').filter(isOwn).join('\n'));
}
