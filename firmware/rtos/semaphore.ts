/** Binary and counting semaphores. For mutual exclusion there is the mutex, which also lends priority. */

import { BLOCKED, type Blocking } from './blocking.ts';
import type { Kernel } from './kernel.ts';
import type { QueueSet, QueueSetMember } from './queue-set.ts';
import type { TaskHandle } from './task.ts';
import { MAX_DELAY } from './ticks.ts';
import { WaitList } from './wait-list.ts';

/** SemaphoreHandle_t. */
export class Semaphore implements QueueSetMember {
  readonly maxCount: number;
  /** @internal */ set: QueueSet | undefined = undefined;
  readonly #os: Kernel;
  #count: number;
  readonly #takers = new WaitList();

  /** xSemaphoreCreateCounting; with one argument, xSemaphoreCreateBinary: at most 1, empty at first. */
  constructor(os: Kernel, maxCount = 1, initialCount = 0) {
    if (!Number.isInteger(maxCount) || maxCount < 1) {
      throw new RangeError(`a semaphore's maxCount must be a whole number, at least 1, not ${maxCount}`);
    }
    if (!Number.isInteger(initialCount) || initialCount < 0 || initialCount > maxCount) {
      throw new RangeError(
        `a semaphore's initialCount must be from 0 to its maxCount ${maxCount}, not ${initialCount}`,
      );
    }
    this.#os = os;
    this.maxCount = maxCount;
    this.#count = initialCount;
  }

  /** uxSemaphoreGetCount. */
  get count(): number {
    return this.#count;
  }

  /** A semaphore is a queue of items without content. */
  get messagesWaiting(): number {
    return this.#count;
  }

  /** xSemaphoreTake: waits until the count is not 0, `timeout` ticks at most, and takes one. False after a timeout. */
  take(timeout = MAX_DELAY): Blocking<boolean> {
    return this.#os.call(this, 'take', timeout);
  }

  /** xSemaphoreGive: adds one. False when the count is at its maximum. */
  give(): boolean {
    if (this.#count === this.maxCount) return false;
    this.#count++;
    if (this.set === undefined) this.#os.wake(this.#takers);
    else this.set.post(this);
    return true;
  }

  /** xSemaphoreGiveFromISR. */
  giveFromIsr(): boolean {
    this.#os.enterIsr();
    try {
      return this.give();
    } finally {
      this.#os.exitIsr();
    }
  }

  /** xSemaphoreTakeFromISR: false when the count is 0. */
  takeFromIsr(): boolean {
    if (this.#count === 0) return false;
    this.#count--;
    return true;
  }

  /** @internal */
  attempt(task: TaskHandle, first: boolean): boolean | typeof BLOCKED {
    if (this.takeFromIsr()) return true;
    if (this.#os.timedOut(task, first)) return false;
    this.#os.block(task, this.#takers, first);
    return BLOCKED;
  }
}
