/** A local network: a switch in the middle of a star of cables, and a block of addresses. */

import type { LocalNetwork } from './link/local-network.ts';
import type { Receiver } from './link/port.ts';
import { Switch } from './link/switch.ts';
import type { Fabric } from './link/fabric.ts';
import { formatAddress, parseAddress } from './packet/address.ts';

/** A block of addresses: the first, and how many. */
export interface Block {
  readonly base: number;
  readonly size: number;
}

/** RFC 1918: 10.0.0.0/8 outside, unless said otherwise; 192.168.0.0/16 behind each NAT box. */
export const OUTSIDE: Block = { base: (10 << 24) | 0, size: 1 << 24 };
export const INSIDE: Block = { base: ((192 << 24) | (168 << 16)) | 0, size: 1 << 16 };

export interface LanOptions {
  /** Addresses are given from this number of the block on. Default 1. */
  readonly first?: number;
  /** The address of somebody beyond the switch: nobody here gets it. */
  readonly uplinkAddress?: number | undefined;
  /** True if its hosts find one another by ARP. */
  readonly arp: boolean;
}

export class Lan implements LocalNetwork {
  readonly switch: Switch;
  readonly arp: boolean;
  readonly #block: Block;
  readonly #uplinkAddress: number | undefined;
  #lastNumber: number;

  constructor(fabric: Fabric, name: string, block: Block, { first = 1, uplinkAddress, arp }: LanOptions) {
    this.switch = new Switch(fabric, name);
    this.switch.uplinkAddress = uplinkAddress;
    this.arp = arp;
    this.#block = block;
    this.#uplinkAddress = uplinkAddress;
    this.#lastNumber = first - 1;
  }

  /** Returns the next hop of a packet for `destination`: the destination itself, or the way out of the network. */
  nextHop(destination: number): number {
    const { base, size } = this.#block;
    const isLocal = (destination - base) >>> 0 < size;
    return isLocal ? destination : (this.#uplinkAddress ?? destination);
  }

  /** The address in text as a number, or else the next free one. Throws where it cannot be had. */
  claim(wanted: string | undefined): number {
    const address = wanted === undefined ? this.#next() : parseAddress(wanted);
    if (address === undefined) throw new RangeError(`${wanted ?? ''} is no IPv4 address`);
    if (this.#isTaken(address)) throw new RangeError(`there is a host at ${formatAddress(address)} already`);
    return address;
  }

  /** Packets for `address` go there. */
  connect(address: number, receiver: Receiver): void {
    this.switch.connect(address, receiver);
  }

  /** Nobody has the address any more. */
  disconnect(address: number): void {
    this.switch.connect(address, undefined);
  }

  #next(): number {
    const { base, size } = this.#block;
    for (;;) {
      this.#lastNumber++;
      if (this.#lastNumber >= size) {
        throw new Error(`there is no address left in ${formatAddress(base)} and the ${size - 1} that follow`);
      }
      const isEdge = [0, 255].includes(this.#lastNumber & 0xff);
      if (!isEdge && !this.#isTaken(base | this.#lastNumber)) return base | this.#lastNumber;
    }
  }

  #isTaken(address: number): boolean {
    return address === this.#uplinkAddress || this.switch.has(address);
  }
}
