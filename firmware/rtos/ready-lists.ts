/**
 * The tasks that are ready to run: for each priority FreeRTOS's circular list with its index (list.h,
 * pxReadyTasksLists), and a bit for each list that is not empty (uxTopReadyPriority). Linked through the tasks, so that
 * nothing is allocated.
 */

import type { Kernel } from './kernel.ts';
import { type Task, TaskHandle } from './task.ts';

/** The number of bits in a word. */
export const PRIORITIES_MAX = 32;

export class ReadyLists {
  /**
   * Two entries for each priority, up to the highest that a task ever had: there are thousands of devices.
   * At 2p: the first item behind the list's end marker (xListEnd); undefined: the list is empty.
   * At 2p + 1: pxIndex, the item that had its turn last, or the one before it if that has left; undefined: the end
   * marker.
   */
  #lists: (TaskHandle | undefined)[] = [];
  /**
   * The idle task stands in the line of priority 0 like any other; all it does there is to yield. `due`: it stands
   * there alone, and is made with the first who comes; undefined: the scheduler has not started.
   */
  #idle: TaskHandle | 'due' | undefined = undefined;
  /** A bit for each priority at which a task is ready; the idle task does not count. */
  #occupied = 0;

  /** True if only the idle task is ready. */
  get isEmpty(): boolean {
    return this.#occupied === 0;
  }

  /** vTaskStartScheduler makes the idle task, behind those that main has made. */
  addIdle(): void {
    this.#idle = 'due';
    const first = this.#lists[0];
    if (first !== undefined) this.makeIdle(first.os);
  }

  /** prvAddTaskToReadyList: to the end of the line of its priority. */
  add(task: TaskHandle): void {
    if (task.currentPriority === 0 && this.#idle === 'due') this.makeIdle(task.os);
    this.insert(task, task.currentPriority);
    this.#occupied |= 1 << task.currentPriority;
  }

  /** uxListRemove. */
  remove(task: TaskHandle): void {
    const head = 2 * task.currentPriority;
    const index = head + 1;
    const next = task.lineNext;
    const prev = task.linePrev;
    if (next === undefined || prev === undefined) return;
    const isHead = this.#lists[head] === task;
    if (this.#lists[index] === task) this.#lists[index] = isHead ? undefined : prev;
    if (next === task) {
      this.#lists[head] = undefined;
      this.#occupied &= ~(1 << task.currentPriority);
    } else {
      if (isHead) this.#lists[head] = next;
      prev.lineNext = next;
      next.linePrev = prev;
      if (next === this.#idle && prev === this.#idle) this.#occupied &= ~1;
    }
    task.lineNext = undefined;
    task.linePrev = undefined;
  }

  /** taskSELECT_HIGHEST_PRIORITY_TASK: the next in the highest line that has a task; undefined: no task is ready. */
  select(): TaskHandle | undefined {
    if (this.#occupied === 0) return undefined;
    const head = 2 * (31 - Math.clz32(this.#occupied));
    const index = this.#lists[head + 1];
    // listGET_OWNER_OF_NEXT_ENTRY: from the end marker to the head, or else around.
    let item = index === undefined ? this.#lists[head] : index.lineNext;
    // prvIdleTask yields to whoever else is ready.
    if (item === this.#idle) item = item?.lineNext;
    this.#lists[head + 1] = item;
    return item;
  }

  /** listINSERT_END: before the index, that is where everybody else has a turn first. */
  private insert(item: TaskHandle, priority: number): void {
    this.makeRoom(priority);
    const head = this.#lists[2 * priority];
    const index = this.#lists[2 * priority + 1];
    // Before the end marker is behind the last: before the head, which stays the head.
    const next = index ?? head;
    const prev = next?.linePrev;
    if (next === undefined || prev === undefined) {
      item.lineNext = item;
      item.linePrev = item;
    } else {
      item.lineNext = next;
      item.linePrev = prev;
      prev.lineNext = item;
      next.linePrev = item;
    }
    if (head === undefined || head === index) this.#lists[2 * priority] = item;
  }

  private makeIdle(os: Kernel): void {
    this.#idle = new TaskHandle(os, idle(), 'IDLE', 0, 0);
    this.insert(this.#idle, 0);
  }

  private makeRoom(priority: number): void {
    const { length } = this.#lists;
    if (length > 2 * priority) return;
    // An array that grows by itself takes room for 16 more.
    const lists = new Array<TaskHandle | undefined>(2 * priority + 2).fill(undefined);
    for (let i = 0; i < length; i++) lists[i] = this.#lists[i];
    this.#lists = lists;
  }
}

/** prvIdleTask, which never gets its turn: `select` knows that all it would do is to yield. */
function* idle(): Task {}
