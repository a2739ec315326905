/**
 * The way from a board's hardware to its firmware. While the firmware runs, an interrupt is a call. While it hangs, each
 * waits, once however often it is raised. When the device is off, or was reset, there is nobody to call.
 */

export class Interrupts {
  #state: 'open' | 'held' | 'off' = 'open';
  readonly #waiting = new Set<() => void>();

  /** The firmware of this boot is gone: it must not be called, and what it asks for must have no effect. */
  get off(): boolean {
    return this.#state === 'off';
  }

  /** Calls `isr`, now or when the firmware runs again. The same function is the same interrupt. */
  raise(isr: () => void): void {
    if (this.#state === 'open') isr();
    else if (this.#state === 'held') this.#waiting.add(isr);
  }

  /** The firmware hangs. */
  hold(): void {
    if (this.#state === 'open') this.#state = 'held';
  }

  /** The firmware runs again. */
  release(): void {
    if (this.#state !== 'held') return;
    this.#state = 'open';
    for (const isr of this.#waiting) {
      this.#waiting.delete(isr);
      this.raise(isr);
    }
  }

  /** For ever. */
  switchOff(): void {
    this.#state = 'off';
    this.#waiting.clear();
  }
}
