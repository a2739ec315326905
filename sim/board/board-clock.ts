/** The clocks of a board, which start at 0 when they are made: one for each boot, one for its watchdog, one for a reset. */

import type { Clock } from '../../hal/clock.ts';

export interface BoardClock extends Clock {
  /** The board is done with it for ever. */
  release?(): void;
}

/** The board is done with it for ever. */
export function stopClock(clock: BoardClock): void {
  clock.clearAlarm();
  clock.release?.();
}
