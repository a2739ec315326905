/** Names for the devices' ends of connections, the same in events of the device, of its server, and of a NAT box. */

import type { SocketAddress } from '../../hal/network.ts';
import type { TraceEvent } from '../trace/trace.ts';

export class EndNames {
  /** The inner addresses of devices, by the address that their NAT box shows. */
  readonly #insideOf = new Map<string, SocketAddress>();
  /** By the name of a device's end, what a box shows for it now. */
  readonly #outsideOf = new Map<string, string>();

  /** A NAT box stands for a device from now on, or a host that roams sends from another address. */
  add({ inside, outside }: Extract<TraceEvent, { kind: 'mapped' }>): void {
    const end = this.insideOf(inside);
    this.#insideOf.set(plain(outside), end);
    this.#outsideOf.set(plain(end), plain(outside));
  }

  /** Returns the end as the device itself knows it. */
  insideOf(end: SocketAddress): SocketAddress {
    return this.#insideOf.get(plain(end)) ?? end;
  }

  nameOf(end: SocketAddress): string {
    return plain(this.insideOf(end));
  }

  /** Whether what comes from the device's end comes from there now: a box that has forgotten it shows another. */
  isShown(end: SocketAddress): boolean {
    return (this.#outsideOf.get(this.nameOf(end)) ?? plain(end)) === plain(end);
  }
}

/** An IPv4 address may come dressed as IPv6 (RFC 4291, 2.5.5.2). */
function plain({ address, port }: SocketAddress): string {
  return `${address.replace(/^::ffff:(?=[\d.]+$)/i, '')} ${port}`;
}
