/**
 * The tasks that wait for one event: FreeRTOS's event list. Highest priority first, and within one
 * priority whoever came first. Linked through the tasks, so that waiting allocates nothing.
 */

import type { TaskHandle } from './task.ts';

export class WaitList {
  #head: TaskHandle | undefined = undefined;
  #tail: TaskHandle | undefined = undefined;

  /** The task to wake first. */
  get first(): TaskHandle | undefined {
    return this.#head;
  }

  /** vTaskPlaceOnEventList: behind all that have this priority or a higher one. */
  add(task: TaskHandle): void {
    let before = this.#tail;
    while (before !== undefined && before.priority < task.priority) before = before.waitPrev;
    const after = before === undefined ? this.#head : before.waitNext;
    task.waitPrev = before;
    task.waitNext = after;
    task.waitList = this;
    if (before === undefined) this.#head = task;
    else before.waitNext = task;
    if (after === undefined) this.#tail = task;
    else after.waitPrev = task;
  }

  remove(task: TaskHandle): void {
    if (task.waitPrev === undefined) this.#head = task.waitNext;
    else task.waitPrev.waitNext = task.waitNext;
    if (task.waitNext === undefined) this.#tail = task.waitPrev;
    else task.waitNext.waitPrev = task.waitPrev;
    task.waitPrev = undefined;
    task.waitNext = undefined;
    task.waitList = undefined;
  }
}
