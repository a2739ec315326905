/** Ctrl-C while a program of the user's own is in an endless loop: a sentence that says where, and the exit status. */

import { constants } from 'node:os';
import type { Terminal } from './terminal.ts';

/** Watches for it. Returns the function that ends the watch. */
export async function watchPrograms(terminal: Terminal): Promise<() => void> {
  const { watchForEndlessLoops } = await import('../node-host/endless-loop.ts');
  return watchForEndlessLoops(({ signal, host, stack }) => {
    const who = host === undefined ? 'something' : `the program of ${host}`;
    terminal.log(`cablepull: ended by ${signal}, without a report: ${who} has not given back control`);
    for (const line of stack.split('\n')) if (line !== '') terminal.log(line);
    // As a shell has it of a process that a signal ended.
    return 128 + constants.signals[signal];
  });
}
