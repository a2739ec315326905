/** A switch: the middle of a star of cables. It takes no time; the cables do. */

import { ARP, ARP_REPLY, ARP_REQUEST, type Packet } from '../packet/packet.ts';
import { Cable } from './cable.ts';
import type { Receiver } from './port.ts';
import type { Fabric } from './fabric.ts';

/**
 * Forwards by IPv4 address. It knows where everybody is, has no queue and floods nothing, as one does that has learned
 * all of its addresses and is faster than any cable.
 */
export class Switch implements Receiver {
  readonly name: string;
  /**
   * Receiver of packets whose address nobody on this switch has: a NAT box, or another switch. Undefined: such packets
   * are dropped.
   */
  uplink: Receiver | undefined = undefined;
  /** The address that the uplink has on this side, for ARP. */
  uplinkAddress: number | undefined = undefined;
  readonly #fabric: Fabric;
  /** The hosts of each /24: hosts come in rows, and so 100,000 need 8 bytes each and a small map. */
  readonly #networks = new Map<number, (Receiver | undefined)[]>();

  constructor(fabric: Fabric, name: string) {
    this.#fabric = fabric;
    this.name = name;
  }

  /**
   * Packets for `address` go to `receiver`: a host's cable, or a side of a NAT box. Undefined: nobody has it any more.
   */
  connect(address: number, receiver: Receiver | undefined): void {
    let network = this.#networks.get(address >> 8);
    if (network === undefined) {
      network = new Array<Receiver | undefined>(256).fill(undefined);
      this.#networks.set(address >> 8, network);
    }
    network[address & 0xff] = receiver;
  }

  /** Returns whether a host on this switch has the address. */
  has(address: number): boolean {
    return this.#receiverAt(address) !== undefined;
  }

  receive(packet: Packet): void {
    if (packet.protocol === ARP) {
      this.#receiveArp(packet);
      return;
    }
    const { destination } = packet;
    const receiver = this.#receiverAt(destination) ?? this.uplink;
    if (receiver === undefined) this.#fabric.drop(packet, 'no-route', this, undefined);
    else receiver.receive(packet);
  }

  /**
   * ARP goes to whom it is about alone, though a broadcast goes to all: the others would not answer. For a box, which
   * is always there, the switch answers.
   */
  #receiveArp(packet: Packet): void {
    const { source, destination } = packet;
    const receiver = this.#receiverAt(destination);
    if (receiver instanceof Cable) {
      receiver.receive(packet);
      return;
    }
    const asker = this.#receiverAt(source);
    const isBox = receiver !== undefined || destination === this.uplinkAddress;
    if (!isBox || asker === undefined || packet.code !== ARP_REQUEST) {
      this.#fabric.drop(packet, 'no-route', this, undefined);
      return;
    }
    packet.source = destination;
    packet.destination = source;
    packet.code = ARP_REPLY;
    packet.isBroadcast = false;
    asker.receive(packet);
  }

  #receiverAt(address: number): Receiver | undefined {
    return this.#networks.get(address >> 8)?.[address & 0xff];
  }
}
