/** Appointments: any number of calls at given times, on one clock, which has a single alarm. */

import type { Clock } from '../../hal/clock.ts';

interface Appointment {
  readonly atMs: number;
  /** Number of appointments made before. Appointments of one time are called in this order. */
  readonly order: number;
  /** The call; undefined if it was cancelled. Its place is freed when its time comes. */
  run: (() => void) | undefined;
}

export class Agenda {
  readonly #clock: Clock;
  /** A binary heap, the next one first: a plan can have an appointment for each of 100,000 devices. */
  #appointments: Appointment[] = [];
  #made = 0;
  readonly #ring = (): void => this.#keep();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The clock's time, in ms. */
  now(): number {
    return this.#clock.now();
  }

  /**
   * Calls `run` when the clock shows `atMs`; those of one time in the order they were made. Returns what cancels the
   * call.
   */
  at(atMs: number, run: () => void): () => void {
    const appointment: Appointment = { atMs, order: this.#made++, run };
    this.#add(appointment);
    if (this.#appointments[0] === appointment) this.#clock.setAlarm(atMs, this.#ring);
    return () => {
      appointment.run = undefined;
    };
  }

  /** Calls `run` after `delayMs`. */
  after(delayMs: number, run: () => void): () => void {
    return this.at(this.now() + delayMs, run);
  }

  /** Forgets everything. */
  clear(): void {
    this.#appointments = [];
    this.#clock.clearAlarm();
  }

  #keep(): void {
    const now = this.now();
    try {
      for (let next = this.#next(); next !== undefined && next.atMs <= now; next = this.#next()) {
        this.#removeFirst();
        next.run?.();
      }
    } finally {
      // Also when one has thrown: the others are kept.
      const next = this.#next();
      if (next !== undefined) this.#clock.setAlarm(next.atMs, this.#ring);
    }
  }

  /** The first that was not cancelled. */
  #next(): Appointment | undefined {
    while (this.#appointments[0] !== undefined && this.#appointments[0].run === undefined) this.#removeFirst();
    return this.#appointments[0];
  }

  #add(appointment: Appointment): void {
    const heap = this.#appointments;
    let index = heap.push(appointment) - 1;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || isBefore(parent, appointment)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = appointment;
  }

  #removeFirst(): void {
    const heap = this.#appointments;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let childIndex = 2 * index + 1;
      const right = heap[childIndex + 1];
      let child = heap[childIndex];
      if (child !== undefined && right !== undefined && isBefore(right, child)) {
        child = right;
        childIndex++;
      }
      if (child === undefined || isBefore(last, child)) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = last;
  }
}

function isBefore(a: Appointment, b: Appointment): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
