/**
 * The loopback's sockets: of TCP what an application can see, and no segments. What is written reserves room in
 * the peer's buffer, arrives one latency later, and the room comes back once it is read.
 */

import { failure, type Errno } from '../../hal/errno.ts';
import type {
  DatagramHandler, DatagramSocket, KeepAlive, KeepAliveSupport, ListenHandler, ListeningSocket,
  SocketAddress, StreamHandler, StreamSocket,
} from '../../hal/network.ts';
import type { Boot } from './loopback.ts';

/** Linux's tcp_retries2 of 15: how long sent data may stay unacknowledged when no TCP_USER_TIMEOUT is set. */
const RETRANSMIT_GIVE_UP_MS = 924_600;
const DATAGRAM_MAX_BYTES = 65_507;
const DATAGRAM_QUEUE_MAX = 64;

/**
 * Whether the address is a text, with a port of at least `leastPort`. Of an IPv6 address only the colons are checked.
 */
export function isAddress({ address, port }: SocketAddress, leastPort: number): boolean {
  const isText = address.includes(':') || /^(\d{1,3}\.){3}\d{1,3}$/.test(address);
  return isText && Number.isInteger(port) && port >= leastPort && port <= 65_535;
}

export class Stream implements StreamSocket {
  local: SocketAddress | undefined;
  readonly #boot: Boot;
  #handler: StreamHandler | undefined;
  #target: SocketAddress | undefined;
  #peer: Stream | undefined;
  #connecting = false;
  #error: Errno | undefined;
  #closed = false;
  #endedTold = false;
  #finSent = false;
  #finReceived = false;
  /** Chunks received and not read. `#readOffset` is the offset in the first chunk at which reading continues. */
  readonly #unread: Uint8Array[] = [];
  #readOffset = 0;
  /** Bytes that were read, but the peer does not know yet that there is room again. */
  #creditBytes = 0;
  /** Bytes taken by `write` and, as far as we know, not read by the peer. */
  #inFlightBytes = 0;
  #wantsRoom = false;
  /** Bytes taken by `write` that have not arrived, and the time since which their number has not fallen. */
  #undeliveredBytes = 0;
  #undeliveredSinceMs = 0;
  #watchingDelivery = false;
  #userTimeoutMs = 0;
  #keepAlive: KeepAlive | undefined;
  #keepAliveRun = 0;
  #heardAtMs = 0;
  #probes = 0;

  constructor(boot: Boot, handler: StreamHandler | undefined) {
    this.#boot = boot;
    this.#handler = handler;
  }

  /** Makes the listener's end of a connection request. */
  static incoming(boot: Boot, local: SocketAddress, caller: Stream): Stream {
    const stream = new Stream(boot, undefined);
    stream.local = local;
    stream.#target = caller.local;
    stream.#establish(caller);
    return stream;
  }

  get remote(): SocketAddress | undefined {
    return this.#peer === undefined ? undefined : this.#target;
  }

  bind(local: SocketAddress): number {
    if (this.local !== undefined || !isAddress(local, 0)) return failure('EINVAL');
    this.local = local;
    return 0;
  }

