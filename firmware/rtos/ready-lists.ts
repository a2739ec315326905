/**
 * The tasks that are ready to run: for each priority FreeRTOS's circular list with its index (list.h,
 * pxReadyTasksLists), and a bit for each list that is not empty (uxTopReadyPriority). Linked through the tasks, so that
 * nothing is allocated.
 */

import { type Task, TaskHandle } from './task.ts';

/** The number of bits in a word. */
export const PRIORITIES_MAX = 32;

/** The ready tasks of one priority (List_t). */
class ReadyList {
  /** The first item behind the list's end marker (xListEnd); undefined: the list is empty. */
  head: TaskHandle | undefined = undefined;
  /**
   * pxIndex: the item that had its turn last, or the one before it if that has left; undefined: the end marker.
   */
  index: TaskHandle | undefined = undefined;

  /**
   * listINSERT_END: before the index, that is where everybody else has a turn first. `first` is the first of a ring of
   * tasks, which come in their order.
   */
  insert(first: TaskHandle): void {
    const { head, index } = this;
    // Before the end marker is behind the last: before the head, which stays the head.
    const next = index ?? head;
    const prev = next?.linePrev;
    const last = first.linePrev;
    if (next !== undefined && prev !== undefined && last !== undefined) {
      prev.lineNext = first;
      first.linePrev = prev;
      last.lineNext = next;
      next.linePrev = last;
    }
    if (head === undefined || head === index) this.head = first;
  }

  /** uxListRemove. */
  unlink(item: TaskHandle): void {
    const { lineNext: next, linePrev: prev } = item;
    if (next === undefined || prev === undefined) return;
    const isHead = this.head === item;
    if (this.index === item) this.index = isHead ? undefined : prev;
    if (isHead) this.head = next === item ? undefined : next;
    prev.lineNext = next;
    next.linePrev = prev;
    item.lineNext = undefined;
    item.linePrev = undefined;
  }

  /** listGET_OWNER_OF_NEXT_ENTRY: from the end marker to the head, or else around. */
  next(): TaskHandle | undefined {
    return (this.index = this.index === undefined ? this.head : this.index.lineNext);
  }
}

/** All of them. This object is the list of one priority itself: a device seldom has tasks of two that are ready. */
export class ReadyLists extends ReadyList {
  /** The priority whose list this object is. */
  #priority = 0;
  /** By their priority, the lists of others that were needed while this one was not empty. */
  #others: (ReadyList | undefined)[] | undefined = undefined;
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
    const first = (this.#occupied & 1) === 0 ? undefined : this.listOf(0)?.head;
    if (first !== undefined) this.makeIdle(first);
  }

  /** prvAddTaskToReadyList: to the end of the line of its priority. */
  add(task: TaskHandle): void {
    task.lineNext = task;
    task.linePrev = task;
    this.addRing(task);
  }

  /** Adds all tasks of a ring, which have one priority, from `first` on. */
  addRing(first: TaskHandle): void {
    const { currentPriority } = first;
    if (currentPriority === 0 && this.#idle === 'due') this.makeIdle(first);
    this.listFor(first).insert(first);
    this.#occupied |= 1 << currentPriority;
  }

  /** Out of the line of its priority. */
  remove(task: TaskHandle): void {
    const list = this.listFor(task);
    list.unlink(task);
    const { head } = list;
    if (head === undefined || (head === this.#idle && head.lineNext === head)) {
      this.#occupied &= ~(1 << task.currentPriority);
    }
  }

  /** taskSELECT_HIGHEST_PRIORITY_TASK: the next in the highest line that has a task; undefined: no task is ready. */
  select(): TaskHandle | undefined {
    if (this.#occupied === 0) return undefined;
    const list = this.listOf(31 - Math.clz32(this.#occupied));
    const item = list?.next();
    // prvIdleTask yields to every other ready task.
    return item === this.#idle ? list?.next() : item;
  }

  private listOf(priority: number): ReadyList | undefined {
    return priority === this.#priority ? this : this.#others?.[priority];
  }

  private listFor(task: TaskHandle): ReadyList {
    const priority = task.currentPriority;
    const list = this.listOf(priority);
    if (list !== undefined) return list;
    if (this.head === undefined && this.#others === undefined) {
      this.#priority = priority;
      return this;
    }
    // An array that grows by itself takes room for 16 more.
    this.#others ??= new Array<ReadyList | undefined>(task.os.maxPriorities).fill(undefined);
    return (this.#others[priority] = new ReadyList());
  }

  /** The idle task is made because of `first`, which comes behind it, or stands before it. */
  private makeIdle(first: TaskHandle): void {
    const task = new TaskHandle(first.os, idle(), 'IDLE', 0, 0);
    task.lineNext = task;
    task.linePrev = task;
    this.#idle = task;
    this.listFor(task).insert(task);
  }
}

/** prvIdleTask, which never gets its turn: `select` knows that all it would do is to yield. */
function* idle(): Task {}
