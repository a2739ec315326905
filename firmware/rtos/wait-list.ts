/**
 * The tasks that wait for one event: FreeRTOS's event list. Highest priority first, and within one
 * priority the task that came first. Linked through the tasks, so that waiting allocates nothing.
 */

import type { TaskHandle } from './task.ts';

export class WaitList {
  #head: TaskHandle | undefined = undefined;
  #tail: TaskHandle | undefined = undefined;
  /** `disturbed`: by priority once, but the priority of a task has changed since, while its place did not. */
  #order: 'arrival' | 'priority' | 'disturbed';

  /** Orders tasks by priority (vTaskPlaceOnEventList), or by arrival alone (vTaskPlaceOnUnorderedEventList). */
  constructor(order: 'arrival' | 'priority' = 'priority') {
    this.#order = order;
  }

  /** @internal The task to wake first. */
  get first(): TaskHandle | undefined {
    return this.#head;
  }

  /** @internal */
  add(task: TaskHandle): void {
    const before = this.#order === 'arrival' ? this.#tail : this.placeByPriority(task.eventPriority);
    const after = before === undefined ? this.#head : before.waitNext;
    task.waitPrev = before;
    task.waitNext = after;
    task.waitList = this;
    if (before === undefined) this.#head = task;
    else before.waitNext = task;
    if (after === undefined) this.#tail = task;
    else after.waitPrev = task;
  }

  /** @internal */
  remove(task: TaskHandle): void {
    if (task.waitPrev === undefined) this.#head = task.waitNext;
    else task.waitPrev.waitNext = task.waitNext;
    if (task.waitNext === undefined) this.#tail = task.waitPrev;
    else task.waitNext.waitPrev = task.waitPrev;
    task.waitPrev = undefined;
    task.waitNext = undefined;
    task.waitList = undefined;
  }

  /** @internal The priority of a task in the list has changed. It keeps its place (vTaskPrioritySet). */
  disturb(): void {
    if (this.#order === 'priority') this.#order = 'disturbed';
  }

  /**
   * Returns the task behind which a task of this priority is placed: the last of those with this priority or a higher
   * one.
   */
  private placeByPriority(priority: number): TaskHandle | undefined {
    let before = this.#tail;
    if (this.#order === 'priority' || before === undefined) {
      this.#order = 'priority';
      while (before !== undefined && before.eventPriority < priority) before = before.waitPrev;
      return before;
    }
    // vListInsert looks from the head, up to the first that is lower; only here that finds another place.
    let after = this.#head;
    while (after !== undefined && after.eventPriority >= priority) after = after.waitNext;
    return after === undefined ? before : after.waitPrev;
  }
}
