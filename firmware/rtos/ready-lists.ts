/**
 * The tasks that are ready to run: a ring for each priority, by the one to run next, and a bit for each ring
 * that is not empty (pxReadyTasksLists, uxTopReadyPriority). Linked through the tasks, so that nothing is allocated.
 */

import type { TaskHandle } from './task.ts';

/** As many as the bits of a word. */
export const PRIORITIES_MAX = 32;

export class ReadyLists {
  readonly #next: (TaskHandle | undefined)[];
  #occupied = 0;

  constructor(priorities: number) {
    this.#next = new Array<TaskHandle | undefined>(priorities).fill(undefined);
  }

  get isEmpty(): boolean {
    return this.#occupied === 0;
  }

  /** The task to run next: of the highest priority, whose turn it is (taskSELECT_HIGHEST_PRIORITY_TASK). */
  get first(): TaskHandle | undefined {
    return this.#next[31 - Math.clz32(this.#occupied)];
  }

  /** To the end of the line of its priority. */
  add(task: TaskHandle): void {
    const priority = task.currentPriority;
    const next = this.#next[priority];
    if (next === undefined) {
      task.readyNext = task;
      task.readyPrev = task;
      this.#next[priority] = task;
      this.#occupied |= 1 << priority;
    } else {
      const last = next.readyPrev;
      task.readyNext = next;
      task.readyPrev = last;
      if (last !== undefined) last.readyNext = task;
      next.readyPrev = task;
    }
  }

  remove(task: TaskHandle): void {
    const priority = task.currentPriority;
    const next = task.readyNext;
    const prev = task.readyPrev;
    if (next === task || next === undefined || prev === undefined) {
      this.#next[priority] = undefined;
      this.#occupied &= ~(1 << priority);
    } else {
      prev.readyNext = next;
      next.readyPrev = prev;
      if (this.#next[priority] === task) this.#next[priority] = next;
    }
    task.readyNext = undefined;
    task.readyPrev = undefined;
  }

  /** The task has had its turn: to the end of its line, unless a change of its priority has put it at the end of one already. */
  rotate(task: TaskHandle): void {
    const priority = task.currentPriority;
    if (this.#next[priority] === task) this.#next[priority] = task.readyNext;
  }
}
