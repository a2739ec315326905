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
