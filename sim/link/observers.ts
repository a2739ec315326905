/** Several who look at the same fabric. */

import type { Packet } from '../packet/packet.ts';
import type { Cable } from './cable.ts';
import type { Direction, DropReason, Place, WireObserver, Fabric } from './fabric.ts';

/** Lets `added` look at the fabric too. */
export function addObserver(fabric: Fabric, added: WireObserver): void {
  const first = fabric.observer;
  fabric.observer = first === undefined ? added : new Both(first, added);
}

class Both implements WireObserver {
  readonly #first: WireObserver;
  readonly #second: WireObserver;

  constructor(first: WireObserver, second: WireObserver) {
    this.#first = first;
    this.#second = second;
  }

  sent(packet: Packet, cable: Cable, direction: Direction): void {
    this.#first.sent(packet, cable, direction);
    this.#second.sent(packet, cable, direction);
  }

  delivered(packet: Packet, cable: Cable, direction: Direction): void {
    this.#first.delivered(packet, cable, direction);
    this.#second.delivered(packet, cable, direction);
  }

  dropped(packet: Packet, reason: DropReason, at: Place, direction: Direction | undefined): void {
    this.#first.dropped(packet, reason, at, direction);
    this.#second.dropped(packet, reason, at, direction);
  }
}
