/**
 * The trace events of a device whose firmware is a Node program. They are about one connection at a time: the first
 * connection to another host, until it is over; then the oldest of those that the program has opened meanwhile. Servers
 * report their clients by themselves (tcp.ts).
 */

import type { EventListener, LossReason } from '../../firmware/index.ts';
import type { Errno } from '../../hal/errno.ts';
import type { SocketAddress } from '../../hal/network.ts';
import { addressText } from '../server/events.ts';

interface Connection {
  readonly server: string;
  /** Undefined until it is connected. */
  sinceMs: number | undefined;
  local: SocketAddress | undefined;
  /** Time at which the oldest unanswered data was sent. */
  sentMs: number | undefined;
}

export class DeviceReporter {
  readonly #tell: EventListener;
  readonly #nowMs: () => number;
  readonly #nameOf: (address: string) => string;
  /** Connections that are not over, by their handle, oldest first. */
  readonly #connections = new Map<object, Connection>();
  /** The connection that the events are about. */
  #told: Connection | undefined = undefined;

  constructor(tell: EventListener, nowMs: () => number, nameOf: (address: string) => string) {
    this.#tell = tell;
    this.#nowMs = nowMs;
    this.#nameOf = nameOf;
  }

  connecting(handle: object, { address, port }: SocketAddress): void {
    if (address.startsWith('127.')) return;
    const server = addressText({ address: this.#nameOf(address), port });
    const connection: Connection = { server, sinceMs: undefined, local: undefined, sentMs: undefined };
    this.#connections.set(handle, connection);
    if (this.#told === undefined) this.#tellOf(connection);
  }

  connected(handle: object, local: SocketAddress | undefined): void {
    const connection = this.#connections.get(handle);
    if (connection === undefined) return;
    connection.sinceMs = this.#nowMs();
    connection.local = local;
    if (connection === this.#told) this.#tell({ kind: 'connected', server: connection.server, local });
  }

  failed(handle: object, errno: Errno): void {
    this.#end(handle, ({ server }) => this.#tell({ kind: 'connect-failed', server, errno }));
  }

  sent(handle: object): void {
    const connection = this.#connections.get(handle);
    if (connection !== undefined) connection.sentMs ??= this.#nowMs();
  }

  /** Notes bytes that arrived. They count as the answer to the bytes that were sent before. */
  received(handle: object): void {
    const connection = this.#connections.get(handle);
    if (connection?.sentMs === undefined) return;
    if (connection === this.#told) this.#tell({ kind: 'served', afterMs: this.#nowMs() - connection.sentMs });
    connection.sentMs = undefined;
  }

  over(handle: object, by: LossReason, detail?: string): void {
    this.#end(handle, ({ server, sinceMs = this.#nowMs() }) => {
      const afterMs = this.#nowMs() - sinceMs;
      this.#tell({ kind: 'lost', server, by, afterMs, ...(detail !== undefined && { detail }) });
    });
  }

  #end(handle: object, tellOf: (connection: Connection) => void): void {
    const connection = this.#connections.get(handle);
    this.#connections.delete(handle);
    if (connection === undefined || connection !== this.#told) return;
    tellOf(connection);
    this.#told = undefined;
    const [next] = this.#connections.values();
    if (next !== undefined) this.#tellOf(next);
  }

  #tellOf(connection: Connection): void {
    const { server, sinceMs, local } = connection;
    this.#told = connection;
    this.#tell({ kind: 'connecting', server });
    if (sinceMs !== undefined) this.#tell({ kind: 'connected', server, local });
  }
}
