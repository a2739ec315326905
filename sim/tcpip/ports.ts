/** The ports of a host: its connections, who listens, who takes datagrams, and the next ephemeral one. */

import type { Errno } from '../../hal/errno.ts';
import type { UdpSocket } from './datagram-socket.ts';
import type { Listener } from './listener.ts';
import type { Profile } from './profile.ts';
import { TcbTable } from './tcb-table.ts';
import { ACTIVE } from './tcp/tcb.ts';

/** The object is its own table of connections, which hold ports, too: there is one for each of 100,000 devices. */
export abstract class Ports extends TcbTable {
  abstract readonly profile: Profile;
  #next: number;
  #random: number;
  /** Made with the first of them. */
  #listeners: Map<number, Listener> | undefined = undefined;
  #datagrams: Map<number, UdpSocket> | undefined = undefined;

  /** `random`: a number of 32 bits without a sign. */
  constructor({ ephemeralPorts: { first, last, order } }: Profile, random: number) {
    super();
    this.#random = random | 0;
    // RFC 6056 3.3: not the same ports after each boot, where the stack sees to that.
    this.#next = first + (order === 'from-first' ? 0 : random % (last - first + 1));
  }

  listener(port: number): Listener | undefined {
    return this.#listeners?.get(port);
  }

  datagram(port: number): UdpSocket | undefined {
    return this.#datagrams?.get(port);
  }

  /** The datagram sockets, in the order in which they were opened. */
  get datagrams(): readonly UdpSocket[] {
    return [...(this.#datagrams?.values() ?? [])];
  }

  /** Takes a port for a listener, the next free one for 0; gives it, or the reason why not. */
  claimListener(listener: Listener, wanted: number): number | Errno {
    const port = wanted !== 0 ? wanted : this.ephemeral((candidate) => this.isHeld(candidate));
    if (port === undefined || this.#listeners?.has(port) === true || this.isHeld(port)) return 'EADDRINUSE';
    (this.#listeners ??= new Map<number, Listener>()).set(port, listener);
    return port;
  }

  /** Takes a port for a datagram socket, the next free one for 0; gives it, or the reason why not. */
  claimDatagram(socket: UdpSocket, wanted: number): number | Errno {
    const datagrams = (this.#datagrams ??= new Map<number, UdpSocket>());
    // The W5500's driver begins with the same port after each boot here, too. Not so here: a device known by a source
    // address alone would be taken for who was there before, and sessions (sim/sessions) do not know that.
    if (wanted === 0 && this.profile.ephemeralPorts.order === 'from-first') this.#next = this.draw();
    const port = wanted !== 0 ? wanted : this.ephemeral((candidate) => datagrams.has(candidate));
    if (port === undefined || datagrams.has(port)) return 'EADDRINUSE';
    datagrams.set(port, socket);
    return port;
  }

  /** A port for a connection to a peer, the next free one for 0; or the reason why there is none. */
  forConnection(wanted: number, remoteAddress: number, remotePort: number): number | Errno {
    const isTaken = (port: number): boolean => this.get(remoteAddress, remotePort, port) !== undefined;
    if (wanted === 0) return this.ephemeral(isTaken) ?? 'EADDRNOTAVAIL';
    return this.#listeners?.has(wanted) === true || isTaken(wanted) ? 'EADDRINUSE' : wanted;
  }

  releaseListener(port: number): void {
    this.#listeners?.delete(port);
  }

  releaseDatagram(port: number): void {
    this.#datagrams?.delete(port);
  }

  /** The process is gone: its listeners and datagram sockets are closed. */
  protected closeBound(): void {
    for (const listener of this.#listeners?.values() ?? []) listener.close();
    for (const socket of this.#datagrams?.values() ?? []) socket.close();
  }

  /** The power has gone. */
  protected forgetBound(): void {
    this.#listeners = undefined;
    this.#datagrams = undefined;
  }

  /** The next ephemeral port that is not taken. */
  private ephemeral(isTaken: (port: number) => boolean): number | undefined {
    const { first, last, order } = this.profile.ephemeralPorts;
    for (let tries = last - first; tries >= 0; tries--) {
      const port = this.#next;
      this.#next = order === 'random' ? this.draw() : port === last ? first : port + 1;
      if (!isTaken(port) && this.#listeners?.has(port) !== true) return port;
    }
    return undefined;
  }

  /** A port of the range: Knuth's linear congruential generator, whose high bits are good enough for that. */
  private draw(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) | 0;
    const { first, last } = this.profile.ephemeralPorts;
    return first + ((this.#random >>> 8) % (last - first + 1));
  }

  /**
   * Returns whether a connection keeps a listener from this port. One that was opened from here holds its port; those
   * that were accepted do not where the listener has SO_REUSEADDR, as servers set it (profile.ts, portConflicts).
   */
  private isHeld(port: number): boolean {
    const isOfAll = this.profile.portConflicts === 'all';
    return this.all().some(({ flags, localPort, state }) => (
      localPort === port && (isOfAll || ((flags & ACTIVE) !== 0 && state !== 'TIME-WAIT'))
    ));
  }
}
