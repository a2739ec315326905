/** Progress of a swarm on standard error: a bar on a terminal, a plain line from time to time elsewhere. */

import type { Clock } from '../../hal/clock.ts';
import { formatSeconds } from '../time/duration.ts';
import { ProgressLine } from './progress-line.ts';
import type { Terminal } from './terminal.ts';

const BAR_CELLS = 30;

export class SwarmProgress {
  readonly #line: ProgressLine;
  readonly #clock: Clock;
  readonly #total: number;
  #done = 0;
  #failed = 0;

  /** `clock` gives real time and starts with the work. */
  constructor(terminal: Terminal, clock: Clock, total: number) {
    this.#line = new ProgressLine(terminal, terminal.isInteractive);
    this.#clock = clock;
    this.#total = total;
  }

  /** Counts a finished run. */
  add(hasFailed: boolean): void {
    this.#done++;
    if (hasFailed) this.#failed++;
    const nowMs = this.#clock.now();
    if (this.#line.comesDue(nowMs)) {
      this.#line.tell(this.#line.isDrawn ? `${this.#bar()} ${this.#text(nowMs)}` : this.#text(nowMs));
    }
  }

  /** Shows a line about other work that takes time. */
  say(what: string): void {
    this.#line.tell(what);
  }

  end(): void {
    this.#line.end();
  }

  #text(nowMs: number): string {
    const perSecond = (this.#done * 1000) / nowMs;
    const leftMs = ((this.#total - this.#done) * 1000) / perSecond;
    return `${this.#done} of ${this.#total} runs, ${perSecond.toFixed(1)} a second, ${this.#failed} failed, ${formatSeconds(leftMs)} left`;
  }

  #bar(): string {
    const full = Math.floor((BAR_CELLS * this.#done) / this.#total);
    return `[${'#'.repeat(full)}${'.'.repeat(BAR_CELLS - full)}]`;
  }
}
