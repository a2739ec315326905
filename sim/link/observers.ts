/** Several who look at the same wires. */

import type { Packet } from '../packet/packet.ts';
import type { Link } from './link.ts';
import type { Direction, DropReason, Place, WireObserver, Wires } from './wires.ts';

/** Lets `added` look at the wires too. */
export function addObserver(wires: Wires, added: WireObserver): void {
  const first = wires.observer;
  wires.observer = first === undefined ? added : new Both(first, added);
}

class Both implements WireObserver {
  readonly #first: WireObserver;
  readonly #second: WireObserver;

  constructor(first: WireObserver, second: WireObserver) {
    this.#first = first;
    this.#second = second;
  }

  sent(packet: Packet, link: Link, direction: Direction): void {
    this.#first.sent(packet, link, direction);
    this.#second.sent(packet, link, direction);
  }

  delivered(packet: Packet, link: Link, direction: Direction): void {
    this.#first.delivered(packet, link, direction);
    this.#second.delivered(packet, link, direction);
  }

  dropped(packet: Packet, reason: DropReason, at: Place, direction: Direction | undefined): void {
    this.#first.dropped(packet, reason, at, direction);
    this.#second.dropped(packet, reason, at, direction);
  }
}
