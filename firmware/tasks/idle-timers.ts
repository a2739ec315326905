/**
 * Idle timers of one end of a connection, as in Netty's IdleStateHandler: nothing was read for a time, nothing was
 * written, or neither. Each timer fires again after its period while the connection stays idle. Time is an argument.
 */

/** Periods in ms; 0: off. */
export interface IdlePeriods {
  readonly readerIdleMs: number;
  readonly writerIdleMs: number;
  readonly allIdleMs: number;
}

export type Idle = 'reader' | 'writer' | 'all';

export class IdleTimers {
  readonly #periods: IdlePeriods;
  #readMs = 0;
  #writtenMs = 0;
  /** Last time that each timer fired. */
  #readerMs = 0;
  #writerMs = 0;
  #allMs = 0;

  constructor(periods: IdlePeriods) {
    this.#periods = periods;
  }

  /** The connection stands: nobody has been idle yet. */
  start(nowMs: number): void {
    this.#readMs = nowMs;
    this.#writtenMs = nowMs;
    this.#readerMs = nowMs;
    this.#writerMs = nowMs;
    this.#allMs = nowMs;
  }

  /** Bytes of any kind came. */
  read(nowMs: number): void {
    this.#readMs = nowMs;
  }

  /** A frame was written, all of it. */
  wrote(nowMs: number): void {
    this.#writtenMs = nowMs;
  }

  /** Returns the time of the next timer to fire if nothing is read or written until then; Infinity: never. */
  nextMs(): number {
    return Math.min(this.#readerDueMs(), this.#writerDueMs(), this.#allDueMs());
  }

  /** Takes the one that fires by now, and lets it wait for another period; undefined: there is none, or no other. */
  take(nowMs: number): Idle | undefined {
    if (nowMs >= this.#readerDueMs()) {
      this.#readerMs = nowMs;
      return 'reader';
    }
    if (nowMs >= this.#writerDueMs()) {
      this.#writerMs = nowMs;
      return 'writer';
    }
    if (nowMs >= this.#allDueMs()) {
      this.#allMs = nowMs;
      return 'all';
    }
    return undefined;
  }

  #readerDueMs(): number {
    return dueMs(Math.max(this.#readMs, this.#readerMs), this.#periods.readerIdleMs);
  }

  #writerDueMs(): number {
    return dueMs(Math.max(this.#writtenMs, this.#writerMs), this.#periods.writerIdleMs);
  }

  #allDueMs(): number {
    return dueMs(Math.max(this.#readMs, this.#writtenMs, this.#allMs), this.#periods.allIdleMs);
  }
}

function dueMs(sinceMs: number, periodMs: number): number {
  return periodMs === 0 ? Infinity : sinceMs + periodMs;
}
