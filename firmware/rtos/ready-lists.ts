/**
 * The tasks that are ready to run: for each priority FreeRTOS's circular list with its index (list.h,
 * pxReadyTasksLists), and a bit for each list that is not empty (uxTopReadyPriority). Linked through the tasks, so that
 * nothing is allocated.
 */

import { ReadyListItem, TaskHandle } from './task.ts';

/** The number of bits in a word. */
export const PRIORITIES_MAX = 32;

export class ReadyLists {
  /**
   * Two entries for each priority, up to the highest that a task ever had: there are thousands of devices.
   * At 2p: the first item behind the list's end marker (xListEnd); undefined: the list is empty.
   * At 2p + 1: pxIndex, the item that had its turn last, or the one before it if that has left; undefined: the end
   * marker.
   */
  #lists: (ReadyListItem | undefined)[] = [];
  /**
   * The idle task stands in the line of priority 0 like any other; all it does there is to yield. `due`: it stands
   * there alone, and is made with the first who comes; undefined: the scheduler has not started.
   */
  #idle: ReadyListItem | 'due' | undefined = undefined;
  /** A bit for each priority at which a task is ready; the idle task does not count. */
  #occupied = 0;

  /** True if only the idle task is ready. */
  get isEmpty(): boolean {
    return this.#occupied === 0;
  }

  /** vTaskStartScheduler makes the idle task, behind those that main has made. */
  addIdle(): void {
    this.#idle = 'due';
    if (this.#lists[0] !== undefined) this.#makeIdle();
  }

  /** prvAddTaskToReadyList: to the end of the line of its priority. */
  add(task: TaskHandle): void {
    if (task.currentPriority === 0 && this.#idle === 'due') this.#makeIdle();
    this.#insert(task, task.currentPriority);
    this.#occupied |= 1 << task.currentPriority;
  }

  /** uxListRemove. */
  remove(task: TaskHandle): void {
    const head = 2 * task.currentPriority;
    const index = head + 1;
    const next = task.readyNext;
    const prev = task.readyPrev;
    if (next === undefined || prev === undefined) return;
    const isHead = this.#lists[head] === task;
    if (this.#lists[index] === task) this.#lists[index] = isHead ? undefined : prev;
    if (next === task) {
      this.#lists[head] = undefined;
      this.#occupied &= ~(1 << task.currentPriority);
    } else {
      if (isHead) this.#lists[head] = next;
      prev.readyNext = next;
      next.readyPrev = prev;
      if (next === this.#idle && prev === this.#idle) this.#occupied &= ~1;
    }
    task.readyNext = undefined;
    task.readyPrev = undefined;
  }

  /** taskSELECT_HIGHEST_PRIORITY_TASK: the next in the highest line that has a task; undefined: no task is ready. */
  select(): TaskHandle | undefined {
    if (this.#occupied === 0) return undefined;
    const head = 2 * (31 - Math.clz32(this.#occupied));
    const index = this.#lists[head + 1];
    // listGET_OWNER_OF_NEXT_ENTRY: from the end marker to the head, or else around.
    let item = index === undefined ? this.#lists[head] : index.readyNext;
    // prvIdleTask yields to whoever else is ready.
    if (item === this.#idle) item = item?.readyNext;
    this.#lists[head + 1] = item;
    return item instanceof TaskHandle ? item : undefined;
  }

  /** listINSERT_END: before the index, that is where everybody else has a turn first. */
  #insert(item: ReadyListItem, priority: number): void {
    this.#makeRoom(priority);
    const head = this.#lists[2 * priority];
    const index = this.#lists[2 * priority + 1];
    // Before the end marker is behind the last: before the head, which stays the head.
    const next = index ?? head;
    const prev = next?.readyPrev;
    if (next === undefined || prev === undefined) {
      item.readyNext = item;
      item.readyPrev = item;
    } else {
      item.readyNext = next;
      item.readyPrev = prev;
      prev.readyNext = item;
      next.readyPrev = item;
    }
    if (head === undefined || head === index) this.#lists[2 * priority] = item;
  }

  #makeIdle(): void {
    this.#idle = new ReadyListItem();
    this.#insert(this.#idle, 0);
  }

  #makeRoom(priority: number): void {
    const { length } = this.#lists;
    if (length > 2 * priority) return;
    // An array that grows by itself takes room for 16 more.
    const lists = new Array<ReadyListItem | undefined>(2 * priority + 2).fill(undefined);
    for (let i = 0; i < length; i++) lists[i] = this.#lists[i];
    this.#lists = lists;
  }
}
