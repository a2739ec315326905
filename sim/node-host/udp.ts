/** Datagram sockets of a program: the calls of Node's UDP handle, over a datagram socket of the HAL. */

import { ERRNO, errnoOf } from '../../hal/errno.ts';
import type { DatagramHandler, DatagramSocket, SocketAddress } from '../../hal/network.ts';
import { addressText } from '../server/events.ts';
import { UDP, uvErrno } from './internals.ts';
import { owner } from './owner.ts';
import type { Patches } from './patch.ts';
import type { Held, SimulatedProcess } from './process.ts';
import type { OpenPort } from './world.ts';

interface SendRequest {
  oncomplete?: (error: number | null, sent: number) => void;
}

interface Out {
  address?: string;
  port?: number;
  family?: string;
}

interface NativeUdp {
  [SIMULATED]?: Udp;
  onmessage?: (this: NativeUdp, count: number, handle: NativeUdp, bytes: Uint8Array | undefined, from: object) => void;
}

/** Somebody who has sent something. */
interface Client {
  readonly id: number;
  readonly peer: SocketAddress;
  readonly sinceMs: number;
  heardMs: number;
}

const SIMULATED = Symbol('cablepull datagrams');
const BYTES_MAX = 65_536;

class Udp implements DatagramHandler, Held {
  readonly kind = 'datagram';
  readonly process: SimulatedProcess;
  readonly #handle: NativeUdp;
  /** Ends to which the program sent first. An end that answers is no client. */
  readonly #asked = new Set<string>();
  /** The others that it has heard, by their ends. */
  readonly #clients = new Map<string, Client>();
  readonly #scratch = new Uint8Array(BYTES_MAX);
  #socket: DatagramSocket | undefined = undefined;
  #address = '0.0.0.0';
  #peer: SocketAddress | undefined = undefined;
  #isReceiving = false;
  #isRefed = true;

  constructor(process: SimulatedProcess, handle: NativeUdp) {
    this.process = process;
    this.#handle = handle;
    process.handles.add(this);
  }

  bind(address: string, port: number): number {
    if (address.includes(':')) return uvErrno('EAFNOSUPPORT');
    const { network } = this.process.hal;
    const socket = network.openDatagram({ address, port }, this);
    if (socket.local === undefined) {
      socket.close();
      const other = network.openDatagram({ address, port: 0 }, SILENT);
      const errno = other.local === undefined ? 'EADDRNOTAVAIL' : 'EADDRINUSE';
      other.close();
      return uvErrno(errno);
    }
    this.#address = address;
    this.#socket = socket;
    return 0;
  }

  bound(): void {}

  ended(): void {}

