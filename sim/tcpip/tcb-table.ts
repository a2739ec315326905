/**
 * A host's connections, by their two ends. A device has one or two; a server has 100,000, and must find each as
 * quickly.
 */

import type { Packet } from '../packet/packet.ts';
import type { Tcb } from './tcp/tcb.ts';

/** Number of connections in one list; more are spread over several lists. */
const LISTED_MAX = 8;

export class TcbTable {
  size = 0;
  /** The only list there is, of the few; or that many lists, a power of two. */
  #first: Tcb | undefined = undefined;
  #lists: (Tcb | undefined)[] | undefined = undefined;

  add(tcb: Tcb): void {
    this.size++;
    if (this.size > (this.#lists?.length ?? LISTED_MAX)) this.spread();
    this.put(tcb);
  }

  remove(tcb: Tcb): void {
    const list =
      this.#lists === undefined ? 0 : index(tcb.remoteAddress, tcb.remotePort, tcb.localPort, this.#lists.length);
    let before: Tcb | undefined;
    for (let other = this.head(list); other !== undefined; other = other.next) {
      if (other === tcb) {
        if (before === undefined) this.setHead(list, tcb.next);
        else before.next = tcb.next;
        tcb.next = undefined;
        this.size--;
        return;
      }
      before = other;
    }
  }

  /** The connection that a packet belongs to. */
  find({ source, sourcePort, destinationPort }: Packet): Tcb | undefined {
    return this.get(source, sourcePort, destinationPort);
  }

  get(remoteAddress: number, remotePort: number, localPort: number): Tcb | undefined {
    let tcb =
      this.#lists === undefined
        ? this.#first
        : this.#lists[index(remoteAddress, remotePort, localPort, this.#lists.length)];
    while (
      tcb !== undefined &&
      (tcb.remotePort !== remotePort || tcb.localPort !== localPort || tcb.remoteAddress !== remoteAddress)
    ) {
      tcb = tcb.next;
    }
    return tcb;
  }

  /** All of them, in an order that depends on nothing but how they came and went. */
  all(): Tcb[] {
    const all: Tcb[] = [];
    for (let i = 0; i < (this.#lists?.length ?? 1); i++) {
      for (let tcb = this.head(i); tcb !== undefined; tcb = tcb.next) all.push(tcb);
    }
    return all;
  }

  private spread(): void {
    const all = this.all();
    const count = 2 * Math.max(all.length, LISTED_MAX);
    this.#lists = new Array<Tcb | undefined>(2 ** Math.ceil(Math.log2(count))).fill(undefined);
    this.#first = undefined;
    for (const tcb of all) this.put(tcb);
  }

  private put(tcb: Tcb): void {
    const list =
      this.#lists === undefined ? 0 : index(tcb.remoteAddress, tcb.remotePort, tcb.localPort, this.#lists.length);
    tcb.next = this.head(list);
    this.setHead(list, tcb);
  }

  private head(list: number): Tcb | undefined {
    return this.#lists === undefined ? this.#first : this.#lists[list];
  }

  private setHead(list: number, tcb: Tcb | undefined): void {
    if (this.#lists === undefined) this.#first = tcb;
    else this.#lists[list] = tcb;
  }
}

/** Fibonacci hashing of the three numbers that tell a host's connections apart. */
function index(remoteAddress: number, remotePort: number, localPort: number, lists: number): number {
  const h = Math.imul(remoteAddress ^ (remotePort << 16) ^ localPort, 0x9e3779b1);
  return (h ^ (h >>> 15)) & (lists - 1);
}
