/** Pace of virtual time in a run that somebody watches: a speed that can change, and pauses. */

/** Real time after which a new speed takes effect: virtual time passes in pieces of this length. */
export const PIECE_MS = 40;

export class Pace {
  /** Virtual seconds in each real second. */
  speed: number;
  #isPaused = false;
  /** Ends the pause. */
  #goOn: () => void = () => {};

  constructor(speed: number) {
    this.speed = speed;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  set(speed: number, isPaused: boolean): void {
    this.speed = speed;
    this.#isPaused = isPaused;
    this.wake();
  }

  /** Lets the run check the pace and the time again. */
  wake(): void {
    this.#goOn();
  }

  /** Resolves with the next call of `set` or `wake`. */
  change(): Promise<void> {
    return new Promise((resolve) => (this.#goOn = resolve));
  }
}
