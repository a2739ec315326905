/** A problem: the sentence that a command prints instead of a result, and its exit status. */

export class Problem extends Error {
  override readonly name = 'Problem';
  /** 1: the command could not be carried out, or an expectation was not met. 2: wrong usage. */
  readonly exitStatus: 1 | 2;

  constructor(exitStatus: 1 | 2, sentence: string) {
    super(sentence);
    this.exitStatus = exitStatus;
  }
}

/**
 * Returns the reason that the system gives for an error. Leaves out the call and the path that Node adds, because the
 * message around it names the file.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'syscall' in error ? error.message.replace(/, [a-z]+(?: '.*')?$/s, '') : error.message;
}
