/** A listening socket for tasks. */

import { failure, type Errno } from '../../hal/errno.ts';
import type { ListenHandler, ListeningSocket, Network, SocketAddress } from '../../hal/network.ts';
import type { Kernel } from '../rtos/kernel.ts';
import { MAX_DELAY } from '../rtos/ticks.ts';
import { BoundSocket } from './blocking-socket.ts';
import { READABLE } from './select.ts';
import { Socket } from './socket.ts';

export class ServerSocket extends BoundSocket implements ListenHandler {
  readonly #network: Network;
  #listening: ListeningSocket | undefined = undefined;

  /** socket(SOCK_STREAM), for `listen`. */
  constructor(os: Kernel, network: Network) {
    super(os);
    this.#network = network;
  }

  /** getsockname: the local end, once it listens. */
  get local(): SocketAddress | undefined {
    return this.#listening?.local;
  }

  /**
   * bind and listen: 0, or the errno for which it failed; EINVAL when it has been called already. `local.port` 0 takes
   * any free port; `backlog` bounds the connections that wait to be accepted. After `timeout` ticks it gives up with
   * ETIMEDOUT, and is good for nothing but `close`.
   */
  *listen(local: SocketAddress, backlog: number, timeout = MAX_DELAY): Generator<void, number, void> {
    if (this.#listening !== undefined) return failure('EINVAL');
    this.#listening = this.#network.listen(local, backlog, this);
    return yield* this.settle(timeout);
  }

  /** accept: waits for a connection; `EAGAIN` after `timeout` ticks. */
  accept(timeout = MAX_DELAY): Generator<void, Socket | Errno, void> {
    return this.tryUntil<Socket | Errno>(() => this.tryAccept(), 'EAGAIN', timeout);
  }

  /** accept with O_NONBLOCK: as `accept` with a timeout of 0. */
  tryAccept(): Socket | Errno {
    if (this.reason !== undefined) return this.reason;
    if (this.#listening === undefined) return 'EINVAL';
    // A port calls back only when this call is over, and then there is a socket.
    const stream = this.#listening.accept({
      readable: () => socket.readable(),
      writable: () => socket.writable(),
      ended: (reason) => socket.ended(reason),
    });
    if (stream === undefined) {
      this.events.clearBits(READABLE);
      return 'EAGAIN';
    }
    const socket = new Socket(this.os, { openStream: () => stream });
    socket.accepted();
    return socket;
  }

  /** close: connections that were accepted live on. A task that waits in one of its calls gets ECONNABORTED. */
  close(): void {
    this.#listening?.close();
    this.over('ECONNABORTED');
  }

  /** Callback for the port. */
  listening(): void {
    this.settled();
  }

  /** Callback for the port. */
  incoming(): void {
    this.interrupt(READABLE);
  }
}
