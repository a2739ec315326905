/**
 * The way from a board's hardware to its firmware. Interrupts are served one after another, never within one another;
 * while the firmware hangs, each waits, once however often it is raised. When the device is off, or was reset, there is
 * nobody to call.
 */

/** Handler of an interrupt: a function, or an object where a function for each of very many would cost too much. */
export type Interrupt = (() => void) | { serve(): void };

/** Calls it. */
export function serve(interrupt: Interrupt): void {
  if (typeof interrupt === 'function') interrupt();
  else interrupt.serve();
}

export class Interrupts {
  #state: 'open' | 'held' | 'off' = 'open';
  #isServing = false;
  /** Made when the first one has to wait. */
  #waiting: Interrupt[] | undefined = undefined;

  /** The firmware of this boot is gone: it must not be called, and what it asks for must have no effect. */
  get off(): boolean {
    return this.#state === 'off';
  }

  /**
   * Calls `isr` as soon as no firmware code is running and the firmware does not hang. The same function is the same
   * interrupt.
   */
  raise(isr: Interrupt): void {
    if (this.#state === 'off') return;
    // Most find nobody before them, and need no list.
    const waits =
      this.#state === 'held' || this.#isServing || (this.#waiting !== undefined && this.#waiting.length > 0);
    if (!waits) return this.serveFrom(isr);
    if (this.#waiting === undefined) this.#waiting = [isr];
    else if (!this.#waiting.includes(isr)) this.#waiting.push(isr);
    this.serveWaiting();
  }

  /** An interrupt that waits is not served any more. */
  withdraw(isr: Interrupt): void {
    const index = this.#waiting?.indexOf(isr) ?? -1;
    if (index >= 0) this.#waiting?.splice(index, 1);
  }

  /** The firmware hangs. */
  hold(): void {
    if (this.#state === 'open') this.#state = 'held';
  }

  /** The firmware runs again. */
  release(): void {
    if (this.#state !== 'held') return;
    this.#state = 'open';
    this.serveWaiting();
  }

  /** Switches interrupts off for good. */
  switchOff(): void {
    this.#state = 'off';
    this.#waiting = undefined;
  }

  private serveWaiting(): void {
    if (this.#state === 'open' && !this.#isServing) this.serveFrom(this.#waiting?.shift());
  }

  private serveFrom(first: Interrupt | undefined): void {
    this.#isServing = true;
    try {
      for (let isr = first; isr !== undefined; isr = this.#state === 'open' ? this.#waiting?.shift() : undefined) {
        serve(isr);
      }
    } finally {
      this.#isServing = false;
    }
  }
}
