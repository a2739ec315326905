/** A line for each packet on the fabric, for people. */

import type { Packet } from '../packet/packet.ts';
import type { Timeline } from '../time/event.ts';
import type { Cable } from './cable.ts';
import { Tracer } from './tracer.ts';
import type { Direction, DropReason, Place, WireObserver } from './fabric.ts';

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

  sent(packet: Packet, cable: Cable, direction: Direction): void {
    if (direction === 'tx') this.#line(packet, cable, direction);
  }

  delivered(): void {}

  dropped(packet: Packet, reason: DropReason, at: Place, direction: Direction | undefined): void {
    this.#line(packet, at, direction, `${reason} at ${at.name}`);
  }

  /**
   * Returns the line of a packet. The host at the near end is named by its cable, because hosts behind two NAT boxes
   * may have the same address.
   */
  #line(packet: Packet, { name }: Place, direction: Direction | undefined, fate?: string): void {
    const from = direction === 'tx' ? name : this.#nameOf(packet.source);
    const to = direction === 'rx' ? name : this.#nameOf(packet.destination);
    this.#print(this.#tracer.line(this.#timeline.nowUs, from, to, packet, fate));
  }
}