  connect(remote: SocketAddress): number {
    if (this.#connecting) return failure('EALREADY');
    if (this.#peer !== undefined) return failure('EISCONN');
    if (this.#closed || this.#error !== undefined || !isAddress(remote, 1)) return failure('EINVAL');
    const { host, world } = this.#boot;
    this.#connecting = true;
    this.#target = remote;
    const wish = this.local ?? { address: host.address, port: 0 };
    const { connections, listeners } = this.#boot;
    const taken = {
      has: (port: number) => listeners.has(port) || connections.has(`${port} ${remote.address} ${remote.port}`),
    };
    const local = this.#boot.claim(wish, taken);
    if (typeof local === 'string') {
      this.#boot.interrupt(() => this.#fail(local));
      return 0;
    }
    this.local = { address: host.address, port: local.port };
    connections.add(this.#connectionKey());
    world.send(this.#boot, remote.address, (to) => {
      const accepted = to.listeners.get(remote.port)?.offer(this);
      if (accepted === undefined) world.send(to, host.address, () => this.#refused());
      else accepted.#toPeer((self) => self.#connected(accepted), 'answered by RST');
    });
    world.at(world.now + world.options.connectTimeoutMs, () => { if (this.#connecting && this.#boot.running) {
      this.#fail('ETIMEDOUT');
    } });
    return 0;
  }

  read(into: Uint8Array): number {
    let count = 0;
    for (
      let chunk = this.#unread[0];
      chunk !== undefined && count < into.length && !this.#closed;
      chunk = this.#unread[0]
    ) {
      const part = chunk.subarray(this.#readOffset, this.#readOffset + into.length - count);
      into.set(part, count);
      count += part.length;
      this.#readOffset += part.length;
      if (this.#readOffset === chunk.length) {
        this.#unread.shift();
        this.#readOffset = 0;
      }
    }
    if (count > 0) {
      this.#giveCredit(count);
      return count;
    }
    if (this.#error !== undefined) return failure(this.#error);
    if (this.#closed || this.#peer === undefined) return failure('ENOTCONN');
    return this.#finReceived && this.#unread.length === 0 ? 0 : failure('EAGAIN');
  }

  write(from: Uint8Array): number {
    if (this.#error !== undefined) return failure(this.#error);
    if (this.#closed || this.#peer === undefined) return failure('ENOTCONN');
    if (this.#finSent) return failure('EPIPE');
    const { world } = this.#boot;
    const count = Math.min(from.length, world.options.bufferBytes - this.#inFlightBytes);
    if (count < from.length) this.#wantsRoom = true;
    if (count === 0) return from.length === 0 ? 0 : failure('EAGAIN');
    const bytes = from.slice(0, count);
    if (this.#undeliveredBytes === 0) this.#undeliveredSinceMs = world.now;
    this.#inFlightBytes += count;
    this.#undeliveredBytes += count;
    this.#watchDelivery();
    this.#toPeer((peer) => {
      this.#undeliveredBytes -= count;
      this.#undeliveredSinceMs = world.now;
      this.#heard();
      peer.#unread.push(bytes);
      peer.#handler?.readable();
    }, 'answered by RST');
    return count;
  }

  shutdown(): number {
    if (!this.#boot.host.capabilities.halfClose) return failure('EOPNOTSUPP');
    if (!this.#alive()) return failure('ENOTCONN');
    this.#sendFin();
    return 0;
  }

  close(): void {
    if (this.#closed) return;
    // Linux, tcp_close(): a close with unread data in the queue sends RST, not FIN (RFC 2525, section 2.17).
    if (this.#alive()) {
      if (this.#unread.length > 0) this.#toPeer((peer) => peer.#fail('ECONNRESET'));
      else this.#sendFin();
    }
    this.#closed = true;
    this.#connecting = false;
    this.#boot.connections.delete(this.#connectionKey());
  }

  abort(): void {
    if (this.#alive() && this.#boot.host.capabilities.reset) {
      this.#toPeer((peer) => peer.#fail('ECONNRESET'));
      this.#finSent = true;
    }
    this.close();
  }

  setNoDelay(): boolean {
    return true;
  }

  setKeepAlive(keepAlive: KeepAlive | 'off'): KeepAliveSupport {
    const support = this.#boot.host.capabilities.keepAlive;
    if (support === 'none') return support;
    if (keepAlive === 'off') this.#keepAlive = undefined;
    else this.#keepAlive = support === 'full' ? keepAlive : { idle: keepAlive.idle, interval: 1, count: 10 };
    this.#startKeepAlive();
    return support;
  }

  setUserTimeout(timeoutMs: number): boolean {
    if (!this.#boot.host.capabilities.userTimeout) return false;
    this.#userTimeoutMs = timeoutMs;
    this.#watchingDelivery = false;
    this.#watchDelivery();
    return true;
  }

  /** Called by `accept`: from here on there is a listener, which is told of earlier events now. */
  attach(handler: StreamHandler): void {
    this.#handler = handler;
    this.#boot.interrupt(() => {
      if (this.#unread.length > 0 || this.#finReceived) this.#tellReadable();
      if (this.#error !== undefined) this.#tellEnded(this.#error);
      else if (this.#finReceived) this.#tellEnded('closed');
    });
  }

  #connectionKey(): string {
    return `${this.local?.port} ${this.#target?.address} ${this.#target?.port}`;
  }

  #alive(): boolean {
    return this.#boot.running && !this.#closed && this.#error === undefined && this.#peer !== undefined;
  }

  /** Sends to the other end. If that does not live any more, nothing happens, or its host answers with RST. */
  #toPeer(deliver: (peer: Stream) => void, toDead: 'ignored' | 'answered by RST' = 'ignored'): void {
    const peer = this.#peer;
    if (peer === undefined) return;
    const { world } = this.#boot;
    world.send(this.#boot, peer.#boot.host.address, (to) => {
      if (peer.#alive() || peer.#connecting) {
        peer.#heard();
        deliver(peer);
      } else if (toDead === 'answered by RST') {
        world.send(to, this.#boot.host.address, () => { if (this.#boot.running) this.#fail('ECONNRESET'); });
      }
    });
  }

  #establish(peer: Stream): void {
    this.#connecting = false;
    this.#peer = peer;
    this.#heard();
    this.#startKeepAlive();
  }

  #connected(peer: Stream): void {
    this.#establish(peer);
    this.#handler?.writable();
  }

  #refused(): void {
    if (this.#connecting && this.#boot.running) this.#fail('ECONNREFUSED');
  }

  #sendFin(): void {
    if (this.#finSent) return;
    this.#finSent = true;
    this.#toPeer((peer) => {
      peer.#finReceived = true;
      peer.#tellReadable();
      peer.#tellEnded('closed');
    });
  }

  #tellReadable(): void {
    if (!this.#closed) this.#handler?.readable();
  }

  #tellEnded(reason: Errno | 'closed'): void {
    if (this.#closed || this.#endedTold || this.#handler === undefined) return;
    this.#endedTold = true;
    this.#handler.ended(reason);
  }

  #fail(errno: Errno): void {
    if (this.#closed || this.#error !== undefined) return;
    this.#connecting = false;
    this.#error = this.#boot.host.capabilities.errorReason ? errno : 'EIO';
    this.#boot.connections.delete(this.#connectionKey());
    this.#tellEnded(this.#error);
  }

  /** RFC 9293 3.8.6.2.2: the receiver offers more room only once it is worth it; here, half the window. */
  #giveCredit(count: number): void {
    this.#creditBytes += count;
    if (this.#creditBytes * 2 < this.#boot.world.options.bufferBytes) return;
    const credit = this.#creditBytes;
    this.#creditBytes = 0;
    this.#toPeer((peer) => {
      peer.#inFlightBytes -= credit;
      if (!peer.#wantsRoom) return;
      peer.#wantsRoom = false;
      peer.#handler?.writable();
    });
  }

  #heard(): void {
    this.#heardAtMs = this.#boot.world.now;
    this.#probes = 0;
  }

  /** Retransmission gives up when sent data stays unacknowledged for too long (RFC 5482; Linux's tcp_retries2). */
  #watchDelivery(): void {
    if (this.#watchingDelivery || this.#undeliveredBytes === 0) return;
    this.#watchingDelivery = true;
    const { world } = this.#boot;
    const limitMs = this.#userTimeoutMs || RETRANSMIT_GIVE_UP_MS;
    world.at(this.#undeliveredSinceMs + limitMs, () => {
      this.#watchingDelivery = false;
      if (!this.#alive() || this.#undeliveredBytes === 0) return;
      if (world.now - this.#undeliveredSinceMs >= (this.#userTimeoutMs || RETRANSMIT_GIVE_UP_MS)) {
        this.#fail('ETIMEDOUT');
      }
      else this.#watchDelivery();
    });
  }

  #startKeepAlive(): void {
    this.#keepAliveRun++;
    this.#probes = 0;
    if (this.#keepAlive !== undefined && this.#peer !== undefined) {
      this.#keepAliveAt(this.#heardAtMs + this.#keepAlive.idle * 1000);
    }
  }

  #keepAliveAt(atMs: number): void {
    const run = this.#keepAliveRun;
    this.#boot.world.at(atMs, () => { if (run === this.#keepAliveRun && this.#alive()) this.#keepAliveTick(); });
  }

  #keepAliveTick(): void {
    const { world } = this.#boot;
    if (this.#keepAlive === undefined) return;
    const { idle, interval, count } = this.#keepAlive;
    const dueMs = this.#heardAtMs + (idle + this.#probes * interval) * 1000;
    if (world.now < dueMs) {
      this.#keepAliveAt(dueMs);
    } else if (this.#undeliveredBytes > 0) {
      // RFC 1122 4.2.3.6: no probes while data is outstanding; Linux then re-arms for the whole idle time.
      this.#keepAliveAt(world.now + idle * 1000);
    } else if (this.#probes === count) {
      this.#fail('ETIMEDOUT');
    } else {
      this.#probes++;
      this.#toPeer((peer) => peer.#toPeer(() => { /* the answer: heard */ }), 'answered by RST');
      this.#keepAliveAt(world.now + interval * 1000);
    }
  }
}

export class Listener implements ListeningSocket {
  local: SocketAddress | undefined;
  readonly #boot: Boot;
  readonly #backlog: number;
  readonly #handler: ListenHandler;
  readonly #waiting: Stream[] = [];
  readonly #port: number | undefined;
  #closed = false;

  constructor(boot: Boot, local: SocketAddress, backlog: number, handler: ListenHandler) {
    this.#boot = boot;
    this.#backlog = backlog;
    this.#handler = handler;
    const claimed = boot.host.capabilities.listen ? boot.claim(local, boot.listeners) : 'EOPNOTSUPP';
    this.#port = typeof claimed === 'string' ? undefined : claimed.port;
    if (this.#port !== undefined) boot.listeners.set(this.#port, this);
    boot.interrupt(() => {
      if (this.#closed) return;
      if (typeof claimed === 'string') {
        this.#closed = true;
        handler.ended(claimed);
      } else {
        this.local = claimed;
        handler.listening();
      }
    });
  }

  /** Handles a connection request. Returns the connection that now waits, or undefined if the request is refused. */
  offer(caller: Stream): Stream | undefined {
    if (this.#closed || this.#port === undefined || this.#waiting.length >= this.#backlog) return undefined;
    const stream = Stream.incoming(this.#boot, { address: this.#boot.host.address, port: this.#port }, caller);
    this.#waiting.push(stream);
    this.#boot.interrupt(() => { if (!this.#closed) this.#handler.incoming(); });
    return stream;
  }

  accept(handler: StreamHandler): StreamSocket | undefined {
    const stream = this.#waiting.shift();
    stream?.attach(handler);
    return stream;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#port !== undefined) this.#boot.listeners.delete(this.#port);
    for (const stream of this.#waiting) stream.abort();
  }
}

export class Datagram implements DatagramSocket {
  local: SocketAddress | undefined;
  sender: SocketAddress | undefined;
  readonly #boot: Boot;
  readonly #handler: DatagramHandler;
  readonly #waiting: { readonly bytes: Uint8Array; readonly sender: SocketAddress }[] = [];
  readonly #port: number | undefined;
  #closed = false;

  constructor(boot: Boot, local: SocketAddress, handler: DatagramHandler) {
    this.#boot = boot;
    this.#handler = handler;
    const claimed = boot.host.capabilities.datagram ? boot.claim(local, boot.datagrams) : 'EOPNOTSUPP';
    this.#port = typeof claimed === 'string' ? undefined : claimed.port;
    if (this.#port !== undefined) boot.datagrams.set(this.#port, this);
    boot.interrupt(() => {
      if (this.#closed) return;
      if (typeof claimed === 'string') {
        this.#closed = true;
        handler.ended(claimed);
      } else {
        this.local = claimed;
        handler.bound();
      }
    });
  }

  receive(into: Uint8Array): number {
    const datagram = this.#waiting.shift();
    if (datagram === undefined) return failure('EAGAIN');
    this.sender = datagram.sender;
    const part = datagram.bytes.subarray(0, into.length);
    into.set(part);
    return part.length;
  }

  sendTo(from: Uint8Array, remote: SocketAddress): number {
    if (this.local === undefined || this.#closed || !isAddress(remote, 1)) return failure('EINVAL');
    if (from.length > DATAGRAM_MAX_BYTES) return failure('EMSGSIZE');
    const bytes = from.slice();
    const sender = { address: this.#boot.host.address, port: this.local.port };
    this.#boot.world.send(this.#boot, remote.address, (to) => {
      const socket = to.datagrams.get(remote.port);
      if (socket === undefined || socket.#waiting.length >= DATAGRAM_QUEUE_MAX) return;
      socket.#waiting.push({ bytes, sender });
      socket.#handler.readable();
    });
    return from.length;
  }

  close(): void {
    if (!this.#closed && this.#port !== undefined) this.#boot.datagrams.delete(this.#port);
    this.#closed = true;
  }
}
