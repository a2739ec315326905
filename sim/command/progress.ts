/** Progress of a simulated run that takes longer than a second. */

import type { Clock } from '../../hal/clock.ts';
import { formatSeconds } from '../time/duration.ts';
import type { Fleet } from './fleet.ts';
import { ProgressLine } from './progress-line.ts';
import type { RunSettings } from './run-settings.ts';
import type { Terminal } from './terminal.ts';

const FIRST_MS = 1000;

export class Progress {
  readonly #line: ProgressLine;
  readonly #fleet: Fleet;
  readonly #clock: Clock;
  readonly #endMs: number | undefined;
  /** Real and virtual time of the last line. */
  #printedMs = 0;
  #printedVirtualMs = 0;

  /** `clock` gives real time and starts with the run. */
  constructor(
    terminal: Terminal,
    fleet: Fleet,
    clock: Clock,
    { forMs, json }: Pick<RunSettings, 'forMs' | 'json'>,
  ) {
    this.#line = new ProgressLine(terminal, terminal.isInteractive && !json, FIRST_MS);
    this.#fleet = fleet;
    this.#clock = clock;
    this.#endMs = forMs;
  }

  /** Shows the progress if a line is due. `virtualMs` is the time in the simulation. */
  turn(virtualMs: number): void {
    const nowMs = this.#clock.now();
    if (!this.#line.comesDue(nowMs)) return;
    const speed = (virtualMs - this.#printedVirtualMs) / (nowMs - this.#printedMs);
    this.#printedMs = nowMs;
    this.#printedVirtualMs = virtualMs;
    const { connected, size } = this.#fleet;
    const end = this.#endMs === undefined ? '' : ` of ${formatSeconds(this.#endMs)}`;
    this.#line.tell(
      `${formatSeconds(virtualMs)}${end}: ${connected} of ${size} devices connected, ${speedText(speed)} x real time`,
    );
  }

  end(): void {
    this.#line.end();
  }
}

function speedText(speed: number): string {
  return speed < 10 ? speed.toFixed(1) : String(Math.round(speed));
}
