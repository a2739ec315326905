/** The HAL's stream socket on a simulated stack: the user of a connection. */

import { failure, type Errno } from '../../hal/errno.ts';
import type { KeepAlive, KeepAliveSupport, SocketAddress, StreamHandler, StreamSocket } from '../../hal/network.ts';
import { formatAddress, parseAddress } from '../packet/address.ts';
import type { Stack } from './stack.ts';
import { abort, close, receive, send, setNoDelay, shutdown } from './tcp/calls.ts';
import { keepAliveTaken, setKeepAlive } from './tcp/keepalive.ts';
import { CONNECTED, ENDED, FIN_RECEIVED, NO_DELAY, READABLE, type Tcb, type TcbUser, WRITABLE } from './tcp/tcb.ts';

const PORT_MAX = 65_535;
/** Linux's TCP_USER_TIMEOUT is an int: 24 days. */
const USER_TIMEOUT_MS_MAX = 0x7fff_ffff;

/**
 * Settings made before there is a connection, or the reason why there will be no connection; deleted when there is one.
 */
interface PendingSettings {
  failure?: Errno;
  local?: SocketAddress;
  noDelay?: boolean;
  keepAlive?: KeepAlive | undefined;
  userTimeoutMs?: number;
}

export class TcpSocket implements StreamSocket, TcbUser {
  readonly #stack: Stack;
  readonly #handler: StreamHandler;
  #tcb: Tcb | undefined = undefined;
  #pending: PendingSettings | undefined = undefined;
  /**
   * `failed` and `over`: the last event was told. What happens to a connection after a FIN, the user finds by trying.
   */
  #state: 'new' | 'connecting' | 'connected' | 'failed' | 'over' | 'left' = 'new';

  /** A new socket; or, with a connection, one that was accepted. */
  constructor(stack: Stack, handler: StreamHandler, accepted?: Tcb) {
    this.#stack = stack;
    this.#handler = handler;
    if (accepted === undefined) return;
    this.#tcb = accepted;
    this.#state = 'connected';
    accepted.user = this;
    accepted.news &= ~CONNECTED;
    if (accepted.news !== 0) this.tell(accepted);
  }

  get local(): SocketAddress | undefined {
    const tcb = this.#tcb;
    return tcb === undefined || this.#state === 'failed'
      ? undefined
      : { address: formatAddress(tcb.localAddress), port: tcb.localPort };
  }

  get remote(): SocketAddress | undefined {
    const tcb = this.#tcb;
    return tcb === undefined || !this.hasConnected
      ? undefined
      : { address: formatAddress(tcb.remoteAddress), port: tcb.remotePort };
  }

  private get hasConnected(): boolean {
    return this.#state === 'connected' || this.#state === 'over';
  }

  private get errno(): Errno | undefined {
    return this.#tcb === undefined ? this.#pending?.failure : this.#tcb.trouble.error;
  }

