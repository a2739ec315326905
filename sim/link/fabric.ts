/** The shared state of all cables, switches and NAT boxes of a world. */

import type { Packet, PacketPool } from '../packet/packet.ts';
import type { Timeline } from '../time/event.ts';
import { InFlightQueue } from './in-flight-queue.ts';
import type { Cable } from './cable.ts';

/** Direction as the board at the near end of a cable sees it: `tx` is from the board, `rx` to the board. */
export type Direction = 'tx' | 'rx';

/**
 * Why a packet did not arrive. `loss`: by chance. `one-way`: this direction is dead. `corrupt`: its checksum was wrong.
 * `queue-full`: more than the line can carry. `no-carrier`: the cable was out, or came out on the way. `no-route`:
 * nobody has the address. `no-mapping`: a NAT box does not know the connection. `no-port`: a NAT box has no port left.
 */
export type DropReason =
  'loss' | 'one-way' | 'corrupt' | 'queue-full' | 'no-carrier' | 'no-route' | 'no-mapping' | 'no-port' | 'too-big';

/** A part of the network that has a name, which tells people where something happened. */
export interface Place {
  readonly name: string;
}

/** Is told what happens to each packet, at the time of it, and must leave it as it is. */
export interface WireObserver {
  /** A host, or a box, has put it on the line. A packet that finds no carrier is not sent, only dropped. */
  sent(packet: Packet, cable: Cable, direction: Direction): void;
  delivered(packet: Packet, cable: Cable, direction: Direction): void;
  /** `direction` is undefined in a switch or NAT box. */
  dropped(packet: Packet, reason: DropReason, at: Place, direction: Direction | undefined): void;
}

export class Fabric {
  readonly timeline: Timeline;
  readonly pool: PacketPool;
  readonly seed: number;
  observer: WireObserver | undefined = undefined;
  /** Number of bytes of the IPv4 packets that all hosts have put on their cables. */
  sentBytes = 0;
  /** Number of packets dropped, by reason. */
  readonly drops: Record<DropReason, number> = {
    loss: 0,
    'one-way': 0,
    corrupt: 0,
    'queue-full': 0,
    'no-carrier': 0,
    'no-route': 0,
    'no-mapping': 0,
    'too-big': 0,
    'no-port': 0,
  };
  #idle: InFlightQueue | undefined = undefined;

  constructor(timeline: Timeline, pool: PacketPool, seed: number) {
    this.timeline = timeline;
    this.pool = pool;
    this.seed = seed;
  }

  drop(packet: Packet, reason: DropReason, at: Place, direction: Direction | undefined): void {
    this.drops[reason]++;
    this.observer?.dropped(packet, reason, at, direction);
    this.pool.release(packet);
  }

  /** @internal For a line that has nothing on the way yet. */
  takeInFlightQueue(cable: Cable, direction: Direction): InFlightQueue {
    const queue = this.#idle;
    if (queue === undefined) return new InFlightQueue(this.timeline, cable, direction);
    this.#idle = queue.next;
    queue.next = undefined;
    queue.cable = cable;
    queue.direction = direction;
    return queue;
  }

  /** @internal Of a line that has nothing on the way any more. */
  releaseInFlightQueue(queue: InFlightQueue): void {
    queue.forget();
    queue.next = this.#idle;
    this.#idle = queue;
  }
}
