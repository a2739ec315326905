/**
 * Stream sockets for tasks: the calls that POSIX programs know, blocking, with timeouts. A count is at least 0; below 0
 * is an errno (`errnoOf`). A timeout of a read or a write is EAGAIN, as with SO_RCVTIMEO.
 */

import { failure, type Errno } from '../../hal/errno.ts';
import type { KeepAlive, KeepAliveSupport, Network, SocketAddress, StreamHandler, StreamSocket } from '../../hal/network.ts';
import { EventGroup } from '../rtos/event-group.ts';
import type { Kernel } from '../rtos/kernel.ts';
import { MAX_DELAY, ticksBetween } from '../rtos/ticks.ts';

const READABLE = 1;
const WRITABLE = 2;
const ENDED = 4;

const EAGAIN = failure('EAGAIN');

/** A TCP socket that one task reads and one task, the same or another, writes. */
export class Socket implements StreamHandler {
  readonly #os: Kernel;
  readonly #stream: StreamSocket;
  readonly #events: EventGroup;
  #reason: Errno | 'closed' | undefined = undefined;

  /** socket(SOCK_STREAM). */
  constructor(os: Kernel, network: Network) {
    this.#os = os;
    this.#events = new EventGroup(os);
    this.#stream = network.openStream(this);
  }

  /** getsockname: the local end, once it is known. */
  get local(): SocketAddress | undefined {
    return this.#stream.local;
  }

  /** bind: 0, or an errno. */
  bind(local: SocketAddress): number {
    return this.#stream.bind(local);
  }

  /**
   * connect: 0, or the errno for which it failed. After `timeout` ticks it gives up with ETIMEDOUT. A socket that could not
   * connect is good for nothing but `close`.
   */
  *connect(remote: SocketAddress, timeout = MAX_DELAY): Generator<void, number, void> {
    const started = this.#stream.connect(remote);
    if (started < 0) return started;
    const events = yield* this.#events.waitBits(WRITABLE | ENDED, { clearOnExit: true, timeout });
    if ((events & WRITABLE) !== 0) return 0;
    const reason = this.#reason ?? 'ETIMEDOUT';
    return failure(reason === 'closed' ? 'ECONNRESET' : reason);
  }

  /** recv: waits for bytes and gives how many; 0 when the peer has closed; EAGAIN after `timeout` ticks. */
  *read(into: Uint8Array, timeout = MAX_DELAY): Generator<void, number, void> {
    const startTick = this.#os.getTickCount();
    for (;;) {
      const count = this.#stream.read(into);
      if (count !== EAGAIN) return count;
      const remaining = this.#remaining(startTick, timeout);
      if (remaining === 0) return EAGAIN;
      yield* this.#events.waitBits(READABLE | ENDED, { clearOnExit: true, timeout: remaining });
    }
  }

  /**
   * send: waits until all of `from` is taken, and gives its length. After `timeout` ticks it gives how much was taken so
   * far, EAGAIN if nothing was.
   */
  *write(from: Uint8Array, timeout = MAX_DELAY): Generator<void, number, void> {
    const startTick = this.#os.getTickCount();
    let taken = 0;
    for (;;) {
      const count = this.#stream.write(taken === 0 ? from : from.subarray(taken));
      if (count > 0) taken += count;
      else if (count < 0 && count !== EAGAIN) return count;
      if (taken === from.length) return taken;
      const remaining = this.#remaining(startTick, timeout);
      if (remaining === 0) return taken > 0 ? taken : EAGAIN;
      yield* this.#events.waitBits(WRITABLE | ENDED, { clearOnExit: true, timeout: remaining });
    }
  }

  /** shutdown(SHUT_WR): 0, or an errno. */
  shutdown(): number {
    return this.#stream.shutdown();
  }

  /** close. */
  close(): void {
    this.#stream.close();
  }

  /** close with SO_LINGER 0: RST. */
  abort(): void {
    this.#stream.abort();
  }

  /** TCP_NODELAY: whether it took. */
  setNoDelay(on: boolean): boolean {
    return this.#stream.setNoDelay(on);
  }

  /** SO_KEEPALIVE, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT: how much of it took. */
  setKeepAlive(keepAlive: KeepAlive | 'off'): KeepAliveSupport {
    return this.#stream.setKeepAlive(keepAlive);
  }

  /** TCP_USER_TIMEOUT: whether it took. */
  setUserTimeout(timeoutMs: number): boolean {
    return this.#stream.setUserTimeout(timeoutMs);
  }

  /** @internal An interrupt. */
  readable(): void {
    this.#events.setBitsFromIsr(READABLE);
  }

  /** @internal An interrupt. */
  writable(): void {
    this.#events.setBitsFromIsr(WRITABLE);
  }

  /** @internal An interrupt. */
  ended(reason: Errno | 'closed'): void {
    this.#reason = reason;
    this.#events.setBitsFromIsr(ENDED);
  }

  #remaining(startTick: number, timeout: number): number {
    if (timeout === MAX_DELAY) return MAX_DELAY;
    return Math.max(timeout - ticksBetween(startTick, this.#os.getTickCount()), 0);
  }
}
