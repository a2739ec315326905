/**
 * A datagram socket for tasks. A count is at least 0, and 0 is an empty datagram; below 0 is an errno (`errnoOf`). A
 * datagram that is lost is not reported.
 */

import { failure, type Errno } from '../../hal/errno.ts';
import type { DatagramHandler, DatagramSocket, Network, SocketAddress } from '../../hal/network.ts';
import type { Blocking } from '../rtos/blocking.ts';
import { EventGroup } from '../rtos/event-group.ts';
import type { Kernel } from '../rtos/kernel.ts';
import type { Semaphore } from '../rtos/semaphore.ts';
import { MAX_DELAY, ticksBetween } from '../rtos/ticks.ts';
import type { Selectable } from './select.ts';
import { READABLE } from './socket.ts';

/** It is bound, or will not be. */
const SETTLED = 2;

const EAGAIN = failure('EAGAIN');

export class DatagramEndpoint implements DatagramHandler, Selectable {
  readonly #os: Kernel;
  readonly #network: Network;
  readonly #events: EventGroup;
  #socket: DatagramSocket | undefined = undefined;
  #reason: Errno | undefined = undefined;
  /** @internal Given at every event, while a task has this socket in a `select`. */
  selector: Semaphore | undefined = undefined;

  /** socket(SOCK_DGRAM); FreeRTOS_socket(FREERTOS_SOCK_DGRAM). */
  constructor(os: Kernel, network: Network) {
    this.#os = os;
    this.#network = network;
    this.#events = new EventGroup(os);
  }

  /** getsockname: the local end, once it is bound. */
  get local(): SocketAddress | undefined {
    return this.#socket?.local;
  }

  /** Who sent the datagram that was received last. */
  get sender(): SocketAddress | undefined {
    return this.#socket?.sender;
  }

  /**
   * bind: 0, or the errno for which it failed; EINVAL when it has been bound already. `local.port` 0 takes any free
   * port. It has to be bound to send, too. After `timeout` ticks it gives up with ETIMEDOUT, and is good for nothing
   * but `close`.
   */
  *bind(local: SocketAddress, timeout = MAX_DELAY): Generator<void, number, void> {
    if (this.#socket !== undefined) return failure('EINVAL');
    this.#socket = this.#network.openDatagram(local, this);
    const events = yield* this.#events.waitBits(SETTLED, { timeout });
    if (this.#reason !== undefined) return failure(this.#reason);
    return (events & SETTLED) === 0 ? failure('ETIMEDOUT') : 0;
  }

  /** recvfrom: waits for a datagram and gives its length, cut to `into`; EAGAIN after `timeout` ticks. */
  *recvFrom(into: Uint8Array, timeout = MAX_DELAY): Generator<void, number, void> {
    const startTick = this.#os.getTickCount();
    for (;;) {
      const count = this.tryRecvFrom(into);
      if (count !== EAGAIN) return count;
      const passed = ticksBetween(startTick, this.#os.getTickCount());
      const remaining = timeout === MAX_DELAY ? MAX_DELAY : Math.max(timeout - passed, 0);
      if (remaining === 0) return EAGAIN;
      yield* this.poll(remaining);
    }
  }

  /** recvfrom with MSG_DONTWAIT: as `recvFrom` with a timeout of 0. */
  tryRecvFrom(into: Uint8Array): number {
    if (this.#reason !== undefined) return failure(this.#reason);
    const count = this.#socket?.receive(into) ?? failure('ENOTCONN');
    if (count === EAGAIN) this.#events.clearBits(READABLE);
    return count;
  }

  /** sendto: sends one datagram and gives its length. It does not wait: where there is no room, it gives EAGAIN. */
  sendTo(from: Uint8Array, remote: SocketAddress): number {
    if (this.#reason !== undefined) return failure(this.#reason);
    return this.#socket?.sendTo(from, remote) ?? failure('ENOTCONN');
  }

  /** poll, of one socket: waits until it may be worth a try to receive, or for `timeout` ticks. */
  poll(timeout = MAX_DELAY): Blocking<number> {
    return this.#events.waitBits(READABLE, { timeout });
  }

  /** @internal What `poll` would find now. */
  get ready(): number {
    return this.#events.bits;
  }

  /** close. A task that waits in one of its calls gets ECONNABORTED. */
  close(): void {
    this.#socket?.close();
    this.#over('ECONNABORTED');
  }

  /** For the port. */
  bound(): void {
    this.#interrupt(SETTLED);
  }

  /** For the port. */
  readable(): void {
    this.#interrupt(READABLE);
  }

  /** For the port. */
  ended(reason: Errno): void {
    this.#os.enterIsr();
    this.#over(reason);
    this.#os.exitIsr();
  }

  #interrupt(events: number): void {
    this.#os.enterIsr();
    this.#events.setBits(events);
    this.selector?.give();
    this.#os.exitIsr();
  }

  /** Whoever waits for anything tries again, and finds out. */
  #over(reason: Errno): void {
    this.#reason = reason;
    this.#events.setBits(READABLE | SETTLED);
    this.selector?.give();
  }
}
