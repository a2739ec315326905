/**
 * The way a call blocks. FreeRTOS's blocking calls are loops: try, and if that fails, sleep until something happens,
 * and try again. Here `attempt` is the body of that loop, and `yield*` turns it. The running task's handle is itself
 * the iterator that `yield*` drives, so that a call, a switch and a wake-up allocate nothing.
 */

import type { TaskHandle } from './task.ts';

/**
 * Result of a blocking call, as in `const item = yield* queue.receive(timeout)`. Use `yield*` on it at once and only
 * once; the kernel throws, naming the task, if a call was made without `yield*`.
 */
export interface Blocking<T> {
  [Symbol.iterator](): Iterator<void, T, void>;
}

/** Value that `attempt` returns if the task has to wait. */
export const BLOCKED = Symbol('blocked');

/** The operations that a task can be in during a blocking call; traces and task lists show them. */
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
   * Tries the operation in `task.operation`. Returns the call's result, or puts the task to sleep and returns BLOCKED.
   * `first` is true at the start of the call, and false when the task was woken: by the event, by its timeout, by
   * abortDelay, or by a resume after a suspend. The object itself finds out which of these it was.
   */
  attempt(task: TaskHandle, first: boolean): unknown;
}

/** The iterator protocol's "not yet". */
export const PARKED: IteratorYieldResult<void> = Object.freeze({ done: false, value: undefined });
