/**
 * A boot in virtual time. It does what VirtualClock does, but is its own clock, and waits for its alarm itself: a world
 * has 100,000 boots, and every beat begins here.
 */

import type { ResetReason } from '../../hal/system.ts';
import type { Board } from '../board/board.ts';
import { Boot } from '../board/boot.ts';
import type { Timeline, Waiter } from './event.ts';
import { usPerMs, usUntilShown } from './virtual-clock.ts';

const NOT_OPEN = -1;

export class VirtualBoot extends Boot implements Waiter {
  readonly #timeline: Timeline;
  readonly #originUs: number;
  readonly #usPerMs: number;
  #handle = NOT_OPEN;

  constructor(board: Board, resetReason: ResetReason, timeline: Timeline, driftPpm = 0) {
    super(board, resetReason);
    this.#timeline = timeline;
    this.#originUs = timeline.nowUs;
    this.#usPerMs = usPerMs(driftPpm);
  }

  now(): number {
    return (this.#timeline.nowUs - this.#originUs) / this.#usPerMs;
  }

  protected ringAt(atMs: number): void {
    const atUs = this.#originUs + usUntilShown(atMs, this.#usPerMs);
    if (!Number.isSafeInteger(atUs)) {
      this.ringNever();
      return;
    }
    if (this.#handle === NOT_OPEN) this.#handle = this.#timeline.open(this);
    this.#timeline.set(this.#handle, atUs);
  }

  protected ringNever(): void {
    if (this.#handle !== NOT_OPEN) this.#timeline.clear(this.#handle);
  }

  protected stopTime(): void {
    if (this.#handle !== NOT_OPEN) this.#timeline.close(this.#handle);
    this.#handle = NOT_OPEN;
  }

  /** @internal */
  fire(): void {
    this.ring();
  }

  /** @internal */
  describe(): string {
    return `the clock of ${this.deviceId}`;
  }
}
