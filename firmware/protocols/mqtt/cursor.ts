/**
 * Reads the fields of one packet, each of them within its end. The first refusal stays. From then on every field reads
 * as empty, so that a decoder looks only where a loop could go on.
 */

import { REASON, type Refusal } from './packet.ts';
import { decodeUtf8 } from './utf8.ts';

export class Cursor {
  readonly #bytes: Uint8Array;
  #at: number;
  #end: number;
  #refusal: Refusal | undefined = undefined;

  /** Over the bytes from `start` to `end`. */
  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  /** Nothing is left; also after a refusal. */
  get done(): boolean {
    return this.#at >= this.#end;
  }

  get remainingBytes(): number {
    return this.#end - this.#at;
  }

  refuse(reason: string, reasonCode: number = REASON.MALFORMED_PACKET): void {
    this.#refusal ??= { reason, reasonCode };
    this.#at = this.#end;
  }

  byte(what: string): number {
    return this.#take(1, what) ? this.#bytes[this.#at - 1] ?? 0 : 0;
  }

  twoBytes(what: string): number {
    if (!this.#take(2, what)) return 0;
    return ((this.#bytes[this.#at - 2] ?? 0) << 8) | (this.#bytes[this.#at - 1] ?? 0);
  }

  fourBytes(what: string): number {
    if (!this.#take(4, what)) return 0;
    let value = 0;
    for (let i = this.#at - 4; i < this.#at; i++) value = value * 256 + (this.#bytes[i] ?? 0);
    return value;
  }

  /** A variable byte integer (5.0 section 1.5.5). */
  variableBytes(what: string): number {
    let value = 0;
    for (let i = 0; i < 4; i++) {
      const byte = this.byte(what);
      value |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) {
        if (byte === 0 && i > 0) this.refuse(`${what} is in more bytes than it needs [MQTT-1.5.5-1]`);
        return value;
      }
    }
    this.refuse(`${what} has more than four bytes (section 1.5.5)`);
    return 0;
  }

  text(what: string): string {
    const length = this.twoBytes(`the length of ${what}`);
    if (!this.#take(length, what)) return '';
    const text = decodeUtf8(this.#bytes, this.#at - length, this.#at);
    if (text === undefined) this.refuse(`${what} is not UTF-8, or has a U+0000 [MQTT-1.5.3-1] [MQTT-1.5.4-1]`);
    return text ?? '';
  }

  /** A copy. */
  binary(what: string): Uint8Array {
    const length = this.twoBytes(`the length of ${what}`);
    return this.#take(length, what) ? this.#bytes.slice(this.#at - length, this.#at) : NOTHING;
  }

  /** All that is left: a copy. */
  rest(): Uint8Array {
    const start = this.#at;
    this.#at = this.#end;
    return start >= this.#end ? NOTHING : this.#bytes.slice(start, this.#end);
  }

  /** A cursor over the next `length` bytes, and this one behind them. Its refusal is `adopt`ed afterwards. */
  part(length: number, what: string): Cursor {
    if (!this.#take(length, what)) return new Cursor(NOTHING, 0, 0);
    return new Cursor(this.#bytes, this.#at - length, this.#at);
  }

  adopt(refusal: Refusal | undefined): void {
    if (refusal !== undefined) this.refuse(refusal.reason, refusal.reasonCode);
  }

  #take(count: number, what: string): boolean {
    if (this.#refusal !== undefined) return false;
    if (this.#at + count > this.#end) {
      this.refuse(`the packet ends within ${what} (section 2.1.4)`);
      return false;
    }
    this.#at += count;
    return true;
  }
}

const NOTHING = new Uint8Array(0);
