/** Names for the devices' ends of connections, the same whoever tells of them: the device, its server, or a NAT box. */

import type { SocketAddress } from '../../hal/network.ts';
import type { TraceEvent } from '../trace/trace.ts';

export class EndNames {
  /** What NAT boxes show, and whom they stand for. */
  readonly #insideOf = new Map<string, SocketAddress>();

  /** A NAT box stands for a device from now on. */
  add({ inside, outside }: Extract<TraceEvent, { kind: 'mapped' }>): void {
    this.#insideOf.set(plain(outside), inside);
  }

  /** As the device itself knows it. */
  insideOf(end: SocketAddress): SocketAddress {
    return this.#insideOf.get(plain(end)) ?? end;
  }

  nameOf(end: SocketAddress): string {
    return plain(this.insideOf(end));
  }
}

/** An IPv4 address may come dressed as IPv6 (RFC 4291, 2.5.5.2). */
function plain({ address, port }: SocketAddress): string {
  return `${address.replace(/^::ffff:(?=[\d.]+$)/i, '')} ${port}`;
}
