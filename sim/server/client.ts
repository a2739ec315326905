/**
 * One client of a port: counts what comes, decides when this client goes too far, and sends over a connection or in
 * datagrams.
 */

import { failure, type Errno } from '../../hal/errno.ts';
import type { DatagramSocket, SocketAddress, StreamHandler, StreamSocket } from '../../hal/network.ts';
import type { Agenda } from '../time/agenda.ts';
import { Row } from './client-table.ts';
import { Deadline } from './deadline.ts';
import type { OfflineReason } from './events.ts';
import { framesAhead } from './limits.ts';
import { ListNode } from './linked-list.ts';
import type { Client, ClientHandler, Service } from './protocols/protocol.ts';
import type { PortSettings } from './settings.ts';

const EAGAIN = failure('EAGAIN');
/** Address of a peer that was gone before its connection was accepted. */
export const UNKNOWN_PEER: SocketAddress = { address: '0.0.0.0', port: 0 };

/** The part of its port that a client uses. */
export interface ClientPort {
  readonly settings: PortSettings;
  readonly service: Service;
  readonly agenda: Agenda;
  /** Buffer that all clients read into. */
  readonly scratch: Uint8Array;
  now(): number;
  /** The time of the reading under way, taken once for all that is read at once. */
  readAtMs: number | undefined;
  bytesCame(client: PortClient): void;
  frameCame(client: PortClient, isBeat: boolean): void;
  dataCame(bytes: number): void;
  wentOffline(client: PortClient, reason: OfflineReason): void;
}

/** Handler of a connection that is no client yet. */
const NOBODY: ClientHandler = { received: () => undefined };

/** Entry in the list of clients that are to be sent something periodically. */
export class Turn extends ListNode<Turn> {
  readonly client: PortClient;

  constructor(client: PortClient) {
    super();
    this.client = client;
  }
}

/** There are 100,000 of them: what can be asked for, or is the same for all, has no field here. */
export abstract class PortClient extends Row<PortClient> implements Client {
  readonly id: number;
  onlineSinceMs = 0;
  /** False before the client is accepted and after it is offline. */
  isOnline = false;
  /** Entry in the periodic-send list; undefined if the protocol never pushes. */
  turn: Turn | undefined;
  beats = 0;
  handler: ClientHandler = NOBODY;
  protected readonly port: ClientPort;
  /** Frames beyond the allowed rate at the last frame, and the time of that frame. */
  #framesAhead = 0;
  #countedAtMs = 0;
  #deadline: Deadline | undefined;

  constructor(id: number, port: ClientPort) {
    super();
    this.id = id;
    this.port = port;
  }

  abstract get peer(): SocketAddress;

  /** Makes the connection a client. */
  protected comes(nowMs: number): void {
    this.onlineSinceMs = nowMs;
    this.isOnline = true;
    this.handler = this.port.service.open(this);
  }

  abstract send(bytes: Uint8Array): void;

  /** Ends what there is between it and the server; `reason` has been told, or is nobody's business. */
  protected abstract hangUp(reason: OfflineReason): void;

  /** Takes the client offline. */
  end(reason: OfflineReason): void {
    this.isOnline = false;
    this.#deadline?.clear();
    this.hangUp(reason);
  }

  frame(isBeat: boolean): void {
    if (!this.isOnline) return;
    const { settings, readAtMs } = this.port;
    // Whole milliseconds are good enough for a rate, and a small integer needs no box.
    const atMs = Math.floor(readAtMs ?? this.port.now());
    const { maxFramesPerSecond, maxFrameBurst } = settings.limits;
    this.#framesAhead = framesAhead(this.#framesAhead, atMs - this.#countedAtMs, maxFramesPerSecond);
    this.#countedAtMs = atMs;
    if (this.#framesAhead > maxFrameBurst) {
      this.goOffline({ kind: 'flood', maxFramesPerSecond, maxFrameBurst });
      return;
    }
    if (isBeat) this.beats++;
    this.port.frameCame(this, isBeat);
  }

  data(bytes: number): void {
    if (this.isOnline) this.port.dataCame(bytes);
  }

  setDeadline(atMs: number): void {
    if (!this.isOnline) return;
    this.#deadline ??= new Deadline(this.port.agenda, () => this.handler.due?.());
    this.#deadline.set(atMs);
  }

  drop(reason: string): void {
    this.goOffline({ kind: 'dropped', reason });
  }

  dropSilent(): void {
    if (this.isOnline) this.goOffline({ kind: 'silent', silentMs: this.port.now() - this.sinceMs });
  }

