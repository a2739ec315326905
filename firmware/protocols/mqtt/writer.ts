/** Writes the fields of a packet, one after the other, into a buffer that grows. */

import { encodeUtf8 } from './utf8.ts';

/** The longest that a variable byte integer can say (5.0 section 1.5.5). */
export const VARIABLE_MAX = 268_435_455;

export class Writer {
  #bytes: Uint8Array;
  #at = 0;

  constructor(capacityBytes = 64) {
    this.#bytes = new Uint8Array(capacityBytes);
  }

  get lengthBytes(): number {
    return this.#at;
  }

  /** Returns the written bytes: a view. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** An empty one, for what needs its length in front. */
  part(): Writer {
    return new Writer(16);
  }

  byte(value: number): void {
    this.#makeRoom(1);
    this.#bytes[this.#at++] = value;
  }

  twoBytes(value: number): void {
    checkWithin(value, 0xffff);
    this.byte(value >>> 8);
    this.byte(value);
  }

  fourBytes(value: number): void {
    checkWithin(value, 0xffff_ffff);
    for (const shift of [24, 16, 8, 0]) this.byte(value >>> shift);
  }

  variableBytes(value: number): void {
    checkWithin(value, VARIABLE_MAX);
    let rest = value;
    do {
      this.byte(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
      rest >>>= 7;
    } while (rest > 0);
  }

  text(text: string): void {
    this.binary(encodeUtf8(text));
  }

  /** With its length in front. */
  binary(bytes: Uint8Array): void {
    this.twoBytes(bytes.length);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #makeRoom(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + count));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

function checkWithin(value: number, most: number): void {
  if (!Number.isInteger(value) || value < 0 || value > most) {
    throw new RangeError(`${value} does not fit into a field of MQTT that holds 0 to ${most}`);
  }
}
