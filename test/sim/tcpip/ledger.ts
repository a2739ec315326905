/** A ledger of what is lent out and must come back: packets, byte queues, places in the event queue. */

import type { Packet, PacketPool } from '../../../sim/packet/packet.ts';
import type { ByteQueue, ByteQueuePool } from '../../../sim/tcpip/byte-queue.ts';
import type { Timeline, Waiter } from '../../../sim/time/event.ts';

/** Watches a pool from its beginning. Throws if anything is given back twice. */
class Loans<T> {
  readonly out = new Set<T>();
  readonly #what: string;

  constructor(what: string) {
    this.#what = what;
  }

  take(thing: T): T {
    if (this.out.has(thing)) throw new Error(`a ${this.#what} was lent twice`);
    this.out.add(thing);
    return thing;
  }

  release(thing: T): void {
    if (!this.out.delete(thing)) throw new Error(`a ${this.#what} was given back that was not lent`);
  }
}

export function watchPackets(pool: PacketPool): ReadonlySet<Packet> {
  const loans = new Loans<Packet>('packet');
  const take = pool.take.bind(pool);
  const release = pool.release.bind(pool);
  pool.take = () => loans.take(take());
  pool.release = (packet) => {
    loans.release(packet);
    release(packet);
  };
  return loans.out;
}

export function watchQueues(pool: ByteQueuePool): ReadonlySet<ByteQueue> {
  const loans = new Loans<ByteQueue>('byte queue');
  const take = pool.take.bind(pool);
  const release = pool.release.bind(pool);
  pool.take = () => loans.take(take());
  pool.release = (queue) => {
    loans.release(queue);
    release(queue);
  };
  return loans.out;
}

/** Returns the waiters that have a place in the event queue, by handle. */
export function watchHandles(timeline: Timeline): ReadonlyMap<number, Waiter> {
  const waiters = new Map<number, Waiter>();
  const open = timeline.open.bind(timeline);
  const close = timeline.close.bind(timeline);
  timeline.open = (waiter) => {
    const handle = open(waiter);
    if (waiters.has(handle)) throw new Error(`the place ${handle} was lent twice`);
    waiters.set(handle, waiter);
    return handle;
  };
  timeline.close = (handle) => {
    if (!waiters.delete(handle)) throw new Error(`the place ${handle} was given back that was not lent`);
    close(handle);
  };
  return waiters;
}

/**
 * Returns the waiters that should be gone when all connections are: connections themselves, and callbacks on their way.
 */
export function ofConnections(waiters: ReadonlyMap<number, Waiter>): string[] {
  return [...waiters.values()]
    .map((waiter) => waiter.describe())
    .filter((who) => who.startsWith('the connection') || who.startsWith('the network'));
}
