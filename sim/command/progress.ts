/**
 * How far a simulated run is, for one that takes longer than a second: on a terminal one line that is drawn anew, elsewhere a plain
 * line now and then. All of it goes to standard error.
 */

import type { Clock } from '../../hal/clock.ts';
import { formatSeconds } from '../time/duration.ts';
import type { Fleet } from './fleet.ts';
import type { RunSettings } from './settings/run.ts';
import type { Terminal } from './terminal.ts';

const FIRST_MS = 1000;
const REDRAW_MS = 250;
const LINE_MS = 5000;

export class Progress {
  readonly #terminal: Terminal;
  readonly #fleet: Fleet;
  readonly #clock: Clock;
  readonly #endMs: number;
  readonly #isDrawn: boolean;
  #nextMs = FIRST_MS;
  /** Where it was last told, in real and in virtual time. */
  #toldMs = 0;
  #toldVirtualMs = 0;

  /** `clock` is of real time, and begins with the run. */
  constructor(terminal: Terminal, fleet: Fleet, clock: Clock, { forMs = 0, json }: Pick<RunSettings, 'forMs' | 'json'>) {
    this.#terminal = terminal;
    this.#fleet = fleet;
    this.#clock = clock;
    this.#endMs = forMs;
    this.#isDrawn = terminal.isInteractive && !json;
  }

  /** To be called again and again; `virtualMs` is the time in the simulation. */
  turn(virtualMs: number): void {
    const nowMs = this.#clock.now();
    if (nowMs < this.#nextMs) return;
    const speed = (virtualMs - this.#toldVirtualMs) / (nowMs - this.#toldMs);
    this.#toldMs = nowMs;
    this.#toldVirtualMs = virtualMs;
    const { connected, size } = this.#fleet;
    const line = `${formatSeconds(virtualMs)} of ${formatSeconds(this.#endMs)}: ${connected} of ${size} devices connected, ${speedText(speed)} x real time`;
    if (this.#isDrawn) this.#terminal.draw([line.slice(0, this.#terminal.columns - 1)]);
    else this.#terminal.log(line);
    this.#nextMs = nowMs + (this.#isDrawn ? REDRAW_MS : LINE_MS);
  }

  end(): void {
    this.#terminal.draw([]);
  }
}

function speedText(speed: number): string {
  return speed < 10 ? speed.toFixed(1) : String(Math.round(speed));
}
