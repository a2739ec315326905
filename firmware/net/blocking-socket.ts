/** Common base of the sockets for tasks: events to wait for, calls that try until a timeout, and an end. */

import { failure, type Errno } from '../../hal/errno.ts';
import { EventGroup } from '../rtos/event-group.ts';
import type { Kernel } from '../rtos/kernel.ts';
import type { Semaphore } from '../rtos/semaphore.ts';
import { MAX_DELAY, ticksBetween } from '../rtos/ticks.ts';
import { READABLE, type Selectable, WRITABLE } from './select.ts';

/** A listening or datagram socket is bound, or will not be. */
const SETTLED = WRITABLE;

/**
 * A socket's event group holds what may be worth a try: the network sets events, a try that was in vain clears them.
 * Every call tries first, and waits only for what comes after that.
 */
export abstract class BlockingSocket<Reason extends Errno | 'closed' = Errno> implements Selectable {
  protected readonly events: EventGroup;
  /** Why it is over. */
  protected reason: Reason | undefined = undefined;
  /** @internal Given at every event, while a task has this socket in a `select`. */
  selector: Semaphore | undefined = undefined;

  constructor(os: Kernel) {
    this.events = new EventGroup(os);
  }

  protected get os(): Kernel {
    return this.events.os;
  }

  /** @internal What a `select` would find now. */
  get ready(): number {
    return this.events.bits;
  }

  /** Callback for the port. */
  ended(reason: Reason): void {
    this.os.enterIsr();
    this.over(reason);
    this.os.exitIsr();
  }

  /** The port tells of an event. */
  protected interrupt(events: number): void {
    this.os.enterIsr();
    this.events.setBits(events);
    this.selector?.give();
    this.os.exitIsr();
  }

  /** Ends the socket: every task that waits for it tries again and finds out. */
  protected over(reason: Reason): void {
    this.reason = reason;
    this.events.setBits(READABLE | WRITABLE);
    this.selector?.give();
  }

  /** Tries until there is something to read. Returns the result of the last try; `inVain` after `timeout` ticks. */
  protected *tryUntil<Result>(
    attempt: () => Result, inVain: Result, timeout: number,
  ): Generator<void, Result, void> {
    const startTick = this.os.getTickCount();
    for (;;) {
      const result = attempt();
      if (result !== inVain) return result;
      const remaining = this.remaining(startTick, timeout);
      if (remaining === 0) return inVain;
      yield* this.events.waitBits(READABLE, { timeout: remaining });
    }
  }

  /** Returns the ticks that are left of a timeout that began at `startTick`. */
  protected remaining(startTick: number, timeout: number): number {
    if (timeout === MAX_DELAY) return MAX_DELAY;
    return Math.max(timeout - ticksBetween(startTick, this.os.getTickCount()), 0);
  }
}

/** A socket without a peer: it is bound to a port of this device, or will not be. */
export abstract class BoundSocket extends BlockingSocket {
  /** The port tells that it is bound. */
  protected settled(): void {
    this.interrupt(SETTLED);
  }

  /** Waits until it is bound: 0, or the errno for which it failed; ETIMEDOUT after `timeout` ticks. */
  protected *settle(timeout: number): Generator<void, number, void> {
    const events = yield* this.events.waitBits(SETTLED, { timeout });
    if (this.reason !== undefined) return failure(this.reason);
    return (events & SETTLED) === 0 ? failure('ETIMEDOUT') : 0;
  }
}
