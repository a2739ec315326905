/**
 * The trace events of a device whose firmware is a Node program. They are about one connection at a time: the first
 * connection to another host, until it is over. Servers report their clients by themselves (tcp.ts).
 */

import type { DeviceEvent, EventListener, LossReason } from '../../firmware/index.ts';
import type { Errno } from '../../hal/errno.ts';
import type { SocketAddress } from '../../hal/network.ts';
import { addressText } from '../server/events.ts';

export class DeviceReporter {
  readonly #tell: EventListener;
  readonly #nowMs: () => number;
  readonly #nameOf: (address: string) => string;
  /** The connection that is told of. */
  #handle: object | undefined = undefined;
  #server = '';
  #sinceMs = 0;
  /** Time at which the oldest unanswered data was sent. */
  #sentMs: number | undefined = undefined;

  constructor(tell: EventListener, nowMs: () => number, nameOf: (address: string) => string) {
    this.#tell = tell;
    this.#nowMs = nowMs;
    this.#nameOf = nameOf;
  }

  connecting(handle: object, { address, port }: SocketAddress): void {
    if (this.#handle !== undefined || address.startsWith('127.')) return;
    this.#handle = handle;
    this.#sentMs = undefined;
    this.#server = addressText({ address: this.#nameOf(address), port });
    this.#tell({ kind: 'connecting', server: this.#server });
  }

  connected(handle: object, local: SocketAddress | undefined): void {
    this.#sinceMs = this.#nowMs();
    this.#of(handle, { kind: 'connected', server: this.#server, local });
  }

  failed(handle: object, errno: Errno): void {
    this.#of(handle, { kind: 'connect-failed', server: this.#server, errno });
    this.#forget(handle);
  }

  sent(handle: object): void {
    if (handle === this.#handle) this.#sentMs ??= this.#nowMs();
  }

  /** Whatever comes is taken for the answer to what was sent before. */
  received(handle: object): void {
    if (handle !== this.#handle || this.#sentMs === undefined) return;
    this.#tell({ kind: 'served', afterMs: this.#nowMs() - this.#sentMs });
    this.#sentMs = undefined;
  }

  over(handle: object, by: LossReason, detail?: string): void {
    const afterMs = this.#nowMs() - this.#sinceMs;
    this.#of(handle, { kind: 'lost', server: this.#server, by, afterMs, ...(detail !== undefined && { detail }) });
    this.#forget(handle);
  }

  #of(handle: object, event: DeviceEvent): void {
    if (handle === this.#handle) this.#tell(event);
  }

  #forget(handle: object): void {
    if (handle === this.#handle) this.#handle = undefined;
  }
}
