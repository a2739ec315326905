/**
 * A TCP socket over net.Socket. There may be thousands in one process, so a socket costs no closures (the
 * listeners are shared, and find the stream by `owner`), and no read buffer (see `received`).
 */

import { Socket } from 'node:net';
import { failure } from '../errno.ts';
import type { Errno } from '../errno.ts';
import type { KeepAlive, KeepAliveSupport, SocketAddress, StreamHandler, StreamSocket } from '../network.ts';
import { familyOf, socketAddressOf } from './address.ts';
import { byteFifo, copyBytes } from './byte-fifo.ts';
import type { ByteFifo } from './byte-fifo.ts';
import { errnoOfError } from './errno.ts';
import { warnOnce } from './home.ts';
import type { Droppable, Home } from './home.ts';

/**
 * Most bytes that a stream accepts before the kernel has them. It is the writableHighWaterMark too, because only a
 * write that reaches that mark makes Node emit `drain`.
 */
export const WRITE_BOUND_BYTES = 64 * 1024;

/** Unread bytes beyond which the socket is not read any more, so that TCP holds the peer back. */
const UNREAD_BOUND_BYTES = 64 * 1024;

/** Time that a closed socket has to send its remaining bytes before they are dropped. */
const LINGER_MS = 10_000;

/** The largest values that Linux takes (include/net/tcp.h: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL, MAX_TCP_KEEPCNT). */
const KEEPALIVE_MAX_SECONDS = 32767;
const KEEPALIVE_MAX_COUNT = 127;

/**
 * Node 26.4 and late 24 take (enable, initialDelay, interval, count); before, only (enable, initialDelay),
 * and libuv then sends 10 probes, 1 s apart.
 */
export const KEEPALIVE_SUPPORT: KeepAliveSupport = Socket.prototype.setKeepAlive.length >= 4 ? 'full' : 'idle';

type OwnedSocket = Socket & { owner: NodeStream | undefined };

export class NodeStream implements StreamSocket, Droppable {
  readonly #home: Home;
  readonly #handler: StreamHandler;
  readonly #socket: OwnedSocket;
  #state: 'new' | 'connecting' | 'connected' | 'over' = 'new';
  #errno: Errno | undefined;
  #finReceived = false;
  #wantsRoom = false;
  #paused = false;
  #unread: ByteFifo | undefined;
  #bound: SocketAddress | undefined;
  #local: SocketAddress | undefined;
  #remote: SocketAddress | undefined;

  /** A new stream, or one around a socket that a server accepted. */
  constructor(home: Home, handler: StreamHandler, accepted?: Socket) {
    this.#home = home;
    this.#handler = handler;
    this.#socket = Object.assign(accepted ?? new Socket(CLIENT_OPTIONS), { owner: this });
    this.#socket.on('end', onEnd).on('error', onError).on('drain', onDrain);
    if (accepted === undefined) {
      this.#socket.on('connect', onConnect);
    } else {
      this.#state = 'connected';
      this.#remote = socketAddressOf({ address: accepted.remoteAddress, port: accepted.remotePort });
      // Node offers `onread` to sockets that connect only.
      this.#socket.on('data', onData).resume();
    }
    home.open.add(this);
  }

  get local(): SocketAddress | undefined {
    if (this.#state === 'connected') this.#local ??= socketAddressOf(this.#socket.address());
    return this.#local;
  }

  get remote(): SocketAddress | undefined {
    return this.#state === 'connecting' ? undefined : this.#remote;
  }

  bind(local: SocketAddress): number {
    if (this.#state !== 'new' || familyOf(local) === 0) return failure('EINVAL');
    this.#bound = { address: local.address, port: local.port };
    return 0;
  }

  connect(remote: SocketAddress): number {
    switch (this.#state) {
      case 'connecting':
        return failure('EALREADY');
      case 'connected':
        return failure('EISCONN');
      case 'over':
        return failure('EINVAL');
      case 'new':
    }
    const family = familyOf(remote);
    if (family === 0 || remote.port === 0) return failure('EINVAL');
    const bound = this.#bound;
    if (bound !== undefined && familyOf(bound) !== family) return failure('EINVAL');
    this.#state = 'connecting';
    this.#remote = { address: remote.address, port: remote.port };
    this.#socket.connect({
      host: remote.address,
      port: remote.port,
      ...(bound !== undefined && { localAddress: bound.address, localPort: bound.port }),
    });
    return 0;
  }

