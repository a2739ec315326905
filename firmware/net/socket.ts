/**
 * Stream sockets for tasks: the calls that POSIX programs know, blocking, with timeouts. A count is at least 0; below 0
 * is an errno (`errnoOf`). A timeout of a read or a write is EAGAIN, as with SO_RCVTIMEO.
 */

import { failure, type Errno } from '../../hal/errno.ts';
import type {
  KeepAlive,
  KeepAliveSupport,
  Network,
  SocketAddress,
  StreamHandler,
  StreamSocket,
} from '../../hal/network.ts';
import type { Blocking } from '../rtos/blocking.ts';
import type { Kernel } from '../rtos/kernel.ts';
import { MAX_DELAY } from '../rtos/ticks.ts';
import { BlockingSocket } from './blocking-socket.ts';
import { READABLE, WRITABLE } from './select.ts';

const CONNECTED = 4;

const EAGAIN = failure('EAGAIN');

/**
 * Interval at which a blocked writer checks the connection after the peer's FIN. The network reports nothing more after
 * that FIN (`StreamHandler.ended` is the last event), while writing may continue.
 */
const LOOK_AFTER_FIN_MS = 1000;

/** A TCP socket that one task reads and one task, the same or another, writes. */
export class Socket extends BlockingSocket<Errno | 'closed'> implements StreamHandler {
  readonly #stream: StreamSocket;

  /** socket(SOCK_STREAM). */
  constructor(os: Kernel, network: Pick<Network, 'openStream'>) {
    super(os);
    this.#stream = network.openStream(this);
  }

  /** getsockname: the local end, once it is known. */
  get local(): SocketAddress | undefined {
    return this.#stream.local;
  }

  /** getpeername: the peer, once connected. */
  get remote(): SocketAddress | undefined {
    return this.#stream.remote;
  }

  /** bind: 0, or an errno. */
  bind(local: SocketAddress): number {
    return this.#stream.bind(local);
  }

  /**
   * connect: 0, or the errno for which it failed. After `timeout` ticks it gives up with ETIMEDOUT. A socket that could
   * not connect is good for nothing but `close`.
   */
  *connect(remote: SocketAddress, timeout = MAX_DELAY): Generator<void, number, void> {
    const started = this.#stream.connect(remote);
    if (started < 0) return started;
    const events = yield* this.poll(WRITABLE, timeout);
    if ((events & CONNECTED) !== 0) return 0;
    const reason = this.reason ?? 'ETIMEDOUT';
    // If a port cannot tell reasons (`capabilities.errorReason`), a failure may look like a FIN.
    return failure(reason === 'closed' ? 'EIO' : reason);
  }

  /** recv: waits for bytes and gives how many; 0 when the peer has closed; EAGAIN after `timeout` ticks. */
  read(into: Uint8Array, timeout = MAX_DELAY): Generator<void, number, void> {
    return this.tryUntil(() => this.tryRead(into), EAGAIN, timeout);
  }

  /**
   * send: waits until all of `from` is taken, and gives its length. After `timeout` ticks it gives how much was taken
   * so far, EAGAIN if nothing was.
   */
  *write(from: Uint8Array, timeout = MAX_DELAY): Generator<void, number, void> {
    const startTick = this.os.getTickCount();
    let taken = 0;
    for (;;) {
      const count = this.tryWrite(taken === 0 ? from : from.subarray(taken));
      if (count > 0) taken += count;
      else if (count < 0 && count !== EAGAIN) return count;
      if (taken === from.length) return taken;
      const remaining = this.remaining(startTick, timeout);
      if (remaining === 0) return taken > 0 ? taken : EAGAIN;
      const lookTicks = this.reason === 'closed' ? Math.max(this.os.msToTicks(LOOK_AFTER_FIN_MS), 1) : MAX_DELAY;
      yield* this.poll(WRITABLE, Math.min(remaining, lookTicks));
    }
  }

  /** recv with MSG_DONTWAIT: as `read` with a timeout of 0. */
  tryRead(into: Uint8Array): number {
    const count = this.#stream.read(into);
    if (count === EAGAIN) this.events.clearBits(READABLE);
    return count;
  }

  /** send with MSG_DONTWAIT: as `write` with a timeout of 0. */
  tryWrite(from: Uint8Array): number {
    const count = this.#stream.write(from);
    if (count === EAGAIN || (count >= 0 && count < from.length)) this.events.clearBits(WRITABLE);
    return count;
  }

  /**
   * poll, of one socket: waits until a read or a write may succeed, as `events` says (READABLE, WRITABLE, both).
   * Returns its bits; none of `events` is among them after `timeout` ticks. The read or write may still fail.
   */
  poll(events: number, timeout = MAX_DELAY): Blocking<number> {
    return this.events.waitBits(events, { timeout });
  }

  /** Ends a `poll` for reading, so that the task which waits there looks again: another task has work for it. */
  wake(): void {
    this.events.setBits(READABLE);
    this.selector?.give();
  }

  /** @internal A server socket has taken it: it is connected, and there is room to write. */
  accepted(): void {
    this.events.setBits(WRITABLE | CONNECTED);
  }

  /** shutdown(SHUT_WR): 0, or an errno. */
  shutdown(): number {
    return this.#stream.shutdown();
  }

  /** close. A task that waits in one of its calls gets an errno: ENOTCONN, or in `connect` ECONNABORTED. */
  close(): void {
    this.#stream.close();
    this.over('ECONNABORTED');
  }

  /** close with SO_LINGER 0: RST. */
  abort(): void {
    this.#stream.abort();
    this.over('ECONNABORTED');
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

  /** Callback for the port. */
  readable(): void {
    this.interrupt(READABLE);
  }

  /** Callback for the port. */
  writable(): void {
    this.interrupt(WRITABLE | CONNECTED);
  }
}
