/** One client's connection: reads, writes and counts, and decides when this client goes too far. */

import { failure, type Errno } from '../../hal/errno.ts';
import type { SocketAddress, StreamHandler, StreamSocket } from '../../hal/network.ts';
import { Link } from './chain.ts';
import type { Conversation, Conversations, Partner } from './conversation.ts';
import type { Entry } from './client-table.ts';
import type { OfflineReason } from './events.ts';
import { framesAhead } from './limits.ts';
import type { ServerSettings } from './settings.ts';

const EAGAIN = failure('EAGAIN');
/** Of a peer that had gone before it was accepted. */
export const UNKNOWN_PEER: SocketAddress = { address: '0.0.0.0', port: 0 };

/** What a connection needs of its server. */
export interface Owner {
  readonly settings: ServerSettings;
  readonly conversations: Conversations;
  /** Where everyone reads into. */
  readonly scratch: Uint8Array;
  now(): number;
  /** The time of the reading under way, taken once for all that is read at once. */
  readAtMs: number;
  bytesCame(connection: Connection): void;
  frameCame(connection: Connection, isBeat: boolean): void;
  dataCame(bytes: number): void;
  wentOffline(connection: Connection, reason: OfflineReason): void;
}

/** In the chain of those to whom something is due to be sent. */
export class Turn extends Link<Turn> {
  readonly connection: Connection;

  constructor(connection: Connection) {
    super();
    this.connection = connection;
  }
}

/** There are 100,000 of them: what can be asked for, or is the same for all, has no field here. */
export class Connection implements StreamHandler, Partner {
  readonly id: number;
  onlineSinceMs = 0;
  /** Its row in the table; none before it is accepted and after it is off line. */
  entry: Entry<Connection> | undefined;
  /** Its place among those to whom something is due to be sent; none where nothing ever is. */
  turn: Turn | undefined;
  beats = 0;
  readonly conversation: Conversation;
  readonly #owner: Owner;
  /** Of the allowed rate of frames: how many it was ahead, and when that was. */
  #framesAhead = 0;
  #countedAtMs = 0;
  #socket: StreamSocket | undefined;
  /** What the connection did not take yet; undefined for the many who read what they are sent. */
  #queue: Uint8Array[] | undefined;
  #queuedBytes = 0;

  constructor(id: number, owner: Owner) {
    this.id = id;
    this.#owner = owner;
    this.conversation = owner.conversations.open(this);
  }

  get peer(): SocketAddress {
    return this.#socket?.remote ?? UNKNOWN_PEER;
  }

  accepted(socket: StreamSocket, nowMs: number, entry: Entry<Connection>): void {
    const { keepAlive, noDelay } = this.#owner.settings;
    this.#socket = socket;
    this.onlineSinceMs = nowMs;
    this.entry = entry;
    if (keepAlive !== 'off') socket.setKeepAlive(keepAlive);
    socket.setNoDelay(noDelay);
  }

  /** Ends the connection; `reason` has been told, or is nobody's business. */
  end(reason: OfflineReason): void {
    this.entry = undefined;
    this.#queue = undefined;
    switch (reason.kind) {
      case 'silent':
      case 'closed':
      case 'error':
      case 'stopped':
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
    const owner = this.#owner;
    owner.readAtMs = owner.now();
    while (this.entry !== undefined && this.#socket !== undefined) {
      const count = this.#socket.read(owner.scratch);
      if (count <= 0) return;
      owner.bytesCame(this);
      const reason = this.conversation.received(owner.scratch, count);
      if (reason !== undefined) this.#goOffline({ kind: 'bad-frame', reason });
    }
  }

  writable(): void {
    const queue = this.#queue;
    for (let bytes = queue?.[0]; bytes !== undefined && queue !== undefined; bytes = queue[0]) {
      const taken = this.#write(bytes);
      this.#queuedBytes -= taken;
      if (taken < bytes.length) {
        queue[0] = bytes.subarray(taken);
        return;
      }
      queue.shift();
    }
    this.#queue = undefined;
  }

  ended(reason: Errno | 'closed'): void {
    if (reason === 'closed') this.#goOffline({ kind: 'closed', halfFrame: this.conversation.partial });
    else this.#goOffline({ kind: 'error', errno: reason });
  }

  frame(isBeat: boolean): void {
    if (this.entry === undefined) return;
    const { settings } = this.#owner;
    // Whole milliseconds are good enough for a rate, and a small integer needs no box.
    const readAtMs = Math.floor(this.#owner.readAtMs);
    const { maxFramesPerSecond, maxFrameBurst } = settings.limits;
    this.#framesAhead = framesAhead(this.#framesAhead, readAtMs - this.#countedAtMs, maxFramesPerSecond);
    this.#countedAtMs = readAtMs;
    if (this.#framesAhead > maxFrameBurst) {
      this.#goOffline({ kind: 'flood', maxFramesPerSecond, maxFrameBurst });
      return;
    }
    if (isBeat) this.beats++;
    this.#owner.frameCame(this, isBeat);
  }

  data(bytes: number): void {
    if (this.entry !== undefined) this.#owner.dataCame(bytes);
  }

  send(bytes: Uint8Array): void {
    if (this.entry === undefined) return;
    if (this.#queue === undefined) {
      const taken = this.#write(bytes);
      if (taken === bytes.length) return;
      this.#queue = [bytes.subarray(taken)];
      this.#queuedBytes = bytes.length - taken;
    } else {
      this.#queue.push(bytes);
      this.#queuedBytes += bytes.length;
    }
    if (this.#queuedBytes > this.#owner.settings.limits.maxQueuedBytes) {
      this.#goOffline({ kind: 'not-reading', queuedBytes: this.#queuedBytes });
    }
  }

  /** How many bytes the socket took; none either when it failed, which `ended` tells. */
  #write(bytes: Uint8Array): number {
    const taken = this.#socket?.write(bytes) ?? EAGAIN;
    return taken < 0 ? 0 : taken;
  }

  #goOffline(reason: OfflineReason): void {
    if (this.entry !== undefined) this.#owner.wentOffline(this, reason);
  }
}
