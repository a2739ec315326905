/**
 * A TCP connection of a program: Node's native JSStream in place of its TCP handle, over a stream socket of the HAL.
 * All of Node above it is Node's own: net.Socket, TLS, the HTTP parser, HTTP/2.
 */

import { ERRNO, errnoOf, type Errno } from '../../hal/errno.ts';
import type { SocketAddress, StreamHandler, StreamSocket } from '../../hal/network.ts';
import type { OfflineReason } from '../server/events.ts';
import { JSStream, streams, TCP, uvErrno, type JsStream, type Request } from './internals.ts';
import { owner } from './owner.ts';
import type { Held, SimulatedProcess } from './process.ts';

const { streamBaseState: state } = streams;
const SCRATCH = new Uint8Array(65_536);
/** Node's keepalive: libuv sets TCP_KEEPINTVL to 1 s and TCP_KEEPCNT to 10 (src/unix/tcp.c, uv__tcp_keepalive). */
const KEEPALIVE = { interval: 1, count: 10 };
/** Linux's own (tcp(7)). */
const SYSTEM_KEEPALIVE = { idle: 7200, interval: 75, count: 9 };

export interface Address {
  address?: string;
  port?: number;
  family?: string;
}

interface Pending {
  readonly request: object;
  readonly pieces: Uint8Array[];
}

/** Above it, native: TLSWrap, in the part of the stream's reader. */
interface Wrapping {
  onread: (bytes: ArrayBuffer | undefined) => unknown;
}

export class TcpHandle extends JSStream implements StreamHandler, Held {
  readonly kind = 'connection';
  readonly process: SimulatedProcess;
  /** The TLSWrap that reads from it. */
  wrap: Wrapping | undefined = undefined;
  #socket: StreamSocket | undefined = undefined;
  #bound: SocketAddress | undefined = undefined;
  #connecting: Request | undefined = undefined;
  #peer: SocketAddress | undefined = undefined;
  #isReading = false;
  #isClosed = false;
  #isRefed = true;
  #end: Errno | 'closed' | undefined = undefined;
  #hasToldEnd = false;
  readonly #pending: Pending[] = [];
  #shutdownRequest: object | undefined = undefined;
  #written = 0;
  #read = 0;
  #noDelay = false;
  #typeOfService = 0;
  #pieceBytesMax = SCRATCH.length;
  #keepAlive: number | undefined = undefined;
  /** The server's client that this is, and since when; undefined at the connecting end. */
  #client: { readonly id: number; readonly sinceMs: number; heardMs: number } | undefined = undefined;

  constructor(process: SimulatedProcess) {
    super();
    this.process = process;
    process.handles.add(this);
  }

