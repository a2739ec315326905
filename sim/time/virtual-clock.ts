/** A device's clock in virtual time: it goes a little wrong, as quartzes do. */

import type { Clock } from '../../hal/clock.ts';
import type { BoardClock } from '../board/board-clock.ts';
import { type Interrupt, serve } from '../board/interrupts.ts';
import type { Timeline, Waiter } from './event.ts';

const NOT_OPEN = -1;

/**
 * A clock and its alarm. There are several for each of 100,000 devices: few fields, no closures, whole numbers where it
 * can be.
 */
export class VirtualClock implements Clock, BoardClock, Waiter {
  readonly #timeline: Timeline;
  readonly #name: string;
  readonly #originUs: number;
  /**
   * True microseconds in each of its milliseconds. Dividing by it rounds once: so the clock never goes back, and is
   * exact without drift.
   */
  readonly #usPerMs: number;
  #handle = NOT_OPEN;
  #isr: Interrupt | undefined = undefined;

  /**
   * Starts a clock at 0. `name` is its owner. It gains `driftPpm` microseconds in each second of true time, or loses
   * them.
   */
  constructor(timeline: Timeline, name: string, driftPpm = 0) {
    if (!(driftPpm > -1e6 && driftPpm < Infinity)) {
      throw new Error(`a clock with a drift of ${driftPpm} ppm does not go`);
    }
    this.#timeline = timeline;
    this.#name = name;
    this.#originUs = timeline.nowUs;
    // Without drift a small integer, which needs no box.
    this.#usPerMs = driftPpm === 0 ? 1000 : 1000 / (1 + driftPpm * 1e-6);
  }

  now(): number {
    return (this.#timeline.nowUs - this.#originUs) / this.#usPerMs;
  }

  setAlarm(atMs: number, isr: Interrupt): void {
    if (Number.isNaN(atMs)) throw new Error('setAlarm: the time is not a number');
    let elapsedUs = Math.max(0, Math.floor(atMs * this.#usPerMs));
    // The first microsecond at which this clock shows `atMs` or more.
    if (elapsedUs / this.#usPerMs < atMs) elapsedUs += 1;
    const atUs = this.#originUs + elapsedUs;
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
