/**
 * Mutexes, plain and recursive. The holder inherits the priority of the highest task that waits for it, until it
 * holds no mutex any more: so a task of middling priority cannot keep a high one waiting.
 */

import { BLOCKED, type Blocking } from './blocking.ts';
import type { Kernel } from './kernel.ts';
import type { TaskHandle } from './task.ts';
import { MAX_DELAY } from './ticks.ts';
import { WaitList } from './wait-list.ts';

/** xSemaphoreCreateMutex. Not for interrupts: they have no priority to lend. */
export class Mutex {
  readonly #os: Kernel;
  #holder: TaskHandle | undefined = undefined;
  readonly #takers = new WaitList();

  constructor(os: Kernel) {
    this.#os = os;
  }

  /** xSemaphoreGetMutexHolder. */
  get holder(): TaskHandle | undefined {
    return this.#holder;
  }

  /** xSemaphoreTake: waits until nobody holds it, `timeout` ticks at most. False after a timeout. */
  take(timeout = MAX_DELAY): Blocking<boolean> {
    return this.#os.call(this, 'take', timeout);
  }

  /** xSemaphoreGive. False when nobody holds it; that another task holds it is a mistake in the program, and throws. */
  give(): boolean {
    const holder = this.#holder;
    if (holder === undefined) return false;
    if (holder !== this.#os.runningTask) {
      throw new Error(`only its holder, task ${holder.name}, can give a mutex; ${this.#caller()} tried`);
    }
    this.#holder = undefined;
    // xTaskPriorityDisinherit: only when it gives the last mutex it holds does a task fall back to its own priority.
    const inherits = holder.priority !== holder.basePriority;
    if (--holder.mutexesHeld === 0 && inherits) this.#os.changePriority(holder, holder.basePriority);
    this.#os.wake(this.#takers);
    return true;
  }

  /** @internal */
  attempt(task: TaskHandle, first: boolean): boolean | typeof BLOCKED {
    const holder = this.#holder;
    if (holder === undefined) {
      this.#holder = task;
      task.mutexesHeld++;
      return true;
    }
    if (this.#os.timedOut(task, first)) {
      if (!first && task.argument !== 0) this.#disinheritAfterTimeout(holder, task);
      return false;
    }
    // xTaskPriorityInherit: the holder runs on a priority that this task lent, or would have if no other had.
    task.argument = holder.basePriority < task.priority ? 1 : 0;
    if (holder.priority < task.priority) this.#os.changePriority(holder, task.priority);
    this.#os.block(task, this.#takers, first);
    return BLOCKED;
  }

  /**
   * vTaskPriorityDisinheritAfterTimeout: the holder falls to the priority of the task that still waits, if that is
   * higher than its own. A holder of more than one mutex keeps its priority, because it is not known which mutex raised
   * it.
   */
  #disinheritAfterTimeout(holder: TaskHandle, task: TaskHandle): void {
    // prvGetHighestPriorityOfWaitToReceiveList: what the event list is sorted by, be that the priority of its first
    // task or not.
    const priority = Math.max(holder.basePriority, this.#takers.first?.eventPriority ?? 0);
    if (holder.priority === priority || holder.mutexesHeld !== 1) return;
    // configASSERT( pxTCB != pxCurrentTCB ).
    if (holder === task) {
      throw new Error(`task ${task.name} waited for a mutex that it holds itself, and had inherited a priority`);
    }
    this.#os.changePriority(holder, priority);
  }

  #caller(): string {
    const task = this.#os.runningTask;
    return task === undefined ? 'an interrupt' : `task ${task.name}`;
  }
}

/** xSemaphoreCreateRecursiveMutex: its holder may take it again, and gives it as often. */
export class RecursiveMutex {
  readonly #os: Kernel;
  readonly #mutex: Mutex;
  #depth = 0;

  constructor(os: Kernel) {
    this.#os = os;
    this.#mutex = new Mutex(os);
  }

  /** xSemaphoreGetMutexHolder. */
  get holder(): TaskHandle | undefined {
    return this.#mutex.holder;
  }

  /** xSemaphoreTakeRecursive. False after a timeout. */
  take(timeout = MAX_DELAY): Blocking<boolean> {
    return this.#os.call(this, 'take', timeout);
  }

  /** xSemaphoreGiveRecursive. False when the calling task does not hold it. */
  give(): boolean {
    if (this.#mutex.holder === undefined || this.#mutex.holder !== this.#os.runningTask) return false;
    if (--this.#depth === 0) this.#mutex.give();
    return true;
  }

  /** @internal */
  attempt(task: TaskHandle, first: boolean): boolean | typeof BLOCKED {
    const taken = this.#mutex.holder === task || this.#mutex.attempt(task, first);
    if (taken === true) this.#depth++;
    return taken;
  }
}
