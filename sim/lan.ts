/** A local network: a switch in the middle of a star of cables, and a block of addresses. */

import type { Receiver } from './link/port.ts';
import { Switch } from './link/switch.ts';
import type { Wires } from './link/wires.ts';
import { formatAddress, parseAddress } from './packet/address.ts';

/** RFC 1918: 10.0.0.0/8 outside, 192.168.0.0/16 behind each NAT box. */
const BLOCKS = {
  outside: { base: (10 << 24) | 0, size: 1 << 24 },
  inside: { base: ((192 << 24) | (168 << 16)) | 0, size: 1 << 16 },
} as const;

export class Lan {
  readonly switch: Switch;
  readonly #block: { readonly base: number; readonly size: number };
  #lastNumber: number;

  /** Addresses are given from number `first` of the block on. */
  constructor(wires: Wires, name: string, block: keyof typeof BLOCKS, first = 1) {
    this.switch = new Switch(wires, name);
    this.#block = BLOCKS[block];
    this.#lastNumber = first - 1;
  }

  /** The address in text as a number, or else the next free one. Throws where it cannot be had. */
  claim(wanted: string | undefined): number {
    const address = wanted === undefined ? this.#next() : parseAddress(wanted);
    if (address === undefined) throw new RangeError(`${wanted ?? ''} is no IPv4 address`);
    if (this.switch.has(address)) throw new RangeError(`there is a host at ${formatAddress(address)} already`);
    return address;
  }

  /** Packets for `address` go there. */
  connect(address: number, receiver: Receiver): void {
    this.switch.connect(address, receiver);
  }

  #next(): number {
    const { base, size } = this.#block;
    for (;;) {
      this.#lastNumber++;
      if (this.#lastNumber >= size) throw new Error(`there is no address left in ${formatAddress(base)} and the ${size - 1} that follow`);
      const isEdge = [0, 255].includes(this.#lastNumber & 0xff);
      if (!isEdge && !this.switch.has(base | this.#lastNumber)) return base | this.#lastNumber;
    }
  }
}
