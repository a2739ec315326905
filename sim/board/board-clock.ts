/**
 * The clocks of a board, which start at 0 when they are made: one for each boot, one for its watchdog, one for a reset.
 */

import type { Clock } from '../../hal/clock.ts';
import { type Interrupt, serve } from './interrupts.ts';

/** A clock whose alarm may also be an object: of 100,000 boards each would need a function of its own. */
export interface BoardClock {
  now(): number;
  setAlarm(atMs: number, interrupt: Interrupt): void;
  clearAlarm(): void;
  /** Called when the board no longer needs the clock. */
  release?(): void;
}

/** Stops a clock that its board no longer needs. */
export function stopClock(clock: BoardClock): void {
  clock.clearAlarm();
  clock.release?.();
}

/** A HAL's clock as a board's. */
export function boardClock(clock: Clock): BoardClock {
  return new HalClock(clock);
}

class HalClock implements BoardClock {
  readonly #clock: Clock;
  #alarm: Interrupt | undefined = undefined;
  readonly #ring = (): void => {
    if (this.#alarm !== undefined) serve(this.#alarm);
  };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  setAlarm(atMs: number, interrupt: Interrupt): void {
    this.#alarm = interrupt;
    this.#clock.setAlarm(atMs, this.#ring);
  }

  clearAlarm(): void {
    this.#clock.clearAlarm();
  }
}
