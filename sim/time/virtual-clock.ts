/** A device's clock in virtual time: it goes a little wrong, as quartzes do. */

import type { Clock } from '../../hal/clock.ts';
import type { BoardClock } from '../board/board-clock.ts';
import { type Interrupt, serve } from '../board/interrupts.ts';
import type { Timeline, Waiter } from './event.ts';

const NOT_OPEN = -1;

/**
 * True microseconds in each millisecond of a clock that gains `driftPpm` microseconds in each second of true time, or
 * loses them. To divide by that rounds once: so the clock never goes back, and is exact without drift.
 */
export function usPerMs(driftPpm: number): number {
  if (!(driftPpm > -1e6 && driftPpm < Infinity)) {
    throw new Error(`a clock with a drift of ${driftPpm} ppm does not go`);
  }
  // Without drift a small integer, which needs no box.
  return driftPpm === 0 ? 1000 : 1000 / (1 + driftPpm * 1e-6);
}

/** Returns the first true microsecond, from its start on, at which a clock shows `atMs` or more. */
export function usUntilShown(atMs: number, usPerMs: number): number {
  if (Number.isNaN(atMs)) throw new Error('setAlarm: the time is not a number');
  const elapsedUs = Math.max(0, Math.floor(atMs * usPerMs));
  return elapsedUs / usPerMs < atMs ? elapsedUs + 1 : elapsedUs;
}

/** A clock and its alarm. */
export class VirtualClock implements Clock, BoardClock, Waiter {
  readonly #timeline: Timeline;
  readonly #name: string;
  readonly #originUs: number;
  readonly #usPerMs: number;
  #handle = NOT_OPEN;
  #isr: Interrupt | undefined = undefined;

  /** Starts a clock at 0. `name` is its owner. */
  constructor(timeline: Timeline, name: string, driftPpm = 0) {
    this.#timeline = timeline;
    this.#name = name;
    this.#originUs = timeline.nowUs;
    this.#usPerMs = usPerMs(driftPpm);
  }

  now(): number {
    return (this.#timeline.nowUs - this.#originUs) / this.#usPerMs;
  }

  setAlarm(atMs: number, isr: Interrupt): void {
    const atUs = this.#originUs + usUntilShown(atMs, this.#usPerMs);
    if (!Number.isSafeInteger(atUs)) {
      this.clearAlarm();
      return;
    }
    this.#isr = isr;
    if (this.#handle === NOT_OPEN) this.#handle = this.#timeline.open(this);
    this.#timeline.set(this.#handle, atUs);
  }

  clearAlarm(): void {
    this.#isr = undefined;
    if (this.#handle !== NOT_OPEN) this.#timeline.clear(this.#handle);
  }

  /** Disarms the alarm and returns the clock's place in the queue. The clock can be used again nevertheless. */
  release(): void {
    this.#isr = undefined;
    if (this.#handle === NOT_OPEN) return;
    this.#timeline.close(this.#handle);
    this.#handle = NOT_OPEN;
  }

  /** @internal */
  fire(): void {
    const isr = this.#isr;
    this.#isr = undefined;
    if (isr !== undefined) serve(isr);
  }

  /** @internal */
  describe(): string {
    return `the clock of ${this.#name}`;
  }
}
