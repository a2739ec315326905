/** One port of the server: a service, its clients, and their liveness. */

import type { Hal } from '../../hal/hal.ts';
import type { Errno } from '../../hal/errno.ts';
import type { DatagramSocket, ListeningSocket, SocketAddress, StreamHandler } from '../../hal/network.ts';
import type { Agenda } from '../time/agenda.ts';
import { DatagramClient, type ClientPort, type PortClient, StreamClient, Turn, UNKNOWN_PEER } from './client.ts';
import { ClientTable } from './client-table.ts';
import { Deadline } from './deadline.ts';
import type { OfflineReason, ServerEvent } from './events.ts';
import type { Limits } from './limits.ts';
import { LinkedList } from './linked-list.ts';
import type { Service, ServiceHost } from './protocols/protocol.ts';
import type { PortSettings } from './settings.ts';

/** Handler of a connection that is accepted only to be reset. */
const TURNED_AWAY: StreamHandler = { readable() {}, writable() {}, ended() {} };

/** The part of its server that a port uses. */
export interface PortHost {
  readonly hal: Pick<Hal, 'clock' | 'network'>;
  readonly agenda: Agenda;
  readonly scratch: Uint8Array;
  readonly statistics: ServerStatistics;
  /** The number of the client that came last. */
  lastId: number;
  tell(event: ServerEvent): void;
}

export interface ServerStatistics {
  accepted: number;
  refused: number;
  /** Beats, or lines answered. */
  beats: number;
  dataFrames: number;
  dataBytes: number;
  pushes: number;
  unanswered: number;
  readonly offline: Record<OfflineReason['kind'], number>;
}

export interface ClientRow {
  readonly client: number;
  readonly peer: SocketAddress;
  readonly onlineMs: number;
  readonly silentMs: number;
  readonly beats: number;
}

export class ServerPort implements ClientPort, ServiceHost {
  readonly settings: PortSettings;
  readonly service: Service;
  readonly agenda: Agenda;
  readonly scratch: Uint8Array;
  readonly #host: PortHost;
  readonly #socket: ListeningSocket | DatagramSocket;
  #clientCount = 0;
  /** Clients of a datagram port, by address. */
  readonly #byAddress = new Map<string, DatagramClient>();
  readonly #table: ClientTable<PortClient>;
  /** Everyone, where clients have turns: in the order of the last one. */
  readonly #turns = new LinkedList<Turn>();
  readonly #turnIntervalMs: number;
  /** Next deadline of the table and of the periodic sends. A beat never makes it earlier. */
  readonly #nextDue: Deadline;
  #serviceDue: Deadline | undefined;
  readAtMs: number | undefined = undefined;
  #stopped = false;

  constructor(host: PortHost, settings: PortSettings) {
    const { local, liveness, limits, protocol, service } = settings;
    this.settings = settings;
    this.#host = host;
    this.agenda = host.agenda;
    this.scratch = host.scratch;
    this.service = protocol.server.serve(service, this);
    this.#turnIntervalMs = this.service.turnIntervalMs ?? Infinity;
    this.#table = new ClientTable(liveness, limits.firstFrameMs, this.now());
    this.#nextDue = new Deadline(host.agenda, () => this.#due());
    this.#socket = protocol.server.transport === 'stream' ? this.#listen(local) : this.#bind(local);
    this.#setDue();
  }

  get limits(): Limits {
    return this.settings.limits;
  }

  get local(): SocketAddress | undefined {
    return this.#socket.local;
  }