  bind(local: SocketAddress): number {
    if (this.#state !== 'new' || parseAddress(local.address) === undefined || !isPort(local.port, 0)) {
      return failure('EINVAL');
    }
    (this.#pending ??= {}).local = { address: local.address, port: local.port };
    return 0;
  }

  connect({ address, port }: SocketAddress): number {
    if (this.hasConnected) return failure('EISCONN');
    if (this.#state === 'connecting') return failure('EALREADY');
    const remote = parseAddress(address);
    if (this.#state !== 'new' || remote === undefined || !isPort(port, 1)) return failure('EINVAL');
    this.#state = 'connecting';
    const outcome = this.#stack.connect(this.#pending?.local, remote, port, (tcb) => this.prepare(tcb));
    if (typeof outcome === 'string') {
      this.#pending = { failure: outcome };
      this.#stack.later(this);
    }
    return 0;
  }

  private prepare(tcb: Tcb): void {
    const { noDelay, keepAlive, userTimeoutMs } = this.#pending ?? {};
    this.#tcb = tcb;
    tcb.user = this;
    if (noDelay === true) tcb.flags |= NO_DELAY;
    if (keepAlive !== undefined) setKeepAlive(tcb, keepAlive);
    if (userTimeoutMs !== undefined) tcb.userTimeoutMs = userTimeoutMs;
    this.#pending = undefined;
  }

  read(into: Uint8Array): number {
    if (into.length === 0) return failure('EINVAL');
    const tcb = this.#tcb;
    if (tcb === undefined || this.#state === 'left') return failure(this.errno ?? 'ENOTCONN');
    // If no bytes wait, the read changes nothing, so it needs no `perform`.
    const count = tcb.receiving === undefined ? receive(tcb, into) : this.#stack.perform(tcb, receive, into);
    if (count > 0 || (tcb.flags & FIN_RECEIVED) !== 0 || tcb.trouble.error === undefined) return count;
    return failure(tcb.trouble.error);
  }

  write(from: Uint8Array): number {
    const tcb = this.#tcb;
    if (tcb === undefined || this.#state === 'left') return failure(this.errno ?? 'ENOTCONN');
    if (tcb.trouble.error !== undefined) return failure(tcb.trouble.error);
    return this.#stack.perform(tcb, send, from);
  }

  shutdown(): number {
    const tcb = this.#tcb;
    if (tcb === undefined || !this.hasConnected) return failure('ENOTCONN');
    if (this.#stack.profile.fin !== 'linux') return failure('EOPNOTSUPP');
    return this.#stack.perform(tcb, shutdown, undefined);
  }

  close(): void {
    this.leave(close);
  }

  abort(): void {
    this.leave(abort);
  }

  private leave(how: (tcb: Tcb) => void): void {
    if (this.#state === 'left') return;
    this.#state = 'left';
    const tcb = this.#tcb;
    if (tcb !== undefined && !this.#stack.interrupts.off) this.#stack.perform(tcb, how, undefined);
  }

  setNoDelay(on: boolean): boolean {
    const tcb = this.#tcb;
    if (tcb === undefined) {
      (this.#pending ??= {}).noDelay = on;
    } else if (this.#state !== 'left') {
      this.#stack.perform(tcb, setNoDelay, on);
    }
    return true;
  }

  setKeepAlive(keepAlive: KeepAlive | 'off'): KeepAliveSupport {
    const wanted = keepAlive === 'off' ? undefined : keepAlive;
    const tcb = this.#tcb;
    if (tcb === undefined) {
      const { profile } = this.#stack;
      const support = wanted === undefined ? profile.keepAlive.support : keepAliveTaken(profile, wanted);
      if (wanted === undefined || support !== 'none') (this.#pending ??= {}).keepAlive = wanted;
      return support;
    }
    if (this.#state === 'left') return 'none';
    return this.#stack.perform(tcb, setKeepAlive, wanted);
  }

  setUserTimeout(timeoutMs: number): boolean {
    if (
      !this.#stack.profile.userTimeout ||
      !Number.isInteger(timeoutMs) ||
      timeoutMs < 0 ||
      timeoutMs > USER_TIMEOUT_MS_MAX
    ) {
      return false;
    }
    if (this.#tcb === undefined) (this.#pending ??= {}).userTimeoutMs = timeoutMs;
    else this.#tcb.userTimeoutMs = timeoutMs;
    return true;
  }

  // ---- for the connection ----

  tell(tcb: Tcb): void {
    if ((tcb.news & CONNECTED) !== 0) this.#state = 'connected';
    this.#stack.interrupts.raise(this);
  }

  abandon(): void {
    this.close();
  }

  /** Tells the handler, in the order in which it happened. It may close the socket at any of them. */
  serve(): void {
    const tcb = this.#tcb;
    // Without a connection there is but one thing to tell.
    const news = tcb === undefined ? ENDED : tcb.news;
    if (tcb !== undefined) tcb.news = 0;
    if ((news & (CONNECTED | WRITABLE)) !== 0 && this.#state !== 'left') this.#handler.writable();
    if ((news & READABLE) !== 0 && this.#state !== 'left') this.#handler.readable();
    if ((news & ENDED) !== 0 && (this.#state === 'connecting' || this.#state === 'connected')) this.end();
  }

  private end(): void {
    this.#state = this.#state === 'connecting' ? 'failed' : 'over';
    this.#handler.ended(this.errno ?? 'closed');
  }
}

function isPort(port: number, min: number): boolean {
  return Number.isInteger(port) && port >= min && port <= PORT_MAX;
}
