/** The line that repeats a test, as far as it can be repeated. */

import type { World } from './world.ts';

/** Facts that vitest has about the running test. */
export interface RunningTest {
  readonly testPath?: string;
  /** With its suites', between ` > `. */
  readonly currentTestName?: string;
  readonly task?: {
    readonly context: {
      /**
       * Aborted when vitest ends the test by its own timeout, with the error that it then shows; vitest 3.2 and on.
       */
      readonly signal?: AbortSignal;
    };
  };
}

/** Returns undefined if nothing is known that would repeat the test. */
export function repeatLine({ seed, testbed }: World, test: RunningTest): string {
  const parts = [seed === undefined ? undefined : `seed ${seed}`, testbed.repeat, vitestCommand(test)].filter(
    (part) => part !== undefined,
  );
  return `to repeat: ${parts.join('; ')}${seed === undefined ? ' (over real sockets it may not happen twice alike)' : ''}`;
}

function vitestCommand({ testPath, currentTestName = '' }: RunningTest): string | undefined {
  if (testPath === undefined) return undefined;
  const folder = `${process.cwd()}/`;
  const path = testPath.startsWith(folder) ? testPath.slice(folder.length) : testPath;
  return `npx vitest run ${path}${currentTestName === '' ? '' : ` -t "${patternOf(currentTestName)}"`}`;
}

/**
 * `-t` takes a regular expression, for names with a blank between suites; what means something there, or in a shell's
 * quotes, can be any character.
 */
function patternOf(name: string): string {
  return name.replaceAll(/[\\^$.*+?()[\]{}|"`!]/g, '.').replaceAll(' > ', '.*');
}
