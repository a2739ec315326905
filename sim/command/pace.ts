/** How virtual time goes in a run that somebody watches: at a speed, which can change, or not at all for a while. */

/** Virtual time passes in pieces of so much real time, so that a new speed takes hold at once. */
export const PIECE_MS = 40;

export class Pace {
  /** Virtual seconds for each real one. */
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

  /** Whoever waits looks again. */
  wake(): void {
    this.#goOn();
  }

  /** Resolves with the next call of `set` or `wake`. */
  change(): Promise<void> {
    return new Promise((resolve) => (this.#goOn = resolve));
  }
}
