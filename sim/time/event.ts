/**
 * The interface between the engine and those it calls. It stands apart, so that a host, a cable or a clock needs to
 * know nothing else of the engine.
 */

/** Someone who waits for a time. */
export interface Waiter {
  /** The time has come. `handle` is the one that was set, for those who have several. */
  fire(handle: number): void;
  /** Returns who this is, for the message about a loop that lets no time pass. */
  describe(): string;
}

/** Virtual time, and calls at a time. Times are whole microseconds since the world began. */
export interface Timeline {
  readonly nowUs: number;
  /** A place in the queue for one appointment of `waiter`; nothing is due yet. It is kept until it is given back. */
  open(waiter: Waiter): number;
  /** Returns the place to the queue. */
  close(handle: number): void;
  /**
   * `fire` is called at `atUs` (now, where that is past), once; replaces what was set. Those of one time come in the
   * order they were set.
   */
  set(handle: number, atUs: number): void;
  /** Nothing is due any more. */
  clear(handle: number): void;
}
