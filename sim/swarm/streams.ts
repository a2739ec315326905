/**
 * Watches what programs write to their connections and read from them. Between a program and its HAL each byte is
 * changed by its place in the stream, and changed back at the other end: beats are all alike, and without that one that
 * came twice, or not at all, could not be told from one that came in its turn.
 */

import type { Hal } from '../../hal/hal.ts';
import type { ListeningSocket, Network, SocketAddress, StreamHandler, StreamSocket } from '../../hal/network.ts';
import type { Firmware } from '../board/board.ts';
import type { ServerProgram } from '../programs.ts';

/** One end of one connection. */
export interface StreamEnd {
  readonly host: string;
  readonly local: SocketAddress | undefined;
  readonly remote: SocketAddress | undefined;
  /** All of it, as it was on the way. */
  readonly written: Uint8Array;
  readonly read: Uint8Array;
}

export class Streams {
  readonly #ends: End[] = [];

  /** The firmware, its connections watched; `host` is the device's name. */
  watchFirmware(firmware: Firmware, host: string): Firmware {
    return (hal, onEvent) => firmware(this.#watchHal(hal, host), onEvent);
  }

  watchServer(program: ServerProgram, host: string): ServerProgram {
    return (hal, onEvent) => program(this.#watchHal(hal, host), onEvent);
  }

  /** Returns the ends of every connection that there was, in the order in which the connections began. */
  ends(): StreamEnd[] {
    return this.#ends.map((end) => end.told());
  }

  #watchHal({ clock, network, storage, random, console, system }: Hal, host: string): Hal {
    return { clock, network: this.#watchNetwork(network, host), storage, random, console, system };
  }

  #watchNetwork(network: Network, host: string): Network {
    const watch = (socket: StreamSocket): StreamSocket => {
      const end = new End(host, socket);
      this.#ends.push(end);
      return end;
    };
    return {
      capabilities: network.capabilities,
      link: network.link,
      openStream: (handler) => watch(network.openStream(handler)),
      listen: (local, backlog, handler) => watchListener(network.listen(local, backlog, handler), watch),
      openDatagram: (local, handler) => network.openDatagram(local, handler),
      lookup: (name, done) => network.lookup(name, done),
    };
  }
}

function watchListener(listener: ListeningSocket, watch: (socket: StreamSocket) => StreamSocket): ListeningSocket {
  return {
    get local() {
      return listener.local;
    },
    accept: (handler: StreamHandler) => {
      const socket = listener.accept(handler);
      return socket && watch(socket);
    },
    close: () => listener.close(),
  };
}

/** Bytes, as they come. */
class Bytes {
  #bytes = new Uint8Array(64);
  length = 0;

  add(bytes: Uint8Array): void {
    const end = this.length + bytes.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.length);
    this.length = end;
  }

  all(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
}

class End implements StreamSocket {
  readonly #host: string;
  readonly #socket: StreamSocket;
  readonly #written = new Bytes();
  readonly #read = new Bytes();
  /** A socket forgets them when its connection fails. */
  #local: SocketAddress | undefined = undefined;
  #remote: SocketAddress | undefined = undefined;

  constructor(host: string, socket: StreamSocket) {
    this.#host = host;
    this.#socket = socket;
    this.#note();
  }

  told(): StreamEnd {
    return {
      host: this.#host,
      local: this.#local,
      remote: this.#remote,
      written: this.#written.all(),
      read: this.#read.all(),
    };
  }

  get local(): SocketAddress | undefined {
    return this.#socket.local;
  }

  get remote(): SocketAddress | undefined {
    return this.#socket.remote;
  }

  bind(local: SocketAddress): number {
    return this.#socket.bind(local);
  }

  connect(remote: SocketAddress): number {
    return this.#socket.connect(remote);
  }

  read(into: Uint8Array): number {
    const count = this.#socket.read(into);
    if (count <= 0) return count;
    this.#note();
    const bytes = into.subarray(0, count);
    const from = this.#read.length;
    this.#read.add(bytes);
    mask(bytes, from);
    return count;
  }

  write(from: Uint8Array): number {
    const masked = from.slice();
    mask(masked, this.#written.length);
    const count = this.#socket.write(masked);
    if (count > 0) {
      this.#note();
      this.#written.add(masked.subarray(0, count));
    }
    return count;
  }

  shutdown(): number {
    return this.#socket.shutdown();
  }

  close(): void {
    this.#socket.close();
  }

  abort(): void {
    this.#socket.abort();
  }

  setNoDelay(on: boolean): boolean {
    return this.#socket.setNoDelay(on);
  }

  setKeepAlive(keepAlive: Parameters<StreamSocket['setKeepAlive']>[0]): ReturnType<StreamSocket['setKeepAlive']> {
    return this.#socket.setKeepAlive(keepAlive);
  }

  setUserTimeout(timeoutMs: number): boolean {
    return this.#socket.setUserTimeout(timeoutMs);
  }

  #note(): void {
    this.#local ??= this.#socket.local;
    this.#remote ??= this.#socket.remote;
  }
}

/** Changes bytes by their places in the stream; twice is once too often: it changes them back. */
function mask(bytes: Uint8Array, from: number): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] ?? 0) ^ (Math.imul(from + i + 1, 0x9e3779b1) >>> 24);
}