  dropTakenOver(by: number): void {
    this.goOffline({ kind: 'taken-over', by });
  }

  dropReported(by: readonly string[]): void {
    this.goOffline({ kind: 'reported', by });
  }

  /** Hands over the first `count` bytes that were read. */
  protected received(count: number): void {
    const { port } = this;
    port.bytesCame(this);
    const reason = this.handler.received(port.scratch, count);
    if (reason !== undefined) this.goOffline({ kind: 'bad-frame', reason });
  }

  protected goOffline(reason: OfflineReason): void {
    if (this.isOnline) this.port.wentOffline(this, reason);
  }
}

/** Bytes that a connection has not accepted yet. */
interface SendQueue {
  readonly pieces: Uint8Array[];
  bytes: number;
}

export class StreamClient extends PortClient implements StreamHandler {
  #socket: StreamSocket | undefined;
  /** Undefined for the many clients that read what they are sent. */
  #queue: SendQueue | undefined;

  get peer(): SocketAddress {
    return this.#socket?.remote ?? UNKNOWN_PEER;
  }

  accepted(socket: StreamSocket, nowMs: number): void {
    const { keepAlive, noDelay } = this.port.settings;
    this.#socket = socket;
    this.comes(nowMs);
    if (keepAlive !== 'off') socket.setKeepAlive(keepAlive);
    socket.setNoDelay(noDelay);
  }

  protected hangUp(reason: OfflineReason): void {
    this.#queue = undefined;
    switch (reason.kind) {
      case 'silent':
      case 'closed':
      case 'error':
      case 'stopped':
      case 'dropped':
      case 'taken-over':
      case 'reported':
        this.#socket?.close();
        break;
      // Nothing more is owed to these: RST frees what they hold at once.
      case 'bad-frame':
      case 'flood':
      case 'no-first-frame':
      case 'not-reading':
        this.#socket?.abort();
    }
  }

  readable(): void {
    const { port } = this;
    port.readAtMs = port.now();
    while (this.isOnline && this.#socket !== undefined) {
      const count = this.#socket.read(port.scratch);
      if (count <= 0) break;
      this.received(count);
    }
    port.readAtMs = undefined;
  }

  writable(): void {
    const queue = this.#queue;
    if (queue === undefined) return;
    const { pieces } = queue;
    for (let bytes = pieces[0]; bytes !== undefined; bytes = pieces[0]) {
      const taken = this.write(bytes);
      queue.bytes -= taken;
      if (taken < bytes.length) {
        pieces[0] = bytes.subarray(taken);
        return;
      }
      pieces.shift();
    }
    this.#queue = undefined;
  }

  ended(reason: Errno | 'closed'): void {
    if (reason === 'closed') this.goOffline({ kind: 'closed', halfFrame: this.handler.partial === true });
    else this.goOffline({ kind: 'error', errno: reason });
  }

  send(bytes: Uint8Array): void {
    if (!this.isOnline) return;
    if (this.#queue === undefined) {
      const taken = this.write(bytes);
      if (taken === bytes.length) return;
      this.#queue = { pieces: [bytes.subarray(taken)], bytes: bytes.length - taken };
    } else {
      this.#queue.pieces.push(bytes);
      this.#queue.bytes += bytes.length;
    }
    const queuedBytes = this.#queue.bytes;
    if (queuedBytes > this.port.settings.limits.maxQueuedBytes) this.goOffline({ kind: 'not-reading', queuedBytes });
  }

  /** Returns the number of bytes that the socket accepted; 0 also if it failed, which `ended` reports. */
  private write(bytes: Uint8Array): number {
    const taken = this.#socket?.write(bytes) ?? EAGAIN;
    return taken < 0 ? 0 : taken;
  }
}

/** A source address of datagrams. There is no connection to close: an offline client is forgotten. */
export class DatagramClient extends PortClient {
  readonly peer: SocketAddress;
  readonly #socket: DatagramSocket;

  constructor(id: number, port: ClientPort, socket: DatagramSocket, peer: SocketAddress) {
    super(id, port);
    this.#socket = socket;
    this.peer = peer;
  }

  accepted(nowMs: number): void {
    this.comes(nowMs);
  }

  /** A datagram of `count` bytes has come. */
  datagramCame(count: number): void {
    this.received(count);
  }

  /** Sends a datagram. A datagram that cannot be sent now is lost, as any datagram may be. */
  send(bytes: Uint8Array): void {
    if (this.isOnline) this.#socket.sendTo(bytes, this.peer);
  }

  protected hangUp(): void { /* there is nothing between it and the server */ }
}
