/** Who looks at the wires: several at once, and one who prints lines. */

import type { Packet } from '../tcpip/packet.ts';
import type { Timeline } from '../time/event.ts';
import type { Link } from './link.ts';
import { Tracer } from './tracer.ts';
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

/** Prints a line for each packet that a host sends, and another where it is dropped. */
export class LineTracer implements WireObserver {
  readonly #timeline: Timeline;
  readonly #nameOf: (address: number) => string;
  readonly #print: (line: string) => void;
  readonly #tracer = new Tracer();

  constructor(timeline: Timeline, nameOf: (address: number) => string, print: (line: string) => void) {
    this.#timeline = timeline;
    this.#nameOf = nameOf;
    this.#print = print;
  }

  sent(packet: Packet, _link: Link, direction: Direction): void {
    if (direction === 'tx') this.#line(packet);
  }

  delivered(): void {}

  dropped(packet: Packet, reason: DropReason, at: Place): void {
    this.#line(packet, `${reason} at ${at.name}`);
  }

  #line(packet: Packet, fate?: string): void {
    this.#print(this.#tracer.line(this.#timeline.nowUs, this.#nameOf(packet.source), this.#nameOf(packet.destination), packet, fate));
  }
}