  read(into: Uint8Array): number {
    // 0 would mean that the peer has closed.
    if (into.length === 0) return failure('EINVAL');
    if (arriving.stream === this && arriving.start < arriving.end) {
      const count = Math.min(into.length, arriving.end - arriving.start);
      copyBytes(into, arriving.bytes, arriving.start, count);
      arriving.start += count;
      return count;
    }
    const unread = this.#unread;
    if (unread !== undefined && unread.lengthBytes > 0) {
      const count = unread.shift(into);
      if (unread.lengthBytes === 0) this.#unread = undefined;
      if (this.#paused && unread.lengthBytes < UNREAD_BOUND_BYTES / 2) {
        this.#paused = false;
        this.#socket.resume();
      }
      return count;
    }
    if (this.#finReceived) return 0;
    if (this.#errno !== undefined) return failure(this.#errno);
    return failure(this.#state === 'connected' ? 'EAGAIN' : 'ENOTCONN');
  }

  write(from: Uint8Array): number {
    if (this.#errno !== undefined) return failure(this.#errno);
    if (this.#state !== 'connected') return failure('ENOTCONN');
    if (this.#socket.writableEnded) return failure('EPIPE');
    const roomBytes = WRITE_BOUND_BYTES - this.#socket.writableLength;
    const count = Math.min(from.length, roomBytes);
    if (count < from.length) this.#wantsRoom = true;
    if (count === 0) return from.length === 0 ? 0 : failure('EAGAIN');
    const isBelowMark = writeCopy(this.#socket, from, count);
    // If the kernel took the bytes at once, the stream stays below its mark, and no `drain` follows.
    if (isBelowMark && this.#wantsRoom) process.nextTick(drained, this.#socket);
    return count;
  }

  shutdown(): number {
    if (this.#state !== 'connected') return failure('ENOTCONN');
    this.#socket.end();
    return 0;
  }

  close(): void {
    const wasConnected = this.#state === 'connected';
    if (!this.#leave()) return;
    if (!wasConnected) {
      this.#socket.destroy();
      return;
    }
    // Received bytes that nobody will read are taken off the kernel, which would turn the FIN into a reset.
    if (this.#paused) this.#socket.resume();
    if (this.#socket.writableLength > 0) setTimeout(destroy, LINGER_MS, this.#socket).unref();
    this.#socket.destroySoon();
  }

  abort(): void {
    const wasConnected = this.#state === 'connected';
    if (!this.#leave()) return;
    const socket = this.#socket;
    if (!wasConnected || socket.destroyed) {
      socket.destroy();
    } else if (socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished) {
      // libuv refuses a reset while its shutdown is under way (UV_EINVAL of uv_tcp_close_reset), and Node then leaves
      // the handle open forever. With nothing left to send, the shutdown is over in a moment.
      socket.once('finish', reset);
    } else {
      socket.resetAndDestroy();
    }
  }

  drop(): void {
    this.abort();
  }

  setNoDelay(on: boolean): boolean {
    if (this.#socket.destroyed) return false;
    this.#socket.setNoDelay(on);
    return true;
  }

  setKeepAlive(keepAlive: KeepAlive | 'off'): KeepAliveSupport {
    if (this.#socket.destroyed) return 'none';
    if (keepAlive === 'off') {
      this.#socket.setKeepAlive(false);
      return KEEPALIVE_SUPPORT;
    }
    const { idle, interval, count } = keepAlive;
    const tooLong = Math.max(idle, interval) > KEEPALIVE_MAX_SECONDS || count > KEEPALIVE_MAX_COUNT;
    if (tooLong || Math.min(idle, interval, count) < 1) return 'none';
    // Reflect.apply, because Node 20's types know the short form only.
    Reflect.apply(this.#socket.setKeepAlive, this.#socket, [true, idle * 1000, interval * 1000, count]);
    if (KEEPALIVE_SUPPORT !== 'full') {
      warnOnce(
        this.#home,
        'keepalive',
        `TCP keepalive: Node ${process.version} can set the idle time (${idle} s) but not the rest: ` +
          `probes go 1 s apart and 10 of them, not ${interval} s apart and ${count} of them. ` +
          'Node 26.4 and late versions of Node 24 can set all three.',
      );
    }
    return KEEPALIVE_SUPPORT;
  }

  setUserTimeout(timeoutMs: number): boolean {
    if (timeoutMs !== 0) {
      warnOnce(
        this.#home,
        'user-timeout',
        'TCP_USER_TIMEOUT: Node cannot set it; the kernel gives up by its own rule.',
      );
    }
    return false;
  }

  /** @internal */
  connected(): void {
    this.#state = 'connected';
    this.#handler.writable();
  }

  /** @internal */
  drained(): void {
    if (!this.#wantsRoom || this.#errno !== undefined || this.#socket.writableEnded) return;
    this.#wantsRoom = false;
    this.#handler.writable();
  }

  /**
   * The first `count` of `bytes` arrived; the memory is good until this returns. Reads that the firmware makes
   * from within `readable` are served from it directly; what it leaves is copied.
   * @internal
   */
  received(bytes: Uint8Array, count: number): void {
    let start = 0;
    if (this.#unread === undefined) {
      arriving.stream = this;
      arriving.bytes = bytes;
      arriving.start = 0;
      arriving.end = count;
      try {
        this.#handler.readable();
      } finally {
        start = arriving.start;
        arriving.stream = undefined;
        arriving.bytes = NO_BYTES;
      }
      if (start < count) this.#keep(bytes.subarray(start, count));
    } else {
      this.#keep(bytes.subarray(0, count));
      this.#handler.readable();
    }
  }

  #keep(bytes: Uint8Array): void {
    if (this.#socket.owner === undefined) return;
    this.#unread ??= byteFifo();
    this.#unread.push(bytes);
    if (this.#unread.lengthBytes >= UNREAD_BOUND_BYTES && !this.#paused) {
      this.#paused = true;
      this.#socket.pause();
    }
  }

  /**
   * Node says that the peer has closed; but when bytes and a reset come in one poll, libuv takes the reset for the end
   * of file (uv__stream_io). Writing nothing tells them apart: after a reset it fails with ECONNRESET. Where writes are
   * queued, they fail by themselves in this turn of the loop.
   * @internal
   */
  ended(): void {
    if (this.#socket.writableEnded) this.#closedByPeer();
    else if (this.#socket.writableLength > 0) setImmediate(() => this.#closedByPeer());
    else this.#socket.write(NO_BYTES, () => this.#closedByPeer());
  }

  #closedByPeer(): void {
    if (this.#errno !== undefined || this.#socket.owner === undefined || this.#socket.errored !== null) return;
    this.#finReceived = true;
    this.#handler.readable();
    if (this.#socket.owner !== undefined) this.#handler.ended('closed');
  }

  /** @internal */
  failed(error: Error): void {
    const errno = errnoOfError(error);
    if (this.#state === 'connecting') this.#remote = undefined;
    // Linux reports a reset that follows the peer's FIN as EPIPE (tcp_reset, in state CLOSE-WAIT).
    this.#errno = errno === 'EPIPE' ? 'ECONNRESET' : errno;
    this.#state = 'over';
    if (!this.#finReceived) this.#handler.ended(this.#errno);
  }

  /** Stops all callbacks. Returns false if they had stopped before. */
  #leave(): boolean {
    if (this.#socket.owner === undefined) return false;
    this.#socket.owner = undefined;
    this.#home.open.delete(this);
    this.#state = 'over';
    this.#unread = undefined;
    if (arriving.stream === this) arriving.start = arriving.end;
    return true;
  }
}

const NO_BYTES = new Uint8Array(0);

/** Up to so many bytes are copied to a buffer that is used again: to make one costs more than to send its bytes. */
const COPY_KEPT_MAX_BYTES = 64;

/** The buffers for short writes, by their length. */
const copies: (Buffer | undefined)[] = [];

/** Writes a copy of the first `count` of `from`. Returns whether the socket is below its mark. */
function writeCopy(socket: Socket, from: Uint8Array, count: number): boolean {
  if (count > COPY_KEPT_MAX_BYTES) {
    return socket.write(Buffer.from(count === from.length ? from : from.subarray(0, count)));
  }
  const copy = (copies[count] ??= Buffer.alloc(count));
  copyBytes(copy, from, 0, count);
  const isBelowMark = socket.write(copy);
  // Bytes that the kernel did not take at once are sent from the buffer later, so the next write needs another one.
  if (socket.writableLength > 0) copies[count] = undefined;
  return isBelowMark;
}

/** Bytes that are arriving now: `readable` is being called, and this stream's reads are served from `bytes`. */
const arriving: { stream: NodeStream | undefined; bytes: Uint8Array; start: number; end: number } = {
  stream: undefined,
  bytes: NO_BYTES,
  start: 0,
  end: 0,
};

/**
 * `onread` makes Node read into one buffer, shared by all sockets, instead of a new one for each arrival
 * (doc/api/net.md, new net.Socket). Half-open, so that the peer's FIN does not send ours.
 */
const CLIENT_OPTIONS = {
  allowHalfOpen: true,
  writableHighWaterMark: WRITE_BOUND_BYTES,
  onread: { buffer: new Uint8Array(64 * 1024), callback: onRead },
};

/** Node stops reading by itself when this gives false; `pause()` within it has done so already. */
function onRead(this: OwnedSocket | void, count: number, bytes: Uint8Array): boolean {
  if (this === undefined) throw new Error('Node calls the onread callback as a method of its socket');
  this.owner?.received(bytes, count);
  return true;
}

function onConnect(this: OwnedSocket): void {
  this.owner?.connected();
}

function onData(this: OwnedSocket, chunk: Uint8Array): void {
  this.owner?.received(chunk, chunk.length);
}

function onDrain(this: OwnedSocket): void {
  drained(this);
}

function drained(socket: OwnedSocket): void {
  socket.owner?.drained();
}

function onEnd(this: OwnedSocket): void {
  this.owner?.ended();
}

function onError(this: OwnedSocket, error: Error): void {
  this.owner?.failed(error);
}

function destroy(socket: Socket): void {
  socket.destroy();
}

function reset(this: Socket): void {
  this.resetAndDestroy();
}
