/** What a command has to say instead of a result: one sentence, and the exit status that goes with it. */

export class Problem extends Error {
  override readonly name = 'Problem';
  /** 1: it could not be done, or was not as expected. 2: wrong usage. */
  readonly exitStatus: 1 | 2;

  constructor(exitStatus: 1 | 2, sentence: string) {
    super(sentence);
    this.exitStatus = exitStatus;
  }
}

/**
 * What the system says went wrong with a file, without the call and the path that Node adds: who names the file has
 * done so.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'syscall' in error ? error.message.replace(/, [a-z]+(?: '.*')?$/s, '') : error.message;
}
