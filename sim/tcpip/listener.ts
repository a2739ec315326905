/** The HAL's listening socket on a simulated stack: the user of connections until they are accepted. */

import type { Errno } from '../../hal/errno.ts';
import type { ListenHandler, ListeningSocket, SocketAddress, StreamHandler, StreamSocket } from '../../hal/network.ts';
import { formatAddress, parseAddress } from '../packet/address.ts';
import { isLoopback } from './loopback.ts';
import type { Stack } from './stack.ts';
import { TcpSocket } from './stream-socket.ts';
import { abort } from './tcp/calls.ts';
import { ACTIVE, CONNECTED, ENDED, type Tcb, type TcbUser } from './tcp/tcb.ts';

export class Listener implements ListeningSocket, TcbUser {
  /** True if only its own host can connect to the listener. */
  readonly isForSelf: boolean;
  readonly #stack: Stack;
  readonly #backlog: number;
  readonly #handler: ListenHandler;
  /** Established, and not accepted yet. */
  readonly #waiting: Tcb[] = [];
  /**
   * Connections whose handshake is not complete. They are counted in the backlog, so that a flood of SYNs holds no
   * more.
   */
  readonly #opening = new Set<Tcb>();
  #address: SocketAddress | undefined = undefined;
  #failure: Errno | undefined = undefined;
  #isClosed = false;
  /** Time of the last SYN that was answered by a cookie; before that, no cookie can come back. */
  cookieUs = Number.NEGATIVE_INFINITY;
  readonly #isrOutcome = (): void => this.#tellOutcome();
  readonly #isrIncoming = (): void => {
    if (!this.#isClosed && this.#waiting.length > 0) this.#handler.incoming();
  };

  constructor(stack: Stack, local: SocketAddress, backlog: number, handler: ListenHandler) {
    this.#stack = stack;
    this.#backlog = Math.max(backlog, 1);
    this.#handler = handler;
    const port = stack.isOwnAddress(local.address) ? stack.ports.claimListener(this, local.port) : 'EADDRNOTAVAIL';
    this.isForSelf = isLoopback(parseAddress(local.address) ?? 0);
    const address = this.isForSelf ? local.address : formatAddress(stack.host.address);
    if (typeof port === 'number') this.#address = { address, port };
    else this.#failure = port;
    stack.later(this.#isrOutcome);
  }

  get local(): SocketAddress | undefined {
    return this.#address;
  }

  accept(handler: StreamHandler): StreamSocket | undefined {
    const tcb = this.#isClosed ? undefined : this.#waiting.shift();
    return tcb === undefined ? undefined : new TcpSocket(this.#stack, handler, tcb);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#address !== undefined) this.#stack.ports.releaseListener(this.#address.port);
    for (const tcb of [...this.#waiting, ...this.#opening]) this.#stack.perform(tcb, abort, undefined);
    this.#waiting.length = 0;
    this.#opening.clear();
  }

  // ---- for the stack ----

  /** True if one more connection may begin its handshake. */
  get hasRoom(): boolean {
    const { backlogExtra, backlogCounts, handshakesApart } = this.#stack.profile;
    if (handshakesApart) return !this.isFull && this.#opening.size <= this.#backlog;
    const count = backlogCounts === 'all' ? this.#childCount : this.#waiting.length + this.#opening.size;
    return count < this.#backlog + backlogExtra;
  }

  /** FreeRTOS+TCP's usChildCount. */
  get #childCount(): number {
    const port = this.#address?.port;
    return this.#stack.connections.all().filter(({ localPort, flags }) => localPort === port && (flags & ACTIVE) === 0)
      .length;
  }

  /** Linux: so many wait to be accepted that no handshake can end. */
  get isFull(): boolean {
    return this.#stack.profile.handshakesApart && this.#waiting.length > this.#backlog;
  }

  /** A connection begins its handshake. */
  take(tcb: Tcb): void {
    tcb.user = this;
    this.#opening.add(tcb);
  }

  /**
   * Takes note of the news of a connection that is not yet accepted. Other news are kept for the socket that it
   * becomes.
   */
  tell(tcb: Tcb): void {
    if ((tcb.news & CONNECTED) !== 0) {
      tcb.news &= ~CONNECTED;
      this.#opening.delete(tcb);
      this.#waiting.push(tcb);
      this.#stack.interrupts.raise(this.#isrIncoming);
    } else if ((tcb.news & ENDED) !== 0) {
      this.#opening.delete(tcb);
    }
  }

  abandon(): void {
    this.close();
  }

  #tellOutcome(): void {
    if (this.#isClosed) return;
    if (this.#failure === undefined) {
      this.#handler.listening();
    } else {
      this.#isClosed = true;
      this.#handler.ended(this.#failure);
    }
  }
}
