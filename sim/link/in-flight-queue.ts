/**
 * The packets on their way along one direction of a cable, in the order in which they arrive. Most lines have none most
 * of the time: a line takes such a queue, with its place in the queue of events, for its first packet and gives it back
 * after its last.
 */

import type { Packet } from '../packet/packet.ts';
import type { Timeline, Waiter } from '../time/event.ts';
import type { Cable } from './cable.ts';
import type { Direction } from './fabric.ts';

export class InFlightQueue implements Waiter {
  cable: Cable;
  direction: Direction;
  /** Until when what was sent occupies the line: to the nanosecond, as a packet's time on a line is no whole number. */
  busyUntilUs = Number.NaN;
  /**
   * Time at which the last packet arrives, or would arrive without a hold-back: packets that keep their order do not
   * arrive earlier.
   */
  latestUs = Number.NaN;
  /** The next one that is idle. */
  next: InFlightQueue | undefined = undefined;
  #first: Packet | undefined = undefined;
  #last: Packet | undefined = undefined;
  readonly #timeline: Timeline;
  readonly #handle: number;

  constructor(timeline: Timeline, cable: Cable, direction: Direction) {
    this.cable = cable;
    this.direction = direction;
    this.#timeline = timeline;
    this.#handle = timeline.open(this);
    this.forget();
  }

  /** Nothing that was sent before holds up what is sent from now on. */
  forget(): void {
    this.busyUntilUs = 0;
    this.latestUs = 0;
  }

  /** Adds a packet. Packets with the same arrival time arrive in the order in which they were added. */
  add(packet: Packet, arrivesAtUs: number): void {
    packet.arrivesAtUs = arrivesAtUs;
    const last = this.#last;
    if (last === undefined) {
      this.#first = this.#last = packet;
      this.#timeline.set(this.#handle, arrivesAtUs);
    } else if (last.arrivesAtUs <= arrivesAtUs) {
      this.#last = last.next = packet;
    } else {
      this.#insert(packet, arrivesAtUs);
    }
  }

  /** Before one that is held back. */
  #insert(packet: Packet, arrivesAtUs: number): void {
    let before: Packet | undefined = undefined;
    let after = this.#first;
    while (after !== undefined && after.arrivesAtUs <= arrivesAtUs) {
      before = after;
      after = after.next;
    }
    packet.next = after;
    if (before === undefined) {
      this.#first = packet;
      this.#timeline.set(this.#handle, arrivesAtUs);
    } else {
      before.next = packet;
    }
  }

  /**
   * The line is another one from now on, and takes `ratio` times as long for a bit: what waits for it leaves so much
   * sooner, or later. What arrives within `delayUs` has left. The order stays.
   */
  retime(ratio: number, delayUs: number): void {
    const { nowUs } = this.#timeline;
    const onLineUs = nowUs + delayUs;
    const retimed = (us: number): number => (us <= onLineUs ? us : Math.ceil(onLineUs + (us - onLineUs) * ratio));
    for (let packet = this.#first; packet !== undefined; packet = packet.next) {
      packet.arrivesAtUs = retimed(packet.arrivesAtUs);
    }
    this.latestUs = retimed(this.latestUs);
    this.busyUntilUs = Math.max(nowUs, nowUs + (this.busyUntilUs - nowUs) * ratio);
    if (this.#first !== undefined) this.#timeline.set(this.#handle, this.#first.arrivesAtUs);
  }

  /** Marks all packets in flight as lost: none of them will arrive. */
  doom(): void {
    for (let packet = this.#first; packet !== undefined; packet = packet.next) packet.doomed = true;
    this.forget();
  }

  fire(): void {
    const packet = this.#first;
    if (packet === undefined) throw new Error(`${this.describe()}: a packet was due, and none is on the way`);
    const { cable, direction } = this;
    this.#first = packet.next;
    packet.next = undefined;
    packet.flown = true;
    if (this.#first === undefined) {
      this.#last = undefined;
      cable.emptied(this);
    } else {
      this.#timeline.set(this.#handle, this.#first.arrivesAtUs);
    }
    cable.arrived(packet, direction);
  }

  describe(): string {
    return `cable of ${this.cable.name}, ${this.direction}`;
  }
}
