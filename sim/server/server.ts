/**
 * The reference server: what devices hold their connections to. It stands on the HAL alone, so that it runs on
 * real sockets and on a simulated host alike. One alarm serves all clients.
 */

import type { Hal } from '../../hal/hal.ts';
import type { ListeningSocket, SocketAddress, StreamHandler } from '../../hal/network.ts';
import { Chain } from './chain.ts';
import { ClientTable } from './client-table.ts';
import { Connection, Turn, UNKNOWN_PEER, type Owner } from './connection.ts';
import { conversations, type Conversations } from './conversation.ts';
import type { OfflineReason, ServerEvent } from './events.ts';
import { serverSettings, type ServerOptions, type ServerSettings } from './settings.ts';

/** Linux's default for the longest backlog (net.core.somaxconn). */
const BACKLOG = 4096;
const SCRATCH_BYTES = 65_536;
/** For a connection that is accepted only to be reset. */
const TURNED_AWAY: StreamHandler = { readable() {}, writable() {}, ended() {} };

export interface ReferenceServer {
  /** Where it listens, once it does. */
  readonly local: SocketAddress | undefined;
  readonly statistics: Readonly<ServerStatistics>;
  /** The table of clients, in the order in which they came. */
  clients(): ClientRow[];
  /**
   * Sends data, as one frame, to one client or to all; gives to how many. Throws where the protocol has no such
   * thing: echo.
   */
  push(to: number | 'all', data: Uint8Array): number;
  /** Stops listening, and closes every connection. Idempotent. */
  stop(): void;
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

/** Starts a server. `onEvent` may call anything of it. Throws when an option is not what `serverSettings` asks for. */
export function startServer(
  hal: Pick<Hal, 'clock' | 'network'>, options: ServerOptions, onEvent: (event: ServerEvent) => void,
): ReferenceServer {
  const settings = serverSettings(options);
  if (typeof settings === 'string') throw new RangeError(settings);
  return new Server(hal, settings, onEvent);
}

class Server implements ReferenceServer, Owner {
  readonly statistics: ServerStatistics = {
    accepted: 0, refused: 0, beats: 0, dataFrames: 0, dataBytes: 0, pushes: 0, unanswered: 0,
    offline: { silent: 0, closed: 0, error: 0, 'bad-frame': 0, flood: 0, 'no-first-frame': 0, 'not-reading': 0, stopped: 0 },
  };
  readonly settings: ServerSettings;
  readonly conversations: Conversations;
  readonly scratch = new Uint8Array(SCRATCH_BYTES);
  readonly #hal: Pick<Hal, 'clock' | 'network'>;
  readonly #tell: (event: ServerEvent) => void;
  readonly #listener: ListeningSocket;
  readonly #connections = new Map<number, Connection>();
  readonly #table: ClientTable<Connection>;
  /** Everyone, where conversations have turns: in the order of the last one. */
  readonly #turns = new Chain<Turn>();
  readAtMs = 0;
  #lastId = 0;
  #alarmMs = Infinity;
  #stopped = false;

