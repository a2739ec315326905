/** Queue sets: one task waits for several queues and semaphores at once. */

import type { Blocking } from './blocking.ts';
import type { Kernel } from './kernel.ts';
import { Queue } from './queue.ts';
import { MAX_DELAY } from './ticks.ts';

/** QueueSetMemberHandle_t: a queue or a semaphore. */
export interface QueueSetMember {
  /** @internal The set it is in; a member is in one at most. */
  set: QueueSet | undefined;
  readonly messagesWaiting: number;
}

/**
 * QueueSetHandle_t. The rule of FreeRTOS holds: take from a member only after `select` has given it, and then
 * take one item, without a timeout.
 */
export class QueueSet {
  readonly #arrivals: Queue<QueueSetMember>;

  /** xQueueCreateSet. `length` is the sum of the lengths of its members; 1 for a binary semaphore. */
  constructor(os: Kernel, length: number) {
    this.#arrivals = new Queue<QueueSetMember>(os, length, (member) => member);
  }

  /** xQueueAddToSet. False when it is in a set already, or not empty. */
  add(member: QueueSetMember): boolean {
    if (member.set !== undefined || member.messagesWaiting > 0) return false;
    member.set = this;
    return true;
  }

  /** xQueueRemoveFromSet. False when it is not in this set, or not empty. */
  remove(member: QueueSetMember): boolean {
    if (member.set !== this || member.messagesWaiting > 0) return false;
    member.set = undefined;
    return true;
  }

  /** xQueueSelectFromSet: a member that has an item, in the order in which they came; undefined after a timeout. */
  select(timeout = MAX_DELAY): Blocking<QueueSetMember | undefined> {
    return this.#arrivals.receive(timeout);
  }

  /** xQueueSelectFromSetFromISR. */
  selectFromIsr(): QueueSetMember | undefined {
    return this.#arrivals.receiveFromIsr();
  }

  /** @internal prvNotifyQueueSetContainer. */
  post(member: QueueSetMember): void {
    if (!this.#arrivals.sendFromIsr(member)) {
      throw new Error('a queue set is full: its length must be the sum of the lengths of its members');
    }
  }
}
