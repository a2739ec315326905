/** `cablepull run` for another command: it prints nothing, and returns its summary. */

import type { Summary } from '../verdict/summary.ts';
import { conductRun } from './conduct-run.ts';
import { Problem } from './problem.ts';
import { readRun } from './run-command.ts';
import type { Terminal } from './terminal.ts';

/**
 * Does the run of this command line. `onStop` receives the function that ends the run, and undefined when the run is
 * over. Resolves to undefined if the run was ended. Rejects with a Problem.
 */
export async function silentRun(
  args: readonly string[],
  onStop: (stop: (() => void) | undefined) => void,
): Promise<Summary | undefined> {
  const terminal: Terminal = {
    print: () => {},
    printJson: () => {},
    flush: () => {},
    whenRead: (then) => then(),
    log: () => {},
    isInteractive: false,
    rows: 24,
    columns: 80,
    draw: () => {},
    onInterrupt: (handler) => {
      onStop(() => handler('SIGINT'));
      return () => onStop(undefined);
    },
    onReaderGone: () => {},
  };
  let summary: Summary | undefined;
  const status = await conductRun(await readRun(args), terminal, (outcome) => (summary = outcome.summary));
  if (status === 130) return undefined;
  if (status !== 0) throw new Problem(1, `cablepull run ${args.join(' ')} ended with status ${status}`);
  return summary;
}
