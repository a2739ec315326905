/**
 * A line that tells how far something is: on a terminal redrawn, elsewhere printed now and then. To standard error.
 */

import type { Terminal } from './terminal.ts';

const REDRAW_MS = 250;
const LINE_MS = 5000;

export class ProgressLine {
  readonly isDrawn: boolean;
  readonly #terminal: Terminal;
  #nextMs: number;

  /**
   * `firstMs`: when it is told first, by the clock that `comesDue` is asked by; by default after as long as between any
   * two.
   */
  constructor(terminal: Terminal, isDrawn: boolean, firstMs?: number) {
    this.#terminal = terminal;
    this.isDrawn = isDrawn;
    this.#nextMs = firstMs ?? (isDrawn ? REDRAW_MS : LINE_MS);
  }

  /** It is time for the next; that is told then. */
  comesDue(nowMs: number): boolean {
    if (nowMs < this.#nextMs) return false;
    this.#nextMs = nowMs + (this.isDrawn ? REDRAW_MS : LINE_MS);
    return true;
  }

  tell(line: string): void {
    if (this.isDrawn) this.#terminal.draw([line.slice(0, this.#terminal.columns - 1)]);
    else this.#terminal.log(line);
  }

  end(): void {
    this.#terminal.draw([]);
  }
}
