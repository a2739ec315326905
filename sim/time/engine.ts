/** The engine of virtual time: what is due is done, one after another, and the time between is skipped. */

import type { Timeline, Waiter } from './event.ts';
import { EventQueue, NONE } from './event-queue.ts';

/**
 * Limit of events at one instant, so that a loop that lets no time pass ends within seconds. A fleet that is switched
 * on at one instant must not reach it: for each open appointment ten more events are allowed.
 */
const EVENTS_AT_ONCE = 1_000_000;
const EVENTS_AT_ONCE_EACH = 10;

/** Events at one instant after this number are counted by their owner. */
const SUSPECT_EVENTS = 5000;

/**
 * Outcome of a run: the time was reached; somebody called `stop`; or the allowed number of events was done, and the
 * time may not be reached yet.
 */
export type RunOutcome = 'reached' | 'stopped' | 'more';

export class Engine implements Timeline {
  readonly #queue = new EventQueue();
  #isRunning = false;
  #halt: 'stopped' | 'more' | undefined = undefined;
  #suspects: Suspects | undefined = undefined;

  get nowUs(): number {
    return this.#queue.nowUs;
  }

  /** Nothing is due before this; Infinity: nothing at all. It may be early: the waiter looks again then. */
  get nextUs(): number {
    return this.#queue.nextUs;
  }

  /** Number of open places in the queue, with or without a due time: what a world has lent out and must get back. */
  get waiterCount(): number {
    return this.#queue.openCount;
  }

  open(waiter: Waiter): number {
    return this.#queue.open(waiter);
  }

  close(handle: number): void {
    this.#queue.close(handle);
  }

  set(handle: number, atUs: number): void {
    this.#queue.set(handle, atUs);
  }

  clear(handle: number): void {
    this.#queue.clear(handle);
  }

  /**
   * Calls `run` at `atUs` (now, where that is past), unless what this gives is called before; `what` names it in error
   * messages.
   */
  at(atUs: number, run: () => void, what: string): () => void {
    const call = new Call(this, run, what);
    call.handle = this.open(call);
    this.set(call.handle, atUs);
    return () => call.cancel();
  }

  /**
   * Does all that is due by `endUs`, then it is `endUs`; at once if that is past. True: it was stopped before.
   * Throws an Error when events follow one another without end and no time passes; and what a waiter throws. It can go
   * on after that.
   */
  runUntil(endUs: number): boolean {
    return this.runSome(endUs, Infinity) === 'stopped';
  }

  /** Runs as `runUntil` does, but at most `eventsMax` events; with 1, a step. */
  runSome(endUs: number, eventsMax: number): RunOutcome {
    if (!Number.isSafeInteger(endUs)) throw new Error(`a run was to end at ${endUs} us, not a whole number up to 2^53`);
    if (this.#isRunning) throw new Error('a run was begun from within a run');
    const queue = this.#queue;
    if (endUs < queue.nowUs) return 'reached';
    this.#isRunning = true;
    this.#halt = undefined;
    try {
      for (let count = 0; count < eventsMax; count++) {
        const handle = queue.take(endUs);
        if (handle === NONE) return 'reached';
        const waiter = queue.waiter(handle);
        if (queue.takenAtOnce > EVENTS_AT_ONCE) this.#suspect(waiter);
        waiter?.fire(handle);
        if (this.#halt !== undefined) return this.#halt;
      }
      return 'more';
    } finally {
      this.#isRunning = false;
    }
  }

  /**
   * Runs until `condition` is true or until `limitUs`. The condition is checked before the first event and after each.
   * Returns whether it is true.
   */
  until(condition: () => boolean, limitUs: number): boolean {
    while (!condition()) {
      if (this.runSome(limitUs, 1) !== 'more') return condition();
    }
    return true;
  }

  /**
   * Ends the run after the present event. For calls from within a run. Due events stay due; a later run continues from
   * here.
   */
  stop(): void {
    this.#halt = 'stopped';
  }

  /** Ends `runSome` after the present event, with `more`. For calls from within a run, by those who continue it. */
  pause(): void {
    this.#halt ??= 'more';
  }

  /** There have been very many events at this instant. */
  #suspect(waiter: Waiter | undefined): void {
    const { nowUs, openCount, takenAtOnce } = this.#queue;
    if (this.#suspects?.atUs !== nowUs) {
      this.#suspects = { atUs: nowUs, eventsMax: EVENTS_AT_ONCE + EVENTS_AT_ONCE_EACH * openCount, counts: new Map() };
    }
    const { eventsMax, counts } = this.#suspects;
    if (takenAtOnce <= eventsMax) return;
    const who = waiter?.describe() ?? 'nobody';
    counts.set(who, (counts.get(who) ?? 0) + 1);
    if (takenAtOnce < eventsMax + SUSPECT_EVENTS) return;
    const [culprit, culpritCount] = [...counts].reduce((most, next) => (next[1] > most[1] ? next : most));
    // For who calls it anyway: the count begins again.
    this.#queue.takenAtOnce = 0;
    this.#suspects = undefined;
    throw new Error(
      `time stands still at ${nowUs / 1e6} s: ${takenAtOnce} events without any time passing, ` +
        `${culpritCount} of the last ${SUSPECT_EVENTS} by ${culprit}`,
    );
  }
}

/**
 * Owners of too many events at one instant, with their counts. They are told apart by their own description, because
 * each call of `at` makes another waiter.
 */
interface Suspects {
  readonly atUs: number;
  readonly eventsMax: number;
  readonly counts: Map<string, number>;
}

/** One call at a time. */
class Call implements Waiter {
  handle = NONE;
  readonly #engine: Engine;
  readonly #run: () => void;
  readonly #what: string;

  constructor(engine: Engine, run: () => void, what: string) {
    this.#engine = engine;
    this.#run = run;
    this.#what = what;
  }

  fire(): void {
    this.cancel();
    this.#run();
  }

  describe(): string {
    return this.#what;
  }

  cancel(): void {
    if (this.handle === NONE) return;
    this.#engine.close(this.handle);
    this.handle = NONE;
  }
}