  readable(): void {
    if (this.#isReceiving) this.process.called(() => this.#receive());
  }

  #receive(): void {
    if (!this.#isReceiving || this.#socket === undefined) return;
    const count = this.#socket.receive(this.#scratch);
    if (count === -ERRNO.EAGAIN || count < 0) return;
    const { sender } = this.#socket;
    if (sender !== undefined) this.#heard(sender);
    this.process.later(() => this.#receive());
    if (this.#peer !== undefined && (sender?.address !== this.#peer.address || sender.port !== this.#peer.port)) return;
    const from = { address: sender?.address, family: 'IPv4', port: sender?.port, size: count };
    this.#handle.onmessage?.call(
      this.#handle,
      count,
      this.#handle,
      Buffer.from(this.#scratch.subarray(0, count)),
      from,
    );
  }

  /**
   * Reports the sender as online, until the program says that it is not. UDP has no connection whose end could be
   * reported.
   */
  #heard(peer: SocketAddress): void {
    const end = addressText(peer);
    if (this.#asked.has(end)) return;
    const atMs = this.process.nowMs();
    const client = this.#clients.get(end);
    if (client !== undefined) {
      client.heardMs = atMs;
      return;
    }
    const id = this.process.surroundings.nextClient();
    this.#clients.set(end, { id, peer, sinceMs: atMs, heardMs: atMs });
    this.process.surroundings.tell({ kind: 'online', atMs, client: id, peer });
  }

  saysGone(words: readonly string[]): void {
    const isNamed = ({ peer }: Client): boolean => words.includes(peer.address) || words.includes(addressText(peer));
    this.#forget(isNamed, 'the program says so');
  }

  #forget(isIt: (client: Client) => boolean, why: string): void {
    const atMs = this.process.nowMs();
    for (const [end, client] of this.#clients) {
      if (!isIt(client)) continue;
      this.#clients.delete(end);
      const { id, peer, sinceMs, heardMs } = client;
      const times = { atMs, onlineMs: atMs - sinceMs, silentMs: atMs - heardMs };
      const reason = { kind: 'dropped', reason: why } as const;
      this.process.surroundings.tell({ kind: 'offline', client: id, peer, ...times, reason });
    }
  }

  receiving(on: boolean): number {
    this.#isReceiving = on;
    if (on) this.process.later(() => this.#receive());
    return 0;
  }

  connect(address: string, port: number): number {
    if (this.#socket === undefined) {
      const error = this.bind('0.0.0.0', 0);
      if (error < 0) return error;
    }
    this.#peer = { address, port };
    return 0;
  }

  disconnect(): number {
    if (this.#peer === undefined) return uvErrno('ENOTCONN');
    this.#peer = undefined;
    return 0;
  }

  send(request: SendRequest, pieces: readonly Uint8Array[], count: number, ...rest: unknown[]): number {
    const [port, address] = this.#peer === undefined ? rest : [this.#peer.port, this.#peer.address];
    if (typeof port !== 'number' || typeof address !== 'string') return uvErrno('EDESTADDRREQ');
    if (this.#socket === undefined) {
      const error = this.bind('0.0.0.0', 0);
      if (error < 0) return error;
    }
    const end = addressText({ address, port });
    if (!this.#clients.has(end)) this.#asked.add(end);
    const result =
      this.#socket?.sendTo(Buffer.concat(pieces.slice(0, count)), {
        address: address === '0.0.0.0' ? '127.0.0.1' : address,
        port,
      }) ?? 0;
    if (result < 0) return uvErrno(errnoOf(result));
    // libuv 1.x answers at once, by the number of bytes and one.
    const hasCallback = rest.at(-1) === true;
    if (hasCallback) this.process.later(() => request.oncomplete?.(null, result));
    return hasCallback ? 0 : result + 1;
  }

  getsockname(out: Out): number {
    const { local } = this.#socket ?? {};
    if (local === undefined) return uvErrno('EBADF');
    Object.assign(out, { address: this.#address, family: 'IPv4', port: local.port });
    return 0;
  }

  getpeername(out: Out): number {
    if (this.#peer === undefined) return uvErrno('ENOTCONN');
    Object.assign(out, { address: this.#peer.address, family: 'IPv4', port: this.#peer.port });
    return 0;
  }

  get openPort(): OpenPort | undefined {
    const { port } = this.#socket?.local ?? {};
    return port === undefined ? undefined : { transport: 'datagram', address: this.#address, port };
  }

  refer(on: boolean): void {
    this.#isRefed = on;
  }

  hasRef(): boolean {
    return this.#isRefed;
  }

  get holds(): boolean {
    return this.#isRefed && this.#isReceiving;
  }

  close(): void {
    this.#isReceiving = false;
    this.process.handles.delete(this);
    this.#forget(() => true, 'the program closed its socket');
    this.#socket?.close();
  }
}

const SILENT: DatagramHandler = { bound() {}, readable() {}, ended() {} };

/** The calls of a UDP handle that go to the simulated socket, once a program has used the handle. */
const CALLS: Readonly<Record<string, (udp: Udp, args: unknown[]) => unknown>> = {
  bind: (udp, [address, port]) => udp.bind(String(address), Number(port)),
  bind6: (udp) => (void udp, uvErrno('EAFNOSUPPORT')),
  connect: (udp, [address, port]) => udp.connect(String(address), Number(port)),
  connect6: (udp) => (void udp, uvErrno('EAFNOSUPPORT')),
  disconnect: (udp) => udp.disconnect(),
  send: (udp, [request, pieces, count, ...rest]) =>
    udp.send(request as SendRequest, pieces as Uint8Array[], Number(count), ...rest),
  send6: (udp) => (void udp, uvErrno('EAFNOSUPPORT')),
  recvStart: (udp) => udp.receiving(true),
  recvStop: (udp) => udp.receiving(false),
  getsockname: (udp, [out]) => udp.getsockname(out as Out),
  getpeername: (udp, [out]) => udp.getpeername(out as Out),
  setBroadcast: () => 0,
  setTTL: () => 0,
  setMulticastTTL: () => 0,
  setMulticastLoopback: () => 0,
  setMulticastInterface: () => 0,
  addMembership: () => 0,
  dropMembership: () => 0,
  getSendQueueSize: () => 0,
  getSendQueueCount: () => 0,
};

export function patchDgram(patches: Patches): void {
  const { prototype } = UDP;
  for (const [name, call] of Object.entries(CALLS)) {
    patches.replaceIfThere(
      prototype,
      name,
      (original) =>
        function (this: NativeUdp, ...args: unknown[]) {
          const udp = simulated(this);
          return udp === undefined ? original.apply(this, args) : call(udp, args);
        },
    );
  }
  // These the native handle has to hear of, too.
  for (const name of ['ref', 'unref', 'close']) {
    patches.replaceIfThere(
      prototype,
      name,
      (original) =>
        function (this: NativeUdp, ...args: unknown[]) {
          const udp = this[SIMULATED];
          if (name === 'close') udp?.close();
          else udp?.refer(name === 'ref');
          const [callback] = args;
          if (udp === undefined || typeof callback !== 'function') return original.apply(this, args);
          udp.process.later(() => void Reflect.apply(callback, this, []));
          return original.call(this);
        },
    );
  }
}

function simulated(handle: NativeUdp): Udp | undefined {
  const process = owner();
  if (handle[SIMULATED] === undefined && process !== undefined) handle[SIMULATED] = new Udp(process, handle);
  return handle[SIMULATED];
}
