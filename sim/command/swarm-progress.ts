/** How far a swarm is: a bar on a terminal, elsewhere a plain line now and then; to standard error. */

import type { Clock } from '../../hal/clock.ts';
import { formatSeconds } from '../time/duration.ts';
import type { Terminal } from './terminal.ts';

const REDRAW_MS = 250;
const LINE_MS = 5000;
const BAR_CELLS = 30;

export class SwarmProgress {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #total: number;
  #done = 0;
  #failed = 0;
  #nextMs: number;

  /** `clock` is of real time, and begins with the work. */
  constructor(terminal: Terminal, clock: Clock, total: number) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#total = total;
    this.#nextMs = terminal.isInteractive ? REDRAW_MS : LINE_MS;
  }

  /** A run is done. */
  add(hasFailed: boolean): void {
    this.#done++;
    if (hasFailed) this.#failed++;
    const nowMs = this.#clock.now();
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + (this.#terminal.isInteractive ? REDRAW_MS : LINE_MS);
    const line = this.#line(nowMs);
    if (this.#terminal.isInteractive) this.#terminal.draw([`${this.#bar()} ${line}`.slice(0, this.#terminal.columns - 1)]);
    else this.#terminal.log(line);
  }

  /** Something else is done now, that takes its time. */
  say(what: string): void {
    if (this.#terminal.isInteractive) this.#terminal.draw([what.slice(0, this.#terminal.columns - 1)]);
    else this.#terminal.log(what);
  }

  end(): void {
    this.#terminal.draw([]);
  }

  #line(nowMs: number): string {
    const perSecond = (this.#done * 1000) / nowMs;
    const leftMs = ((this.#total - this.#done) * 1000) / perSecond;
    return `${this.#done} of ${this.#total} runs, ${perSecond.toFixed(1)} a second, ${this.#failed} failed, ${formatSeconds(leftMs)} left`;
  }

  #bar(): string {
    const full = Math.floor((BAR_CELLS * this.#done) / this.#total);
    return `[${'#'.repeat(full)}${'.'.repeat(BAR_CELLS - full)}]`;
  }
}