  /** A connection that a listening handle has accepted. */
  accepted(socket: StreamSocket): void {
    this.#socket = socket;
    this.#peer = socket.remote;
    const atMs = this.process.nowMs();
    this.#client = { id: this.process.surroundings.nextClient(), sinceMs: atMs, heardMs: atMs };
    this.process.surroundings.tell({ kind: 'online', atMs, client: this.#client.id, peer: this.#peer ?? NOBODY });
  }

  // ---- the HAL's handler ----

  writable(): void {
    const { local, remote } = this.#socket ?? {};
    if (this.#connecting !== undefined && local !== undefined && isOwn(local, remote)) {
      this.process.handshakes.set(local.port, () => this.#writable());
    } else {
      this.#writable();
    }
  }

  #writable(): void {
    this.process.called(() => {
      const request = this.#connecting;
      if (request === undefined) return this.#flush();
      this.#connecting = undefined;
      this.#peer = this.#socket?.remote;
      this.process.reporter?.connected(this, this.#socket?.local);
      request.oncomplete?.(0, this, request, true, true);
    });
  }

  readable(): void {
    this.#pump();
  }

  ended(reason: Errno | 'closed'): void {
    this.#end = reason;
    const request = this.#connecting;
    if (request !== undefined && reason !== 'closed') {
      this.#connecting = undefined;
      this.process.reporter?.failed(this, reason);
      this.process.called(() => request.oncomplete?.(uvErrno(reason), this, request, true, true));
      return;
    }
    if (reason !== 'closed') this.#failWrites(uvErrno(reason));
    this.#pump();
  }

  // ---- reading ----

  /** @internal Native code, or net, wants to read. */
  onreadstart(): number {
    this.#isReading = true;
    if (this.#socket !== undefined && this.#connecting === undefined) this.process.later(() => this.#pumpHere());
    return 0;
  }

  onreadstop(): number {
    this.#isReading = false;
    return 0;
  }

  #pump(): void {
    if (this.#isReading) this.process.called(() => this.#pumpHere());
  }

  /** One piece a callback: as with Node's own, ticks run between two pieces. */
  #pumpHere(): void {
    if (!this.#isReading || this.#isClosed || this.#socket === undefined || this.#connecting !== undefined) return;
    const into = this.#pieceBytesMax === SCRATCH.length ? SCRATCH : SCRATCH.subarray(0, this.#pieceBytesMax);
    const count = this.#socket.read(into);
    if (count > 0) {
      this.#read += count;
      if (this.#client !== undefined) this.#client.heardMs = this.process.nowMs();
      this.process.reporter?.received(this);
      this.readBuffer(SCRATCH.subarray(0, count));
      this.process.later(() => this.#pumpHere());
      return;
    }
    if (count === -ERRNO.EAGAIN || count === -ERRNO.ENOTCONN || this.#hasToldEnd) return;
    this.#hasToldEnd = true;
    if (count === 0) {
      this.#end ??= 'closed';
      this.process.reporter?.over(this, this.#end);
      this.emitEOF();
      return;
    }
    this.#end = errnoOf(count);
    this.process.reporter?.over(this, this.#end);
    state[streams.kReadBytesOrError] = uvErrno(this.#end);
    state[streams.kArrayBufferOffset] = 0;
    (this.wrap ?? this).onread(undefined);
  }

  // ---- writing ----

  /** Writes the bytes that fit. Returns their number, or libuv's errno. */
  #send(bytes: Uint8Array): number {
    if (this.#socket === undefined || this.#isClosed) return uvErrno('EBADF');
    this.process.reporter?.sent(this);
    let taken = 0;
    while (taken < bytes.length) {
      const count = this.#socket.write(taken === 0 ? bytes : bytes.subarray(taken));
      if (count === -ERRNO.EAGAIN) break;
      if (count < 0) return uvErrno(errnoOf(count));
      taken += count;
    }
    return taken;
  }

  /** Writes as libuv does: as many bytes as possible at once, and the rest by a request. */
  #write(request: object | null, bytes: Uint8Array): unknown {
    const taken = this.#pending.length > 0 ? 0 : this.#send(bytes);
    if (taken < 0) return this.#wrote(bytes.length, taken);
    this.#written += taken;
    if (taken === bytes.length) return this.#wrote(bytes.length, 0);
    const answer = super.writeBuffer(request, bytes.subarray(taken));
    state[streams.kBytesWritten] = bytes.length;
    return answer;
  }

  #wrote(bytes: number, error: number): number {
    state[streams.kBytesWritten] = bytes;
    state[streams.kLastWriteWasAsync] = 0;
    if (streams.kLastWriteErr !== undefined) state[streams.kLastWriteErr] = error;
    return error;
  }

  override writeBuffer(request: object | null, bytes: Uint8Array): unknown {
    return this.#write(request, bytes);
  }

  writev(request: object | null, chunks: readonly unknown[], allBuffers: boolean): unknown {
    const pieces: Uint8Array[] = [];
    if (allBuffers) for (const chunk of chunks) pieces.push(asBytes(chunk, 'utf8'));
    else for (let i = 0; i < chunks.length; i += 2) pieces.push(asBytes(chunks[i], chunks[i + 1]));
    return this.#write(request, Buffer.concat(pieces));
  }

  writeUtf8String(request: object | null, text: string): unknown {
    return this.#write(request, Buffer.from(text, 'utf8'));
  }

  writeAsciiString(request: object | null, text: string): unknown {
    return this.#write(request, Buffer.from(text, 'latin1'));
  }

  writeLatin1String(request: object | null, text: string): unknown {
    return this.#write(request, Buffer.from(text, 'latin1'));
  }

  writeUcs2String(request: object | null, text: string): unknown {
    return this.#write(request, Buffer.from(text, 'utf16le'));
  }

  /**
   * @internal Native code writes: the rest of a write of ours, or TLS, or HTTP/2. It is answered later, never from
   * within.
   */
  onwrite(request: object, buffers: readonly Uint8Array[]): number {
    const pieces = [...buffers];
    this.#pending.push({ request, pieces });
    if (this.#pending.length === 1) this.process.later(() => this.#flush());
    return 0;
  }

  #flush(): void {
    for (let next = this.#pending[0]; next !== undefined; next = this.#pending[0]) {
      for (let piece = next.pieces[0]; piece !== undefined; piece = next.pieces[0]) {
        const taken = this.#send(piece);
        if (taken < 0) return this.#failWritesHere(taken);
        this.#written += taken;
        if (taken < piece.length) {
          next.pieces[0] = piece.subarray(taken);
          return;
        }
        next.pieces.shift();
      }
      this.#pending.shift();
      this.finishWrite(next.request, 0);
    }
    this.#shutDown();
  }

  #failWrites(error: number): void {
    if (this.#pending.length > 0 || this.#shutdownRequest !== undefined)
      this.process.called(() => this.#failWritesHere(error));
  }

  #failWritesHere(error: number): void {
    for (const { request } of this.#pending.splice(0)) this.finishWrite(request, error);
    const request = this.#shutdownRequest;
    this.#shutdownRequest = undefined;
    if (request !== undefined) this.finishShutdown(request, error);
  }

  /** @internal */
  onshutdown(request: object): number {
    this.#shutdownRequest = request;
    this.process.later(() => {
      if (this.#pending.length === 0) this.#shutDown();
    });
    return 0;
  }

  #shutDown(): void {
    const request = this.#shutdownRequest;
    if (request === undefined || this.#socket === undefined) return;
    this.#shutdownRequest = undefined;
    const result = this.#socket.shutdown();
    this.finishShutdown(request, result < 0 ? uvErrno(errnoOf(result)) : 0);
  }

  /** @internal */
  isClosing(): boolean {
    return this.#isClosed;
  }

  // ---- what else net asks of a TCP handle ----

  get bytesRead(): number {
    return this.#read;
  }

  get bytesWritten(): number {
    return this.#written + this.writeQueueSize;
  }

  get writeQueueSize(): number {
    let bytes = 0;
    for (const { pieces } of this.#pending) for (const { length } of pieces) bytes += length;
    return bytes;
  }

  get fd(): number {
    return -1;
  }

  bind(address: string, port = 0): number {
    this.#bound = { address, port };
    return 0;
  }

  /** @internal Reads go into a buffer of the program's own (`onread` of net.connect): no more at once than fits. */
  override useUserBuffer(buffer: Uint8Array): void {
    this.#pieceBytesMax = Math.min(buffer.length, SCRATCH.length);
    super.useUserBuffer(buffer);
  }

  bind6(): number {
    return uvErrno('EAFNOSUPPORT');
  }

  /** Also of a path, as a pipe's: there are no unix sockets on a simulated host. */
  connect(request: Request, address: string, port?: number): number {
    if (port === undefined) {
      this.process.later(() => request.oncomplete?.(uvErrno('ENOENT'), this, request, false, false));
      return 0;
    }
    const socket = this.process.hal.network.openStream(this);
    this.#socket = socket;
    if (this.#bound !== undefined) {
      // Of a loopback address the HAL knows at the listening end alone: what connects to one comes from one.
      const isLoopback = isLoopbackAddress(this.#bound.address) && isLoopbackAddress(address);
      const result = socket.bind(isLoopback ? { address: '0.0.0.0', port: this.#bound.port } : this.#bound);
      if (result < 0) return uvErrno(errnoOf(result));
    }
    if (this.#noDelay) socket.setNoDelay(true);
    this.#connecting = request;
    const remote = { address: address === '0.0.0.0' ? '127.0.0.1' : address, port };
    this.process.reporter?.connecting(this, remote);
    const result = socket.connect(remote);
    if (result < 0) {
      this.#connecting = undefined;
      this.process.reporter?.failed(this, errnoOf(result));
      return uvErrno(errnoOf(result));
    }
    return 0;
  }

  connect6(request: Request): number {
    void request;
    return uvErrno('EAFNOSUPPORT');
  }

  getsockname(out: Address): number {
    const local = this.#socket?.local ?? this.#bound;
    if (local === undefined) return uvErrno('EBADF');
    // A connection to oneself is from oneself.
    const isLoopback = this.#peer !== undefined && isLoopbackAddress(this.#peer.address);
    return tellAddress(out, isLoopback ? { ...local, address: '127.0.0.1' } : local);
  }

  getpeername(out: Address): number {
    if (this.#peer === undefined) return uvErrno('ENOTCONN');
    return tellAddress(out, this.#peer);
  }

  setNoDelay(on: boolean): number {
    this.#noDelay = on;
    this.#socket?.setNoDelay(on);
    return 0;
  }

  setKeepAlive(on: boolean, idle: number, interval = KEEPALIVE.interval, count = KEEPALIVE.count): number {
    if (on && idle < 1) {
      // Node: 0 leaves the time as it was, two hours unless it was set before (tcp(7), tcp_keepalive_time).
      idle = this.#keepAlive ?? 7200;
    }
    this.#keepAlive = idle;
    // libuv's uv__tcp_keepalive: SO_KEEPALIVE first, with the times that the system has, and then the program's: so
    // these count from when something came last, and not from now.
    if (on) this.#socket?.setKeepAlive(SYSTEM_KEEPALIVE);
    this.#socket?.setKeepAlive(on ? { idle, interval, count } : 'off');
    return 0;
  }

  /** Nobody on a simulated network looks at it. */
  setTypeOfService(value: number): number {
    this.#typeOfService = value;
    return 0;
  }

  getTypeOfService(): number {
    return this.#typeOfService;
  }

  ref(): void {
    this.#isRefed = true;
  }

  unref(): void {
    this.#isRefed = false;
  }

  hasRef(): boolean {
    return this.#isRefed && !this.#isClosed;
  }

  get holds(): boolean {
    if (!this.hasRef()) return false;
    return (this.#isReading && !this.#hasToldEnd) || this.#connecting !== undefined || this.#pending.length > 0;
  }

  close(callback?: () => void): void {
    this.#close(callback, 'close');
  }

  reset(callback?: () => void): number {
    this.#close(callback, 'abort');
    return 0;
  }

  #close(callback: (() => void) | undefined, how: 'close' | 'abort'): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isReading = false;
    this.process.handles.delete(this);
    // Called while a host loses its power, the HAL takes no notice.
    this.#socket?.[how]();
    const connecting = this.#connecting;
    this.#connecting = undefined;
    if (connecting !== undefined) this.process.handshakes.delete(this.#socket?.local?.port ?? 0);
    if (connecting === undefined) this.process.reporter?.over(this, 'finished', 'the program closed it');
    else this.process.reporter?.failed(this, 'ETIMEDOUT');
    this.process.later(() => {
      connecting?.oncomplete?.(uvErrno('ECANCELED'), this, connecting, false, false);
      this.#failWritesHere(uvErrno('ECANCELED'));
      callback?.call(this);
      // Offline is told last, so that listeners find the program done with the connection.
      this.#tellOffline();
    });
  }

  #tellOffline(): void {
    const client = this.#client;
    if (client === undefined) return;
    this.#client = undefined;
    const atMs = this.process.nowMs();
    const peer = this.#peer ?? NOBODY;
    const onlineMs = atMs - client.sinceMs;
    this.process.surroundings.tell({
      kind: 'offline',
      atMs,
      client: client.id,
      peer,
      onlineMs,
      silentMs: atMs - client.heardMs,
      reason: this.#reason(),
    });
  }

  #reason(): OfflineReason {
    if (this.#end === undefined) return { kind: 'dropped', reason: 'the program closed the connection' };
    return this.#end === 'closed' ? { kind: 'closed', halfFrame: false } : { kind: 'error', errno: this.#end };
  }
}

const NOBODY: SocketAddress = { address: '0.0.0.0', port: 0 };

export function tellAddress(out: Address, { address, port }: SocketAddress): number {
  out.address = address;
  out.family = 'IPv4';
  out.port = port;
  return 0;
}

/** Returns whether a connection is one of a host to itself. */
export function isOwn(local: SocketAddress | undefined, remote: SocketAddress | undefined): boolean {
  return remote !== undefined && (isLoopbackAddress(remote.address) || remote.address === local?.address);
}

function isLoopbackAddress(address: string): boolean {
  return address.startsWith('127.');
}

function asBytes(chunk: unknown, encoding: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  return Buffer.from(String(chunk), typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8');
}

/** A real TCP handle, that Node made for a program before anybody asked whose it is. */
export function isRealTcp(handle: unknown): boolean {
  return typeof handle === 'object' && handle !== null && TCP.prototype.isPrototypeOf(handle);
}

/** A handle for who is running; undefined for nobody's that is simulated. */
export function newTcpHandle(): (TcpHandle & JsStream) | undefined {
  const process = owner();
  return process === undefined ? undefined : new TcpHandle(process);
}
