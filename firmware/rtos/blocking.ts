/**
 * How a call blocks. FreeRTOS's blocking calls are loops: try, and if it cannot be done, sleep until
 * something happens, and try again. Here `attempt` is the body of that loop, and `yield*` turns it:
 * the running task's handle is itself the iterator that `yield*` drives, so that a call, a switch and
 * a wake-up allocate nothing.
 */

import type { TaskHandle } from './task.ts';

/**
 * What a blocking call gives: `const item = yield* queue.receive(timeout)`. `yield*` it at once and
 * once; the kernel throws, naming the task, when a call was made without.
 */
export interface Blocking<T> {
  [Symbol.iterator](): Iterator<void, T, void>;
}

/** What `attempt` gives when the task has to wait. */
export const BLOCKED = Symbol('blocked');

/** What a task can be busy with in one of its blocking calls; shown by traces and task lists. */
export type Operation =
  | 'delay'
  | 'suspend'
  | 'delete'
  | 'yield'
  | 'notify-take'
  | 'notify-wait'
  | 'send'
  | 'send-to-front'
  | 'receive'
  | 'peek'
  | 'select'
  | 'take'
  | 'wait-bits'
  | 'sync';

/** A kernel object that tasks can block on. */
export interface Waitable {
  /**
   * Tries what `task.operation` says. Gives the call's result, or puts the task to sleep and gives
   * BLOCKED. `first` is true when the call starts, false when the task was woken: by the event, by its
   * timeout, by abortDelay, or by a resume after a suspend; which of them, the object finds out by looking.
   */
  attempt(task: TaskHandle, first: boolean): unknown;
}

/** How the iterator protocol says "not yet". */
export const PARKED: IteratorYieldResult<void> = Object.freeze({ done: false, value: undefined });
