/** A line on standard error that shows progress: redrawn on a terminal, printed from time to time elsewhere. */

import type { Terminal } from './terminal.ts';

const REDRAW_MS = 250;
const LINE_MS = 5000;

export class ProgressLine {
  readonly isDrawn: boolean;
  readonly #terminal: Terminal;
  #nextMs: number;

  /** `firstMs` is the time of the first line, on the clock whose time `comesDue` gets; by default one period from 0. */
  constructor(terminal: Terminal, isDrawn: boolean, firstMs?: number) {
    this.#terminal = terminal;
    this.isDrawn = isDrawn;
    this.#nextMs = firstMs ?? (isDrawn ? REDRAW_MS : LINE_MS);
  }

  /** Returns whether the next line is due; the caller then calls `tell`. */
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
