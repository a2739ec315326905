/**
 * A board's flash chip, two banks of it. As in real ones a page is erased as a whole, to ones; a word is programmed at
 * a time, and that only makes zeros of ones; and when the power fails meanwhile, a part of it is done and nobody knows
 * which.
 */

import type { Random } from '../../hal/random.ts';

/** Unit of erasing. */
export const PAGE_BYTES = 128;
/** Unit of programming. */
export const WORD_BYTES = 4;
/** Size of each of the two banks. */
export const BANK_BYTES = 16 * 1024;

export type Bank = 'a' | 'b';

/** A power failure in the middle of a write. */
export interface PowerFailure {
  /** Number of writes until it comes: 1 is the next. A write programs a word or erases a page. */
  writes: number;
  /** Random numbers that decide which part of that write is done. */
  readonly random: Random;
  /** Called when it has come so far. */
  readonly happen: () => void;
}

const ERASED = 0xff;

/** The bank that is being read or written, of any flash. */
const CELLS = new Uint8Array(BANK_BYTES);

/** The contents packed last, of any flash: what each device of a fleet programs when it boots is kept once. */
let lastPacked = '';

export class Flash {
  /**
   * The power failure to come. After it nothing may be written until power is back: `program` and `erase` report it.
   */
  failure: PowerFailure | undefined = undefined;
  // The programmed contents: one character a byte, without the erased bytes at the end. There are 100,000 of these,
  // most with 24 bytes in them. A string takes 16 bytes more than its characters, a Uint8Array some 200. A private
  // method with a # would take a field of each.
  #a = '';
  #b = '';

  /** A copy of the pages of a bank that are not blank, and of those before them. */
  read(bank: Bank): Uint8Array {
    return CELLS.slice(0, this.unpack(bank, 0));
  }

  /** True if nothing is programmed in the bank. */
  isBlank(bank: Bank): boolean {
    return this.packed(bank) === '';
  }

  /** Programs whole words from byte `at` on. False when the power failed. */
  program(bank: Bank, at: number, bytes: Uint8Array): boolean {
    const end = at + bytes.length;
    if (at % WORD_BYTES !== 0 || bytes.length % WORD_BYTES !== 0) {
      throw new Error('only whole words of the flash can be programmed');
    }
    if (end > BANK_BYTES) throw new Error(`byte ${end} is beyond the end of the flash's bank`);
    const count = this.unpack(bank, end);
    for (let word = at; word < end; word += WORD_BYTES) {
      const failure = this.failureOfThisWrite();
      for (let i = word; i < word + WORD_BYTES; i++) {
        // If the power fails, some of the bits have not become zeros.
        const torn = failure === undefined ? 0 : failure.random.uint32() & 0xff;
        CELLS[i] = (CELLS[i] ?? ERASED) & ((bytes[i - at] ?? ERASED) | torn);
      }
      if (failure !== undefined) return this.fail(failure, bank, count);
    }
    this.pack(bank, count);
    return true;
  }

  /** Erases the pages of a bank that are not blank, and those before them. False when the power failed. */
  erase(bank: Bank): boolean {
    const count = this.unpack(bank, 0);
    for (let page = 0; page < count; page += PAGE_BYTES) {
      const failure = this.failureOfThisWrite();
      // If the power fails, only some of the bits have become ones.
      for (let i = page; i < page + PAGE_BYTES; i++) {
        CELLS[i] = (CELLS[i] ?? 0) | (failure === undefined ? ERASED : failure.random.uint32() & 0xff);
      }
      if (failure !== undefined) return this.fail(failure, bank, count);
    }
    this.pack(bank, count);
    return true;
  }

  private failureOfThisWrite(): PowerFailure | undefined {
    const { failure } = this;
    if (failure === undefined || --failure.writes > 0) return undefined;
    this.failure = undefined;
    return failure;
  }

  private fail(failure: PowerFailure, bank: Bank, count: number): false {
    this.pack(bank, count);
    failure.happen();
    return false;
  }

  private packed(bank: Bank): string {
    return bank === 'a' ? this.#a : this.#b;
  }

  /** Fills CELLS from the bank, at least `minBytes` in whole pages. Returns how many. */
  private unpack(bank: Bank, minBytes: number): number {
    const packed = this.packed(bank);
    const count = Math.ceil(Math.max(packed.length, minBytes) / PAGE_BYTES) * PAGE_BYTES;
    CELLS.fill(ERASED, 0, count);
    for (let i = 0; i < packed.length; i++) CELLS[i] = packed.charCodeAt(i);
    return count;
  }

  /** The first `count` of CELLS are the bank now. */
  private pack(bank: Bank, count: number): void {
    let length = count;
    while (length > 0 && CELLS[length - 1] === ERASED) length--;
    const characters = charactersOf(CELLS.subarray(0, length));
    const packed = characters === lastPacked ? lastPacked : characters;
    if (length > 0) lastPacked = packed;
    if (bank === 'a') this.#a = packed;
    else this.#b = packed;
  }
}

/** A character for each byte. Not by a spread, which makes an object for each: every boot of every device writes. */
export function charactersOf(bytes: Uint8Array): string {
  return Reflect.apply(String.fromCharCode, undefined, bytes);
}
