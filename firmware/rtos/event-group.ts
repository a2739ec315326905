/** Event groups: bits that tasks wait for, any or all of them, and at which several tasks can meet. */

import { BLOCKED, type Blocking } from './blocking.ts';
import type { Kernel } from './kernel.ts';
import type { TaskHandle } from './task.ts';
import { MAX_DELAY } from './ticks.ts';
import { WaitList } from './wait-list.ts';

/** With 32-bit ticks FreeRTOS keeps the upper 8 bits for itself. */
const BITS_MASK = 0x00ff_ffff;

/** Options of a wait for bits. */
export interface WaitBitsOptions {
  /** xWaitForAllBits: all of the bits, not any of them. Default false. */
  readonly waitForAll?: boolean;
  /** xClearOnExit: when they came, they are cleared. Default false. */
  readonly clearOnExit?: boolean;
  /** Longest wait in ticks; default MAX_DELAY. */
  readonly timeout?: number;
}

// A task's options stand above the bits that it waits for, as in FreeRTOS (eventWAIT_FOR_ALL_BITS and the like).
const ALL = 0x0100_0000;
const CLEAR = 0x0200_0000;

/**
 * EventGroupHandle_t: 24 bits. It is the list of those that wait for them itself: each socket of a device has an event
 * group.
 */
export class EventGroup extends WaitList {
  /** @internal */ readonly os: Kernel;
  #bits = 0;

  /** xEventGroupCreate. */
  constructor(os: Kernel) {
    super('arrival');
    this.os = os;
  }

  /** xEventGroupGetBits. */
  get bits(): number {
    return this.#bits;
  }

  /**
   * xEventGroupWaitBits: waits for bits. Returns the bits as they were when the wait ended, before any were cleared.
   * Look at them to tell success from a timeout.
   */
  waitBits(bits: number, options: WaitBitsOptions = {}): Blocking<number> {
    this.check(bits);
    if (bits === 0) throw new RangeError('there must be at least one bit to wait for');
    const call = this.os.call(this, 'wait-bits', options.timeout ?? MAX_DELAY);
    this.setArgument(bits | (options.waitForAll === true ? ALL : 0) | (options.clearOnExit === true ? CLEAR : 0));
    return call;
  }

  /**
   * xEventGroupSync: sets bits, then waits until all the other bits are set: a rendezvous of tasks. Clears the bits
   * that it waited for once they are set. Returns the bits as `waitBits` does.
   */
  sync(bitsToSet: number, bitsToWaitFor: number, timeout = MAX_DELAY): Blocking<number> {
    this.check(bitsToSet);
    this.check(bitsToWaitFor);
    if (bitsToWaitFor === 0) throw new RangeError('there must be at least one bit to wait for');
    const call = this.os.call(this, 'sync', timeout, bitsToSet);
    this.setArgument(bitsToWaitFor | ALL | CLEAR);
    return call;
  }

  /**
   * xEventGroupSetBits: wakes every task whose wait this ends. Returns the bits as they are afterwards; a woken task
   * may have cleared some.
   */
  setBits(bits: number): number {
    this.check(bits);
    this.os.look();
    this.#bits |= bits;
    let toClear = 0;
    let task = this.first;
    while (task !== undefined) {
      const next = task.waitNext;
      if (this.satisfies(task)) {
        if ((task.argument & CLEAR) !== 0) toClear |= bitsOf(task);
        // Bits that the task returns when it runs, even if they change before.
        task.item = this.#bits;
        this.os.makeReady(task);
      }
      task = next;
    }
    // All who waited see all the bits: they are cleared after the last one.
    this.#bits &= ~toClear;
    return this.#bits;
  }

  /** xEventGroupClearBits: gives the bits from before. */
  clearBits(bits: number): number {
    this.check(bits);
    const before = this.#bits;
    this.#bits &= ~bits;
    return before;
  }

  /** xEventGroupSetBitsFromISR; done at once, not by the timer service task. */
  setBitsFromIsr(bits: number): void {
    this.os.enterIsr();
    try {
      this.setBits(bits);
    } finally {
      this.os.exitIsr();
    }
  }

  /** xEventGroupClearBitsFromISR. */
  clearBitsFromIsr(bits: number): number {
    return this.clearBits(bits);
  }

  /** vEventGroupDelete: ends the wait of every waiting task, which gets 0. */
  delete(): void {
    this.os.look();
    this.#bits = 0;
    for (let task = this.first; task !== undefined; task = this.first) {
      task.item = 0;
      this.os.makeReady(task);
    }
  }

  /** @internal */
  attempt(task: TaskHandle, first: boolean): number | typeof BLOCKED {
    if (first) {
      const bitsToSet = task.operation === 'sync' && typeof task.item === 'number' ? task.item : 0;
      task.item = undefined;
      const reached = this.#bits | bitsToSet;
      if (bitsToSet !== 0) this.setBits(bitsToSet);
      if ((reached & bitsOf(task)) === bitsOf(task) && task.operation === 'sync') {
        // The last one to come clears, even where setting its bits ended everybody else's wait.
        this.#bits &= ~bitsOf(task);
        return reached;
      }
      if (!this.satisfies(task) && task.timeout !== 0) {
        this.os.block(task, this, true);
        return BLOCKED;
      }
    } else {
      // uxTaskResetEventItemValue: the wait had borrowed the item's value, even if priorities were set meanwhile.
      task.eventPriority = task.currentPriority;
      if (typeof task.item === 'number') {
        const found = task.item;
        task.item = undefined;
        return found;
      }
    }
    // At once, or after a timeout: a bit may have come between the timeout and now.
    const bits = this.#bits;
    if (this.satisfies(task) && (task.argument & CLEAR) !== 0) this.#bits &= ~bitsOf(task);
    return bits;
  }

  private satisfies(task: TaskHandle): boolean {
    const found = this.#bits & task.argument;
    return (task.argument & ALL) !== 0 ? found === bitsOf(task) : found !== 0;
  }

  private setArgument(bitsAndHow: number): void {
    const task = this.os.runningTask;
    if (task !== undefined) task.argument = bitsAndHow;
  }

  private check(bits: number): void {
    if (!Number.isInteger(bits) || bits < 0 || bits > BITS_MASK) {
      throw new RangeError(`event bits must be a whole number from 0 to 0xffffff, not ${bits}`);
    }
  }
}

function bitsOf(task: TaskHandle): number {
  return task.argument & BITS_MASK;
}
