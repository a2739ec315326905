/** A listening socket for tasks. */

import { failure, type Errno } from '../../hal/errno.ts';
import type { ListenHandler, ListeningSocket, Network, SocketAddress } from '../../hal/network.ts';
import { EventGroup } from '../rtos/event-group.ts';
import type { Kernel } from '../rtos/kernel.ts';
import type { Semaphore } from '../rtos/semaphore.ts';
import { MAX_DELAY, ticksBetween } from '../rtos/ticks.ts';
import type { Selectable } from './select.ts';
import { READABLE, Socket } from './socket.ts';

/** It listens, or will not. */
const SETTLED = 2;

export class ServerSocket implements ListenHandler, Selectable {
  readonly #os: Kernel;
  readonly #network: Network;
  readonly #events: EventGroup;
  #listening: ListeningSocket | undefined = undefined;
  #reason: Errno | undefined = undefined;
  /** @internal Given at every event, while a task has this socket in a `select`. */
  selector: Semaphore | undefined = undefined;

  /** socket(SOCK_STREAM), for `listen`. */
  constructor(os: Kernel, network: Network) {
    this.#os = os;
    this.#network = network;
    this.#events = new EventGroup(os);
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
    const events = yield* this.#events.waitBits(SETTLED, { timeout });
    if (this.#reason !== undefined) return failure(this.#reason);
    return (events & SETTLED) === 0 ? failure('ETIMEDOUT') : 0;
  }

  /** accept: waits for a connection; `EAGAIN` after `timeout` ticks. */
  *accept(timeout = MAX_DELAY): Generator<void, Socket | Errno, void> {
    const startTick = this.#os.getTickCount();
    for (;;) {
      const socket = this.tryAccept();
      if (socket !== 'EAGAIN') return socket;
      const passed = ticksBetween(startTick, this.#os.getTickCount());
      const remaining = timeout === MAX_DELAY ? MAX_DELAY : Math.max(timeout - passed, 0);
      if (remaining === 0) return 'EAGAIN';
      yield* this.#events.waitBits(READABLE, { timeout: remaining });
    }
  }

  /** accept with O_NONBLOCK: as `accept` with a timeout of 0. */
  tryAccept(): Socket | Errno {
    if (this.#reason !== undefined) return this.#reason;
    if (this.#listening === undefined) return 'EINVAL';
    // A port calls back only when this call is over, and then there is a socket.
    const stream = this.#listening.accept({
      readable: () => socket.readable(),
      writable: () => socket.writable(),
      ended: (reason) => socket.ended(reason),
    });
    if (stream === undefined) {
      this.#events.clearBits(READABLE);
      return 'EAGAIN';
    }
    const socket = new Socket(this.#os, { openStream: () => stream });
    socket.accepted();
    return socket;
  }

  /** @internal What a `select` would find now. */
  get ready(): number {
    return this.#events.bits;
  }

  /** close: connections that were accepted live on. A task that waits in one of its calls gets ECONNABORTED. */
  close(): void {
    this.#listening?.close();
    this.#over('ECONNABORTED');
  }

  /** For the port. */
  listening(): void {
    this.#interrupt(SETTLED);
  }

  /** For the port. */
  incoming(): void {
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
