/**
 * The layout of keys and values in the flash. A power failure at any write leaves either all of them as before, or all
 * of them as after.
 *
 *     uint32 sequence    one more than the record before
 *     uint32 length      of the entries, in bytes                      all little-endian
 *     entries            each: uint8 key length, key, uint16 value length, value
 *                        (then ones up to a whole word)
 *     uint32 crc         CRC-32 of everything before it: programmed last, it commits the record
 *
 * Each record holds everything; the valid record with the highest sequence counts. The next record goes behind it while
 * there is room on the page on which it ends; otherwise into the other bank, and the old bank is erased after that. So
 * a page is erased once for several commits, two banks are in use for one commit at most, and starting has nothing to
 * repair: a record that a power failure has torn has no valid check, and is erased before anything is written there.
 */

import { crc32 } from '../crc32.ts';
import { BANK_BYTES, charactersOf, PAGE_BYTES, WORD_BYTES, type Bank, type Flash } from './flash.ts';

const HEAD_BYTES = 8;
const CRC_BYTES = 4;

/** Stored values, in the order in which their keys were set. */
export type FlashValues = Map<string, Uint8Array>;

interface LogRecord {
  readonly bank: Bank;
  readonly sequence: number;
  readonly entries: Uint8Array;
  /** Offset of its end in the bank. */
  readonly end: number;
  /** Up to the end of its page nothing was programmed behind it. */
  readonly isLast: boolean;
}

/** Returns what the last completed `store` stored; nothing for a new flash. */
export function load(flash: Flash): FlashValues {
  const record = newest(flash);
  return record === undefined ? new Map() : decode(record.entries);
}

/** Stores `values` in place of all that was stored. `full`: they do not fit. `failed`: so did the power. */
export function store(flash: Flash, values: FlashValues): 'done' | 'full' | 'failed' {
  const last = newest(flash);
  const record = encode(last === undefined ? 0 : last.sequence + 1, values);
  if (record.length > BANK_BYTES) return 'full';
  if (last?.isLast === true && record.length <= toNext(PAGE_BYTES, last.end)) {
    return flash.program(last.bank, last.end, record) ? 'done' : 'failed';
  }
  const bank = last?.bank === 'a' ? 'b' : 'a';
  // There may be what a power failure has left, of an erasing or of a record.
  if (!flash.erase(bank) || !flash.program(bank, 0, record)) return 'failed';
  return last === undefined || flash.erase(last.bank) ? 'done' : 'failed';
}

function newest(flash: Flash): LogRecord | undefined {
  const a = lastRecord(flash, 'a');
  const b = lastRecord(flash, 'b');
  if (a === undefined || b === undefined) return a ?? b;
  return a.sequence > b.sequence ? a : b;
}

function lastRecord(flash: Flash, bank: Bank): LogRecord | undefined {
  if (flash.isBlank(bank)) return undefined;
  const bytes = flash.read(bank);
  const view = new DataView(bytes.buffer);
  let record: LogRecord | undefined;
  for (let at = 0; at + HEAD_BYTES + CRC_BYTES <= bytes.length; at = record.end) {
    const length = view.getUint32(at + 4, true);
    const crcAt = at + HEAD_BYTES + length + toNext(WORD_BYTES, length);
    const end = crcAt + CRC_BYTES;
    if (end > bytes.length || view.getUint32(crcAt, true) !== crc32(bytes.subarray(at, crcAt))) break;
    const rest = bytes.subarray(end, end + toNext(PAGE_BYTES, end));
    record = {
      bank,
      sequence: view.getUint32(at, true),
      entries: bytes.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length),
      end,
      isLast: rest.every((byte) => byte === 0xff),
    };
  }
  return record;
}

function encode(sequence: number, values: FlashValues): Uint8Array {
  let length = 0;
  for (const [key, value] of values) length += 3 + key.length + value.length;
  const crcAt = HEAD_BYTES + length + toNext(WORD_BYTES, length);
  const bytes = new Uint8Array(crcAt + CRC_BYTES).fill(0xff);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, sequence, true);
  view.setUint32(4, length, true);
  let at = HEAD_BYTES;
  for (const [key, value] of values) {
    bytes[at++] = key.length;
    for (let i = 0; i < key.length; i++) bytes[at++] = key.charCodeAt(i);
    view.setUint16(at, value.length, true);
    bytes.set(value, at + 2);
    at += 2 + value.length;
  }
  view.setUint32(crcAt, crc32(bytes.subarray(0, crcAt)), true);
  return bytes;
}

function decode(entries: Uint8Array): FlashValues {
  const values: FlashValues = new Map();
  for (let at = 0; at < entries.length; ) {
    const keyEnd = at + 1 + (entries[at] ?? 0);
    const valueAt = keyEnd + 2;
    const valueEnd = valueAt + (entries[keyEnd] ?? 0) + (entries[keyEnd + 1] ?? 0) * 256;
    values.set(charactersOf(entries.subarray(at + 1, keyEnd)), entries.slice(valueAt, valueEnd));
    at = valueEnd;
  }
  return values;
}

/** Returns the number of bytes from `at` to the next multiple of `unit`. */
function toNext(unit: number, at: number): number {
  return (unit - (at % unit)) % unit;
}
