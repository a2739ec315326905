/**
 * A datagram socket for tasks. A count is at least 0, and 0 is an empty datagram; below 0 is an errno (`errnoOf`). A
 * datagram that is lost is not reported.
 */

import { failure } from '../../hal/errno.ts';
import type { DatagramHandler, DatagramSocket, Network, SocketAddress } from '../../hal/network.ts';
import type { Blocking } from '../rtos/blocking.ts';
import type { Kernel } from '../rtos/kernel.ts';
import { MAX_DELAY } from '../rtos/ticks.ts';
import { BoundSocket } from './blocking-socket.ts';
import { READABLE } from './select.ts';

const EAGAIN = failure('EAGAIN');

export class DatagramEndpoint extends BoundSocket implements DatagramHandler {
  readonly #network: Network;
  #socket: DatagramSocket | undefined = undefined;

  /** socket(SOCK_DGRAM); FreeRTOS_socket(FREERTOS_SOCK_DGRAM). */
  constructor(os: Kernel, network: Network) {
    super(os);
    this.#network = network;
  }

  /** getsockname: the local end, once it is bound. */
  get local(): SocketAddress | undefined {
    return this.#socket?.local;
  }

  /** Sender of the datagram that was received last. */
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
    return yield* this.settle(timeout);
  }

  /** recvfrom: waits for a datagram and gives its length, cut to `into`; EAGAIN after `timeout` ticks. */
  recvFrom(into: Uint8Array, timeout = MAX_DELAY): Generator<void, number, void> {
    return this.tryUntil(() => this.tryRecvFrom(into), EAGAIN, timeout);
  }

  /** recvfrom with MSG_DONTWAIT: as `recvFrom` with a timeout of 0. */
  tryRecvFrom(into: Uint8Array): number {
    if (this.reason !== undefined) return failure(this.reason);
    const count = this.#socket?.receive(into) ?? failure('ENOTCONN');
    if (count === EAGAIN) this.events.clearBits(READABLE);
    return count;
  }

  /** sendto: sends one datagram and gives its length. It does not wait: where there is no room, it gives EAGAIN. */
  sendTo(from: Uint8Array, remote: SocketAddress): number {
    if (this.reason !== undefined) return failure(this.reason);
    return this.#socket?.sendTo(from, remote) ?? failure('ENOTCONN');
  }

  /** poll, of one socket: waits until it may be worth a try to receive, or for `timeout` ticks. */
  poll(timeout = MAX_DELAY): Blocking<number> {
    return this.events.waitBits(READABLE, { timeout });
  }

  /** close. A task that waits in one of its calls gets ECONNABORTED. */
  close(): void {
    this.#socket?.close();
    this.over('ECONNABORTED');
  }

  /** Callback for the port. */
  bound(): void {
    this.settled();
  }

  /** Callback for the port. */
  readable(): void {
    this.interrupt(READABLE);
  }
}