  constructor(hal: Pick<Hal, 'clock' | 'network'>, settings: ServerSettings, tell: (event: ServerEvent) => void) {
    const { local } = settings;
    this.settings = settings;
    this.conversations = conversations(settings);
    this.#hal = hal;
    this.#tell = tell;
    this.#table = new ClientTable(settings.liveness, settings.limits.firstFrameMs, hal.clock.now());
    this.#listener = hal.network.listen(local, BACKLOG, {
      listening: () => this.#tell({ kind: 'listening', atMs: this.now(), local: this.local ?? local }),
      incoming: () => this.#acceptAll(),
      ended: (errno) => this.#tell({ kind: 'failed', atMs: this.now(), local, errno }),
    });
    this.#setAlarm();
  }

  get local(): SocketAddress | undefined {
    return this.#listener.local;
  }

  clients(): ClientRow[] {
    const nowMs = this.now();
    return Array.from(this.#connections.values(), (connection) => ({
      client: connection.id,
      peer: connection.peer,
      onlineMs: nowMs - connection.onlineSinceMs,
      silentMs: nowMs - (connection.entry?.sinceMs ?? nowMs),
      beats: connection.beats,
    }));
  }

  push(to: number | 'all', data: Uint8Array): number {
    const frame = this.conversations.dataFrame(data);
    if (to === 'all') {
      const count = this.#connections.size;
      for (const connection of this.#connections.values()) this.#pushTo(connection, frame);
      return count;
    }
    const connection = this.#connections.get(to);
    if (connection === undefined) return 0;
    this.#pushTo(connection, frame);
    return 1;
  }

  stop(): void {
    this.#stopped = true;
    this.#listener.close();
    for (const connection of this.#connections.values()) this.wentOffline(connection, { kind: 'stopped' });
    this.#hal.clock.clearAlarm();
  }

  now(): number {
    return this.#hal.clock.now();
  }

  bytesCame({ entry }: Connection): void {
    if (entry !== undefined) this.#table.bytes(entry, this.readAtMs);
  }

  frameCame(connection: Connection, isBeat: boolean): void {
    const { entry, id, peer } = connection;
    const nowMs = this.readAtMs;
    if (entry === undefined) return;
    if (!isBeat) {
      this.statistics.dataFrames++;
      this.#table.frame(entry, nowMs);
      return;
    }
    this.statistics.beats++;
    this.#table.beat(entry, nowMs);
    if (this.settings.beatEvents) this.#tell({ kind: 'beat', atMs: nowMs, client: id, peer });
  }

  dataCame(bytes: number): void {
    this.statistics.dataBytes += bytes;
  }

  wentOffline(connection: Connection, reason: OfflineReason): void {
    const { entry, id, peer } = connection;
    if (entry === undefined) return;
    const atMs = this.now();
    const sinceMs = entry.sinceMs;
    this.#table.remove(entry);
    if (connection.turn !== undefined) this.#turns.remove(connection.turn);
    this.#connections.delete(id);
    this.statistics.offline[reason.kind]++;
    connection.end(reason);
    const onlineMs = atMs - connection.onlineSinceMs;
    this.#tell({ kind: 'offline', atMs, client: id, peer, onlineMs, silentMs: atMs - sinceMs, reason });
  }

  #acceptAll(): void {
    while (!this.#stopped) {
      const full = this.#connections.size >= this.settings.limits.maxConnections;
      const connection = full ? undefined : new Connection(this.#lastId + 1, this);
      const socket = this.#listener.accept(connection ?? TURNED_AWAY);
      if (socket === undefined) break;
      const atMs = this.now();
      if (connection === undefined) {
        const peer = socket.remote ?? UNKNOWN_PEER;
        socket.abort();
        this.statistics.refused++;
        this.#tell({ kind: 'refused', atMs, peer, maxConnections: this.settings.limits.maxConnections });
        continue;
      }
      this.#lastId++;
      this.statistics.accepted++;
      this.#connections.set(connection.id, connection);
      connection.accepted(socket, atMs, this.#table.add(connection, atMs));
      this.#tell({ kind: 'online', atMs, client: connection.id, peer: connection.peer });
      if (connection.entry === undefined) continue;
      if (this.conversations.turnIntervalMs < Infinity) this.#turns.append((connection.turn = new Turn(connection)), atMs);
      connection.conversation.begin();
    }
    this.#setAlarm();
  }

  #pushTo(connection: Connection, frame: Uint8Array): void {
    this.statistics.pushes++;
    connection.send(frame);
  }

  /** One alarm, at whatever comes first. A beat never makes that earlier, and so never comes here. */
  #setAlarm(): void {
    const turnMs = (this.#turns.first?.sinceMs ?? Infinity) + this.conversations.turnIntervalMs;
    const nextMs = Math.min(this.#table.nextDueMs(), turnMs);
    if (this.#stopped || nextMs >= this.#alarmMs) return;
    this.#alarmMs = nextMs;
    this.#hal.clock.setAlarm(nextMs, () => {
      const nowMs = this.now();
      this.#alarmMs = Infinity;
      this.#table.expire(nowMs, (connection, why, sinceMs) => {
        const ms = nowMs - sinceMs;
        this.wentOffline(connection, why === 'silent' ? { kind: why, silentMs: ms } : { kind: why, waitedMs: ms });
      });
      this.#takeTurns(nowMs);
      this.#setAlarm();
    });
  }

  #takeTurns(nowMs: number): void {
    for (let next = this.#turns.first; next !== undefined; next = this.#turns.first) {
      // The very sum that the alarm was set to: a difference may be rounded to just below.
      if (nowMs < next.sinceMs + this.conversations.turnIntervalMs) return;
      const waitedMs = nowMs - next.sinceMs;
      this.#turns.append(next, nowMs);
      const { connection } = next;
      switch (connection.conversation.turn()) {
        case 'pushed':
          this.statistics.pushes++;
          break;
        case 'unanswered':
          this.statistics.unanswered++;
          this.#tell({ kind: 'unanswered', atMs: nowMs, client: connection.id, waitedMs });
          break;
        case undefined:
      }
    }
  }
}
