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

  sent(packet: Packet, link: Link, direction: Direction): void {
    if (direction === 'tx') this.#line(packet, link, direction);
  }

  delivered(): void {}

  dropped(packet: Packet, reason: DropReason, at: Place, direction: Direction | undefined): void {
    this.#line(packet, at, direction, `${reason} at ${at.name}`);
  }

  /** Whose cable it is says who is at its near end: hosts behind two NAT boxes may have the same address. */
  #line(packet: Packet, { name }: Place, direction: Direction | undefined, fate?: string): void {
    const from = direction === 'tx' ? name : this.#nameOf(packet.source);
    const to = direction === 'rx' ? name : this.#nameOf(packet.destination);
    this.#print(this.#tracer.line(this.#timeline.nowUs, from, to, packet, fate));
  }
}
