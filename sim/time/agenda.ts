/** What shall happen when: any number of appointments on one clock, which has but one alarm. */

import type { Clock } from '../../hal/clock.ts';
import { TimedHeap, type Timed } from '../../firmware/rtos/timed-heap.ts';

class Appointment implements Timed {
  /** In ms: here the heap, which is the kernel's, counts the clock's milliseconds in place of ticks. */
  wakeTick = 0;
  wakeOrder = 0;
  heapIndex = -1;
  readonly run: () => void;

  constructor(run: () => void) {
    this.run = run;
  }
}

export class Agenda {
  readonly #clock: Clock;
  readonly #appointments = new TimedHeap<Appointment>();
  readonly #ring = (): void => this.#keep();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The clock's time, in ms. */
  now(): number {
    return this.#clock.now();
  }

  /** Calls `run` when the clock shows `atMs`; those of one time in the order they were made. Gives what cancels it. */
  at(atMs: number, run: () => void): () => void {
    const appointment = new Appointment(run);
    this.#appointments.add(appointment, atMs);
    if (this.#appointments.first === appointment) this.#clock.setAlarm(atMs, this.#ring);
    return () => this.#appointments.remove(appointment);
  }

  /** Calls `run` after `delayMs`. */
  after(delayMs: number, run: () => void): () => void {
    return this.at(this.now() + delayMs, run);
  }

  /** Forgets everything. */
  clear(): void {
    for (let next = this.#appointments.first; next !== undefined; next = this.#appointments.first) {
      this.#appointments.remove(next);
    }
    this.#clock.clearAlarm();
  }

  #keep(): void {
    const now = this.now();
    try {
      for (
        let next = this.#appointments.first;
        next !== undefined && next.wakeTick <= now;
        next = this.#appointments.first
      ) {
        this.#appointments.remove(next);
        next.run();
      }
    } finally {
      // Also when one has thrown: the others are kept.
      const next = this.#appointments.first;
      if (next !== undefined) this.#clock.setAlarm(next.wakeTick, this.#ring);
    }
  }
}
