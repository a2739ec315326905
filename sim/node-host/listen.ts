/** The place where a program listens: in place of Node's TCP handle of a server, over a listening socket of the HAL. */

import type { Errno } from '../../hal/errno.ts';
import type { ListenHandler, ListeningSocket, SocketAddress, StreamHandler, StreamSocket } from '../../hal/network.ts';
import { uvErrno } from './internals.ts';
import type { Held, SimulatedProcess } from './process.ts';
import { type Address, isOwn, tellAddress, TcpHandle } from './tcp.ts';
import type { OpenPort } from './world.ts';

/** A listening handle. */
export class ListenHandle implements ListenHandler, Held {
  readonly kind = 'listener';
  readonly process: SimulatedProcess;
  onconnection: ((this: ListenHandle, error: number, handle?: TcpHandle) => void) | undefined = undefined;
  readonly #local: SocketAddress;
  #listening: ListeningSocket | undefined = undefined;
  #isRefed = true;
  #isClosed = false;

  constructor(process: SimulatedProcess, local: SocketAddress) {
    this.process = process;
    this.#local = local;
  }

  getAsyncId(): number {
    return 0;
  }

  /** Listens at once. Returns 0 or libuv's errno. */
  listen(backlog: number): number {
    if (this.#local.address.includes(':')) return uvErrno('EAFNOSUPPORT');
    const { network } = this.process.hal;
    const listening = network.listen(this.#local, backlog, this);
    if (listening.local === undefined) {
      listening.close();
      // The HAL tells why only later. What is in the way is the port, unless no port of this address can be had.
      const other = network.listen({ address: this.#local.address, port: 0 }, 1, SILENT);
      const errno = other.local === undefined ? 'EADDRNOTAVAIL' : 'EADDRINUSE';
      other.close();
      return uvErrno(errno);
    }
    this.#listening = listening;
    this.process.handles.add(this);
    const { port } = listening.local;
    this.process.surroundings.tell({
      kind: 'listening',
      atMs: this.process.nowMs(),
      local: { address: this.#local.address, port },
    });
    return 0;
  }

  listening(): void {}

  ended(): void {}

  incoming(): void {
    for (;;) {
      if (this.#isClosed || this.process.isOver) return;
      let handle: TcpHandle | undefined;
      // The socket's handler has to be there before the socket is.
      const early = new EarlyHandler();
      const socket = this.#listening?.accept(early);
      if (socket === undefined) return;
      const connected = this.#handshakeOf(socket);
      this.process.called(() => {
        handle = new TcpHandle(this.process);
        early.handler = handle;
        handle.accepted(socket);
        this.onconnection?.(0, handle);
      });
      connected();
    }
  }

  /** Returns what is to happen at the client's end, if that is the host's own. */
  #handshakeOf({ local, remote }: StreamSocket): () => void {
    const port = isOwn(local, remote) ? remote?.port : undefined;
    return () => {
      if (port === undefined) return;
      const connected = this.process.handshakes.get(port);
      this.process.handshakes.delete(port);
      connected?.();
    };
  }

  get openPort(): OpenPort | undefined {
    const { port } = this.#listening?.local ?? {};
    return port === undefined ? undefined : { transport: 'stream', address: this.#local.address, port };
  }

  getsockname(out: Address): number {
    const port = this.#listening?.local?.port ?? this.#local.port;
    return tellAddress(out, { address: this.#local.address, port });
  }

  ref(): void {
    this.#isRefed = true;
  }

  unref(): void {
    this.#isRefed = false;
  }

  hasRef(): boolean {
    return this.#isRefed;
  }

  get holds(): boolean {
    return this.#isRefed;
  }

  close(callback?: () => void): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.process.handles.delete(this);
    this.#listening?.close();
    if (callback !== undefined) this.process.later(callback);
  }
}

/** Hands on to the handle, once there is one. */
class EarlyHandler implements StreamHandler {
  handler: StreamHandler | undefined = undefined;

  readable(): void {
    this.handler?.readable();
  }

  writable(): void {
    this.handler?.writable();
  }

  ended(reason: Errno | 'closed'): void {
    this.handler?.ended(reason);
  }
}

const SILENT: ListenHandler = { listening() {}, incoming() {}, ended() {} };
