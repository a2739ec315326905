/**
 * A clock that a test moves: it jumps from alarm to alarm, and keeps the rules of the HAL's clock. With it, a
 * device with a kernel on that clock.
 */

import { Kernel, type KernelConfig } from '../../firmware/rtos/index.ts';
import type { Clock } from '../../hal/clock.ts';

/** More alarms than this without time passing are taken for a loop that never ends. */
const ALARMS_PER_INSTANT_MAX = 1_000_000;

export class ManualClock implements Clock {
  /** Time of the armed alarm. */
  alarmMs: number | undefined = undefined;
  #nowMs: number;
  #isr: () => void = () => {};

  constructor(nowMs = 0) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  setAlarm(atMs: number, isr: () => void): void {
    if (!Number.isFinite(atMs)) throw new RangeError(`an alarm at ${atMs} ms is no time`);
    this.alarmMs = atMs;
    this.#isr = isr;
  }

  clearAlarm(): void {
    this.alarmMs = undefined;
  }

  /** Lets time pass while the processor is busy, so that the alarm has to wait. */
  spend(ms: number): void {
    this.#nowMs += ms;
  }

  /** Lets time pass. Every alarm fires at its moment: not before it, and not twice. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    let alarms = 0;
    while (this.alarmMs !== undefined && this.alarmMs <= endMs) {
      if (this.alarmMs > this.#nowMs) alarms = 0;
      else if (++alarms > ALARMS_PER_INSTANT_MAX) throw new Error(`alarm upon alarm at ${this.#nowMs} ms`);
      this.#nowMs = Math.max(this.#nowMs, this.alarmMs);
      this.#fire();
    }
    this.#nowMs = Math.max(this.#nowMs, endMs);
  }

  /** Advances until no alarm is armed. Gives up after `limitMs`, for a device that never sleeps for good. */
  runUntilIdle(limitMs = 3_600_000): void {
    const endMs = this.#nowMs + limitMs;
    while (this.alarmMs !== undefined) {
      if (this.alarmMs > endMs) throw new Error(`not idle after ${limitMs} ms`);
      this.advance(Math.max(this.alarmMs - this.#nowMs, 0));
    }
  }

  /** Fires the alarm before its time, which a port must never do. */
  fireEarly(): void {
    this.#fire();
  }

  #fire(): void {
    this.alarmMs = undefined;
    this.#isr();
  }
}

/**
 * A kernel on a clock that starts at 0. What a task throws, an expectation above all, comes out where the clock is
 * moved.
 */
export function device(config: KernelConfig = {}): { clock: ManualClock; os: Kernel; log: string[] } {
  const clock = new ManualClock();
  return { clock, os: new Kernel(clock, config), log: [] };
}
