/** A capture of a simulated network: each packet once, at the time and in the name of the host that sends it, whether or not it arrives. */

import type { Packet } from '../tcpip/packet.ts';
import type { Timeline } from '../time/event.ts';
import type { Link } from './link.ts';
import { PcapngWriter } from './pcapng.ts';
import type { Direction, WireObserver } from './wires.ts';

export class Capture implements WireObserver {
  readonly #timeline: Timeline;
  readonly #writer: PcapngWriter;

  /** `write` gets the capture in pieces that it may keep; `comments` are about the whole of it. */
  constructor(timeline: Timeline, write: (bytes: Uint8Array) => void, comments: readonly string[] = []) {
    this.#timeline = timeline;
    this.#writer = new PcapngWriter(write, comments);
  }

  sent(packet: Packet, link: Link, direction: Direction): void {
    // The near end of a cable is a host; from the far end comes what some host has sent before.
    if (direction === 'tx') this.#writer.packet(this.#timeline.nowUs, link.name, packet);
  }

  delivered(): void {}

  dropped(): void {}

  /** Something that is no packet happens now: a fault. It stands at the next packet. */
  comment(text: string): void {
    this.#writer.comment(this.#timeline.nowUs, text);
  }

  /** The capture is whole. */
  end(): void {
    this.#writer.end();
  }
}
