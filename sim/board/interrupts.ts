/**
 * The way from a board's hardware to its firmware. Interrupts are served one after another, never within one another; while
 * the firmware hangs, each waits, once however often it is raised. When the device is off, or was reset, there is nobody to call.
 */

export class Interrupts {
  #state: 'open' | 'held' | 'off' = 'open';
  #isServing = false;
  readonly #waiting: (() => void)[] = [];

  /** The firmware of this boot is gone: it must not be called, and what it asks for must have no effect. */
  get off(): boolean {
    return this.#state === 'off';
  }

  /** Calls `isr` as soon as no firmware code is running and the firmware does not hang. The same function is the same interrupt. */
  raise(isr: () => void): void {
    if (this.off) return;
    if (!this.#waiting.includes(isr)) this.#waiting.push(isr);
    this.#serve();
  }

  /** The firmware hangs. */
  hold(): void {
    if (this.#state === 'open') this.#state = 'held';
  }

  /** The firmware runs again. */
  release(): void {
    if (this.#state !== 'held') return;
    this.#state = 'open';
    this.#serve();
  }

  /** For ever. */
  switchOff(): void {
    this.#state = 'off';
    this.#waiting.length = 0;
  }

  #serve(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      while (this.#state === 'open') {
        const isr = this.#waiting.shift();
        if (isr === undefined) break;
        isr();
      }
    } finally {
      this.#isServing = false;
    }
  }
}
