/**
 * A capture of a simulated network: each packet once, at the time and in the name of the host that sends it, whether or
 * not it arrives; and once more where a NAT box sends it on, for it is another one then.
 */

import type { Packet } from '../packet/packet.ts';
import type { Timeline } from '../time/event.ts';
import type { Cable } from './cable.ts';
import { PcapngWriter } from './pcapng.ts';
import type { Direction, WireObserver } from './fabric.ts';

/** The name of the box that has put a packet on a host's cable; undefined: that host's peer did. */
export type BoxOf = (packet: Packet, cable: Cable) => string | undefined;

/** The Ethernet frame of a packet on the cable of a host that has ARP; undefined: that host has none. */
export type FrameOf = (packet: Packet, cable: Cable, direction: Direction) => Uint8Array | undefined;

export class Capture implements WireObserver {
  readonly #timeline: Timeline;
  readonly #boxOf: BoxOf;
  readonly #frameOf: FrameOf;
  readonly #writer: PcapngWriter;
  #hasEnded = false;

  /** `write` gets the capture in pieces that it may keep; `comments` are about the whole of it. */
  constructor(
    timeline: Timeline,
    boxOf: BoxOf,
    frameOf: FrameOf,
    write: (bytes: Uint8Array) => void,
    comments: readonly string[] = [],
  ) {
    this.#timeline = timeline;
    this.#boxOf = boxOf;
    this.#frameOf = frameOf;
    this.#writer = new PcapngWriter(write, comments);
  }

  sent(packet: Packet, cable: Cable, direction: Direction): void {
    if (this.#hasEnded) return;
    // The near end of a cable is a host; from the far end comes what some host has sent before, or what a box has made
    // of it.
    const from = direction === 'tx' ? cable.name : this.#boxOf(packet, cable);
    if (from === undefined) return;
    // A packet that a box forwards is in the box's own frame.
    const own = direction === 'tx' ? packet.frame : undefined;
    const frame = own ?? this.#frameOf(packet, cable, direction);
    this.#writer.packet(this.#timeline.nowUs, from, packet, undefined, frame);
  }

  delivered(): void {}

  dropped(): void {}

  /** Something that is no packet happens now: a fault. It stands at the next packet. */
  comment(text: string): void {
    if (!this.#hasEnded) this.#writer.comment(this.#timeline.nowUs, text);
  }

  /** The capture is whole, or nobody wants more of it: what happens from now on is no part of it. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#writer.end();
  }
}
