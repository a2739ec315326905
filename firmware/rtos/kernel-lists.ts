/**
 * The lists that tasks stand in, besides the ready ones: all tasks there are, and those that sleep for a time
 * (pxDelayedTaskList). The kernel is built on them instead of holding them, as each of 100,000 devices would hold one
 * object more.
 */

import type { TaskHandle } from './task.ts';
import { OUT, TimedHeap } from './timed-heap.ts';

export class KernelLists {
  /** The task made last. */
  #newest: TaskHandle | undefined = undefined;
  /** The only task that sleeps, until there are two for the first time: most devices never have them. */
  #sleeper: TaskHandle | undefined = undefined;
  #sleepers: TimedHeap<TaskHandle> | undefined = undefined;

  /** uxTaskGetSystemState: every task that is not deleted, in the order they were made. */
  tasks(): TaskHandle[] {
    const tasks: TaskHandle[] = [];
    for (let task = this.#newest; task !== undefined; task = task.allNext) tasks.push(task);
    return tasks.reverse();
  }

  /** xTaskGetHandle: the first task made with this name. */
  getTask(name: string): TaskHandle | undefined {
    return this.tasks().find((task) => task.name === name);
  }

  protected enlist(task: TaskHandle): void {
    task.allNext = this.#newest;
    if (this.#newest !== undefined) this.#newest.allPrev = task;
    this.#newest = task;
  }

  protected forget(task: TaskHandle): void {
    if (task.allPrev === undefined) this.#newest = task.allNext;
    else task.allPrev.allNext = task.allNext;
    if (task.allNext !== undefined) task.allNext.allPrev = task.allPrev;
    // Or else a handle that somebody keeps would hold every task deleted since.
    task.allNext = undefined;
    task.allPrev = undefined;
  }

  /** The task that wakes next. */
  protected get firstSleeper(): TaskHandle | undefined {
    return this.#sleepers === undefined ? this.#sleeper : this.#sleepers.first;
  }

  /** prvAddCurrentTaskToDelayedList: sleeps until its `wakeTick`. */
  protected addSleeper(task: TaskHandle): void {
    if (this.#sleepers === undefined) {
      const other = this.#sleeper;
      if (other === undefined) {
        this.#sleeper = task;
        task.heapIndex = 0;
        return;
      }
      this.#sleepers = new TimedHeap<TaskHandle>();
      this.#sleepers.add(other, other.wakeTick, kindOf(other));
      this.#sleeper = undefined;
    }
    this.#sleepers.add(task, task.wakeTick, kindOf(task));
  }

  /** Does nothing if the task does not sleep for a time. */
  protected removeSleeper(task: TaskHandle): void {
    if (this.#sleepers !== undefined) this.#sleepers.remove(task);
    else if (this.#sleeper === task) {
      this.#sleeper = undefined;
      task.heapIndex = OUT;
    }
  }

  /** The priority of a task that does not run has changed. */
  protected disturbSleeper(task: TaskHandle): void {
    if (task.heapIndex !== OUT) this.#sleepers?.disturb();
  }

  /**
   * Removes `first`, which wakes next, and all tasks that wake behind it, if they have its priority and none of them
   * waits for an event. They are a ring then, and no other task of the ring is touched. Otherwise removes nothing and
   * returns false.
   */
  protected removeSleepersLike(first: TaskHandle): boolean {
    if (this.#sleepers?.isSorted !== true || first.waitList !== undefined) return false;
    this.#sleepers.removeQueue(first);
    return true;
  }
}

/** Tasks of one kind sleep in one queue: those in a delay alone by their priorities, those that wait for an event. */
function kindOf(task: TaskHandle): number {
  return task.waitList === undefined ? task.currentPriority : -1;
}