  clients(): ClientRow[] {
    const nowMs = this.now();
    return this.#all().map((client) => ({
      client: client.id,
      peer: client.peer,
      onlineMs: nowMs - client.onlineSinceMs,
      silentMs: nowMs - client.sinceMs,
      beats: client.beats,
    }));
  }

  /** Sends data to one client or to all; gives to how many. Throws where the protocol has no such thing. */
  push(to: number | 'all', data: Uint8Array): number {
    const bytes = this.service.message?.(data);
    if (bytes === undefined) throw new Error(`${this.settings.protocol.device.name} has no message to push data in`);
    const clients = to === 'all' ? this.#all() : this.#table.all().filter(({ id }) => id === to);
    for (const one of clients) {
      this.#host.statistics.pushes++;
      one.send(bytes);
    }
    return clients.length;
  }

  stop(): void {
    this.#stopped = true;
    this.#socket.close();
    for (const client of this.#all()) this.wentOffline(client, { kind: 'stopped' });
    this.#nextDue.clear();
    this.#serviceDue?.clear();
  }

  /** The clients in the order in which they came; made when asked for, as nothing that is done for each beat asks. */
  #all(): PortClient[] {
    return this.#table.all().toSorted((a, b) => a.id - b.id);
  }

  // ---- for the service ----

  now(): number {
    return this.readAtMs ?? this.agenda.now();
  }

  setDeadline(atMs: number): void {
    if (this.#stopped) return;
    this.#serviceDue ??= new Deadline(this.agenda, () => this.service.due?.());
    this.#serviceDue.set(atMs);
  }

  tell(event: ServerEvent): void {
    this.#host.tell(event);
  }

  // ---- for clients ----

  bytesCame(client: PortClient): void {
    if (client.isOnline) this.#table.bytes(client, this.now());
  }

  frameCame(client: PortClient, isBeat: boolean): void {
    const { statistics } = this.#host;
    const nowMs = this.now();
    if (!client.isOnline) return;
    if (!isBeat) {
      statistics.dataFrames++;
      this.#table.frame(client, nowMs);
      return;
    }
    statistics.beats++;
    this.#table.beat(client, nowMs);
    if (this.settings.beatEvents) this.tell({ kind: 'beat', atMs: nowMs, client: client.id, peer: client.peer });
  }

  dataCame(bytes: number): void {
    this.#host.statistics.dataBytes += bytes;
  }

  wentOffline(client: PortClient, reason: OfflineReason): void {
    const { id, peer, sinceMs } = client;
    if (!client.isOnline) return;
    const atMs = this.agenda.now();
    this.#table.remove(client);
    if (client.turn !== undefined) this.#turns.remove(client.turn);
    this.#clientCount--;
    if (client instanceof DatagramClient) this.#byAddress.delete(keyOf(peer));
    this.#host.statistics.offline[reason.kind]++;
    client.end(reason);
    const onlineMs = atMs - client.onlineSinceMs;
    this.tell({ kind: 'offline', atMs, client: id, peer, onlineMs, silentMs: atMs - sinceMs, reason });
    // After that is told: what follows from it, as a will does, comes later.
    client.handler.ended?.(reason);
  }

  // ---- connections ----

  #listen(local: SocketAddress): ListeningSocket {
    const socket = this.#host.hal.network.listen(local, this.settings.backlog, {
      listening: () => this.#listening(),
      incoming: () => this.#acceptAll(socket),
      ended: (errno) => this.#failed(errno),
    });
    return socket;
  }

  #acceptAll(listener: ListeningSocket): void {
    while (!this.#stopped) {
      const isFull = this.#clientCount >= this.limits.maxConnections;
      const client = isFull ? undefined : new StreamClient(this.#host.lastId + 1, this);
      const socket = listener.accept(client ?? TURNED_AWAY);
      if (socket === undefined) break;
      if (client === undefined) {
        const peer = socket.remote ?? UNKNOWN_PEER;
        socket.abort();
        this.#refuse(peer);
        continue;
      }
      const atMs = this.agenda.now();
      this.#table.add(client, atMs);
      client.accepted(socket, atMs);
      this.#isOnline(client, atMs);
    }
    this.#setDue();
  }

  // ---- datagrams ----

  #bind(local: SocketAddress): DatagramSocket {
    const socket = this.#host.hal.network.openDatagram(local, {
      bound: () => this.#listening(),
      readable: () => this.#receiveAll(socket),
      ended: (errno) => this.#failed(errno),
    });
    return socket;
  }

  #receiveAll(socket: DatagramSocket): void {
    this.readAtMs = this.agenda.now();
    for (let count = socket.receive(this.scratch); count >= 0 && !this.#stopped; count = socket.receive(this.scratch)) {
      const peer = socket.sender;
      if (peer === undefined) continue;
      const client = this.#byAddress.get(keyOf(peer)) ?? this.#newSender(socket, peer, this.readAtMs);
      client?.datagramCame(count);
    }
    this.readAtMs = undefined;
    this.#setDue();
  }

  /** Returns undefined if the sender is turned away. */
  #newSender(socket: DatagramSocket, peer: SocketAddress, atMs: number): DatagramClient | undefined {
    if (this.#clientCount >= this.limits.maxConnections) {
      this.#refuse(peer);
      return undefined;
    }
    const client = new DatagramClient(this.#host.lastId + 1, this, socket, peer);
    this.#byAddress.set(keyOf(peer), client);
    this.#table.add(client, atMs);
    client.accepted(atMs);
    this.#isOnline(client, atMs);
    return client;
  }

  // ---- both ----

  #listening(): void {
    this.tell({ kind: 'listening', atMs: this.agenda.now(), local: this.local ?? this.settings.local });
  }

  #failed(errno: Errno): void {
    this.tell({ kind: 'failed', atMs: this.agenda.now(), local: this.settings.local, errno });
  }

  #isOnline(client: PortClient, atMs: number): void {
    this.#host.statistics.accepted++;
    this.#host.lastId = client.id;
    this.#clientCount++;
    this.tell({ kind: 'online', atMs, client: client.id, peer: client.peer });
    if (!client.isOnline) return;
    if (this.#turnIntervalMs < Infinity) this.#turns.append((client.turn = new Turn(client)), atMs);
    client.handler.begin?.();
  }

  #refuse(peer: SocketAddress): void {
    this.#host.statistics.refused++;
    this.tell({ kind: 'refused', atMs: this.agenda.now(), peer, maxConnections: this.limits.maxConnections });
  }

  #setDue(): void {
    if (this.#stopped) return;
    const turnMs = (this.#turns.first?.sinceMs ?? Infinity) + this.#turnIntervalMs;
    this.#nextDue.set(Math.min(this.#table.nextDueMs(), turnMs));
  }

  #due(): void {
    const nowMs = this.agenda.now();
    this.#table.expire(nowMs, (client, why, sinceMs) => {
      const ms = nowMs - sinceMs;
      this.wentOffline(client, why === 'silent' ? { kind: why, silentMs: ms } : { kind: why, waitedMs: ms });
    });
    this.#takeTurns(nowMs);
    this.#setDue();
  }

  #takeTurns(nowMs: number): void {
    for (let next = this.#turns.first; next !== undefined; next = this.#turns.first) {
      // The very sum that the deadline was set to: a difference may be rounded to just below.
      if (nowMs < next.sinceMs + this.#turnIntervalMs) return;
      const waitedMs = nowMs - next.sinceMs;
      this.#turns.append(next, nowMs);
      const { client } = next;
      switch (client.handler.turn?.()) {
        case 'pushed':
          this.#host.statistics.pushes++;
          break;
        case 'unanswered':
          this.#host.statistics.unanswered++;
          this.tell({ kind: 'unanswered', atMs: nowMs, client: client.id, waitedMs });
          break;
        case undefined:
      }
    }
  }
}

function keyOf({ address, port }: SocketAddress): string {
  return `${address} ${port}`;
}
