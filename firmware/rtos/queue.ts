/** Queues: items go in by value at one end and come out at the other; full and empty can be waited for. */

import { BLOCKED, type Blocking } from './blocking.ts';
import type { Kernel } from './kernel.ts';
import type { QueueSet, QueueSetMember } from './queue-set.ts';
import type { TaskHandle } from './task.ts';
import { MAX_DELAY } from './ticks.ts';
import { WaitList } from './wait-list.ts';

type Primitive = string | number | bigint | boolean | symbol | null | undefined;

/**
 * FreeRTOS copies an item in and out. Primitives are copied as they are; for anything else, say how.
 * To queue a reference, as C programs queue a pointer, say `(item) => item`.
 */
export type CopyArgument<T> = [T] extends [Primitive] ? [copy?: (item: T) => T] : [copy: (item: T) => T];

/** QueueHandle_t. */
export class Queue<T> implements QueueSetMember {
  /** xQueueCreate's length. */
  readonly length: number;
  /** @internal */ set: QueueSet | undefined = undefined;
  readonly #os: Kernel;
  readonly #copy: (item: T) => T;
  readonly #items: (T | undefined)[] = [];
  #head = 0;
  #count = 0;
  readonly #senders = new WaitList();
  readonly #receivers = new WaitList();

  /** xQueueCreate. `length` is a whole number, at least 1. */
  constructor(os: Kernel, length: number, ...copy: CopyArgument<T>) {
    if (!Number.isInteger(length) || length < 1) {
      throw new RangeError(`a queue's length must be a whole number, at least 1, not ${length}`);
    }
    this.#os = os;
    this.length = length;
    const [copyItem = same] = copy;
    this.#copy = copyItem;
  }

  /** uxQueueMessagesWaiting. */
  get messagesWaiting(): number {
    return this.#count;
  }

  /** uxQueueSpacesAvailable. */
  get spacesAvailable(): number {
    return this.length - this.#count;
  }

  /** xQueueSend, xQueueSendToBack: waits for room, `timeout` ticks at most. False after a timeout (errQUEUE_FULL). */
  send(item: T, timeout = MAX_DELAY): Blocking<boolean> {
    return this.#os.call(this, 'send', timeout, this.#copy(item));
  }

  /** xQueueSendToFront. */
  sendToFront(item: T, timeout = MAX_DELAY): Blocking<boolean> {
    return this.#os.call(this, 'send-to-front', timeout, this.#copy(item));
  }

  /** xQueueReceive: waits for an item, `timeout` ticks at most. Undefined after a timeout (errQUEUE_EMPTY). */
  receive(timeout = MAX_DELAY): Blocking<T | undefined> {
    return this.#os.call(this, 'receive', timeout);
  }

  /** xQueuePeek: as `receive`, but the item stays. */
  peek(timeout = MAX_DELAY): Blocking<T | undefined> {
    return this.#os.call(this, 'peek', timeout);
  }

  /** xQueueOverwrite: for a queue of length 1; replaces what is there. Never blocks. */
  overwrite(item: T): void {
    if (this.length !== 1) throw new Error(`overwrite is for a queue of length 1, not ${this.length}`);
    if (this.#count === 0) this.#put(this.#copy(item), false);
    else {
      this.#items[this.#head] = this.#copy(item);
      // The set was told of the item that this one replaces (xQueueGenericSend); a waiting task may look again.
      if (this.set === undefined) this.#os.wake(this.#receivers);
    }
  }

  /** xQueueReset: empties it; a task that waits to send may. */
  reset(): void {
    this.#items.length = 0;
    this.#head = 0;
    this.#count = 0;
    this.#os.wake(this.#senders);
  }

  /** xQueueSendFromISR, xQueueSendToBackFromISR: false when full. */
  sendFromIsr(item: T): boolean {
    return this.#putFromIsr(item, false);
  }

  /** xQueueSendToFrontFromISR. */
  sendToFrontFromIsr(item: T): boolean {
    return this.#putFromIsr(item, true);
  }

  /** xQueueOverwriteFromISR. */
  overwriteFromIsr(item: T): void {
    this.#os.enterIsr();
    try {
      this.overwrite(item);
    } finally {
      this.#os.exitIsr();
    }
  }

  /** xQueueReceiveFromISR: undefined when empty. */
  receiveFromIsr(): T | undefined {
    this.#os.enterIsr();
    const item = this.#count > 0 ? this.#take() : undefined;
    this.#os.exitIsr();
    return item;
  }

  /** xQueuePeekFromISR. */
  peekFromIsr(): T | undefined {
    const item = this.#items[this.#head];
    return this.#count > 0 && item !== undefined ? this.#copy(item) : undefined;
  }

  /** @internal */
  attempt(task: TaskHandle, first: boolean): boolean | T | undefined | typeof BLOCKED {
    switch (task.operation) {
      case 'send':
      case 'send-to-front':
        if (this.#count < this.length) {
          // The item is the one that `send` put there.
          this.#put(task.item as T, task.operation === 'send-to-front');
          task.item = undefined;
          return true;
        }
        if (this.#os.timedOut(task, first)) return false;
        this.#os.block(task, this.#senders, first);
        return BLOCKED;
      case 'receive':
      case 'peek':
        if (this.#count > 0) return task.operation === 'receive' ? this.#take() : this.#look();
        if (this.#os.timedOut(task, first)) return undefined;
        this.#os.block(task, this.#receivers, first);
        return BLOCKED;
      default:
        throw new Error(`a queue has no ${task.operation}`);
    }
  }

  #putFromIsr(item: T, toFront: boolean): boolean {
    if (this.#count === this.length) return false;
    this.#os.enterIsr();
    try {
      this.#put(this.#copy(item), toFront);
    } finally {
      this.#os.exitIsr();
    }
    return true;
  }

  #put(item: T, toFront: boolean): void {
    if (toFront) this.#head = this.#head === 0 ? this.length - 1 : this.#head - 1;
    this.#items[toFront ? this.#head : (this.#head + this.#count) % this.length] = item;
    this.#count++;
    // In a set, it is the set that tasks wait for (prvNotifyQueueSetContainer).
    if (this.set === undefined) this.#os.wake(this.#receivers);
    else this.set.post(this);
  }

  #take(): T | undefined {
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = this.#head + 1 === this.length ? 0 : this.#head + 1;
    this.#count--;
    this.#os.wake(this.#senders);
    return item;
  }

  #look(): T | undefined {
    // The item stays, so the next waiting task may have it too (xQueuePeek).
    this.#os.wake(this.#receivers);
    return this.peekFromIsr();
  }
}

function same<T>(item: T): T {
  return item;
}
