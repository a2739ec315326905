/** A host's way to itself: 127.0.0.0/8 (RFC 1122 3.2.1.3) and its own address. No cable, and no capture, sees it. */

import type { Packet } from '../packet/packet.ts';
import type { Timeline, Waiter } from '../time/event.ts';

/**
 * Approximate time that a small packet takes through Linux's loopback. The time must be above 0, or two ends could
 * exchange packets without end at one moment.
 */
const DELAY_US = 10;

const LOOPBACK_NET = 127;

/** Returns whether an address is a loopback address. */
export function isLoopback(address: number): boolean {
  return address >>> 24 === LOOPBACK_NET;
}

export class Loopback implements Waiter {
  readonly #timeline: Timeline;
  readonly #name: string;
  readonly #deliver: (packet: Packet) => void;
  readonly #handle: number;
  readonly #queue: { readonly packet: Packet; readonly atUs: number }[] = [];

  /** `name` is the host's. */
  constructor(timeline: Timeline, name: string, deliver: (packet: Packet) => void) {
    this.#timeline = timeline;
    this.#name = name;
    this.#deliver = deliver;
    this.#handle = timeline.open(this);
  }

  send(packet: Packet): void {
    // A packet to 127.0.0.1 comes from 127.0.0.1, so the answer goes there.
    if (isLoopback(packet.destination)) packet.source = packet.destination;
    this.#queue.push({ packet, atUs: this.#timeline.nowUs + DELAY_US });
    if (this.#queue.length === 1) this.#timeline.set(this.#handle, this.#timeline.nowUs + DELAY_US);
  }

  fire(): void {
    const next = this.#queue.shift();
    const after = this.#queue[0];
    if (after !== undefined) this.#timeline.set(this.#handle, after.atUs);
    if (next !== undefined) this.#deliver(next.packet);
  }

  describe(): string {
    return `the loopback of ${this.#name}`;
  }
}
