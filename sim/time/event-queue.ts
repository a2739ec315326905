/**
 * The queue of appointments: a hierarchical timing wheel (Varghese and Lauck, "Hashed and hierarchical timing wheels",
 * 1987, scheme 7). Setting, clearing and taking cost the same with ten appointments as with a million, and allocate
 * nothing.
 *
 * A time is a number of six digits in base 1024; so is the wheel's position, which is the present. Each level has a
 * list for each value of its digit. An appointment waits on the level of the highest digit in which its time and the
 * position differ (level 0 when they are equal), in the list of its time's digit there. When the position enters a
 * list's span, on a level above 0, the list is distributed again, from its head to its tail: each of its appointments
 * then belongs on a lower level.
 *
 * Appointments of one time are taken in the order in which they were set. Proof: (1) The place of an appointment
 * follows from its time and the position alone. That holds when it is set. When the position moves from p to q, with
 * nothing due before q, the lists whose span q enters are distributed; for any other appointment, p, q and its time
 * have the same digits above its level, as p <= q < its time, and on its level q's digit is still less than its own, or
 * q would be in its span: it belongs where it is. (2) So at any moment all appointments of one time are in one list.
 * (3) A list grows at its tail, and is distributed from its head, when by (2) no other list holds any of its times: so
 * in every list the appointments of one time stand in the order in which they were set.
 *
 * The first list of the lowest occupied level is the next one: an appointment on a lower level has the position's digit
 * on each higher level, and appointments that wait on a higher level have a greater digit there.
 */

import type { Waiter } from './event.ts';

/** Nothing is due. */
export const NONE = -1;

/** 1024 lists on each of six levels: 60 bits, of which times up to 2^53 us use 53. */
const LIST_COUNT = 6 * 1024;

/**
 * Everything is in one array of 32-bit integers, a node of 16 bytes for an appointment, so that one is one cache line:
 * at 300,000 a line that is not in the cache costs more than all the rest. Nodes are doubly linked in rings; in each
 * ring is a list's head, which has links only. A handle is a node's index.
 */
const NEXT = 0;
const PREVIOUS = 1;
/**
 * The due time divided by 2^30, and the rest: bit operations are for 32 bits. In a closed node HIGH is the next closed
 * one.
 */
const HIGH = 2;
const LOW = 3;
const NODE_INTS = 4;
const HEAD_INTS = 2;
const FIRST_NODE = LIST_COUNT * HEAD_INTS;
const NODES_AT_FIRST = 16;

/** NEXT of a node that is not in a list. */
const IDLE = -1;
const CLOSED = -2;

/** Value in place of a handle: there may be appointments now that are due at the position. */
const MOVED = -2;

const HIGH_UNIT = 2 ** 30;
const DIGIT = 0x3ff;
const TWO_DIGITS = 0xfffff;

export class EventQueue {
  /** Number of appointments taken since time last passed. */
  takenAtOnce = 0;
  /** Number of open handles. */
  openCount = 0;
  /** The position, as in a node. */
  #high = 0;
  #low = 0;
  #ints = new Int32Array(FIRST_NODE + NODES_AT_FIRST * NODE_INTS);
  /** Waiters by node. */
  #waiters = new Array<Waiter | undefined>(NODES_AT_FIRST).fill(undefined);
  /** The last node that was closed, and the first that never was open. */
  #closed = NONE;
  #fresh = FIRST_NODE;
  /**
   * A bit for each list that is not empty; above it a bit for each word of those, a word a level; and a bit for each
   * level.
   */
  readonly #listBits = new Int32Array(LIST_COUNT / 32);
  readonly #wordBits = new Int32Array(LIST_COUNT / 1024);
  #levelBits = 0;

  constructor() {
    for (let head = 0; head < FIRST_NODE; head += HEAD_INTS) {
      this.#ints[head + NEXT] = head;
      this.#ints[head + PREVIOUS] = head;
    }
  }

  /** The position: the last time that `take` reached. */
  get nowUs(): number {
    return this.#high * HIGH_UNIT + this.#low;
  }

  /** A handle for `waiter`. */
  open(waiter: Waiter): number {
    let handle = this.#closed;
    if (handle === NONE) {
      handle = this.#fresh;
      this.#fresh += NODE_INTS;
      if (this.#fresh > this.#ints.length) this.#grow();
    } else {
      this.#closed = this.#ints[handle + HIGH] ?? NONE;
    }
    this.#ints[handle + NEXT] = IDLE;
    this.#waiters[(handle - FIRST_NODE) / NODE_INTS] = waiter;
    this.openCount += 1;
    return handle;
  }

  /** The handle is not used any more; it will be given out again. */
  close(handle: number): void {
    this.clear(handle);
    this.#ints[handle + NEXT] = CLOSED;
    this.#ints[handle + HIGH] = this.#closed;
    this.#closed = handle;
    this.#waiters[(handle - FIRST_NODE) / NODE_INTS] = undefined;
    this.openCount -= 1;
  }

  /** Due at `atUs`, a whole number up to 2^53; where that is past, at the position. */
  set(handle: number, atUs: number): void {
    if (!Number.isSafeInteger(atUs)) throw new Error(`an event was set for ${atUs} us, not a whole number up to 2^53`);
    this.clear(handle);
    let high = Math.floor(atUs / HIGH_UNIT) | 0;
    let low = (atUs - high * HIGH_UNIT) | 0;
    if (high < this.#high || (high === this.#high && low < this.#low)) {
      high = this.#high;
      low = this.#low;
    }
    this.#ints[handle + HIGH] = high;
    this.#ints[handle + LOW] = low;
    this.#append(handle, high, low);
  }

  /** Not due any more. */
  clear(handle: number): void {
    const next = this.#ints[handle + NEXT] ?? CLOSED;
    if (next >= 0) this.#unlink(handle);
    else if (next === CLOSED) throw new Error(`event handle ${handle} is not open`);
  }

  /** The waiter of an open handle. */
  waiter(handle: number): Waiter | undefined {
    return this.#waiters[(handle - FIRST_NODE) / NODE_INTS];
  }

  /**
   * The first that is due by `limitUs`, which must not be past: it is cleared, and the position is its time. NONE if
   * there is no such one: then the position is `limitUs`, and no further, so that what is set later for any time from
   * there on comes in its turn.
   */
  take(limitUs: number): number {
    for (;;) {
      const head = (this.#low & DIGIT) * HEAD_INTS;
      const first = this.#ints[head + NEXT] ?? head;
      if (first !== head) {
        this.#unlink(first);
        this.takenAtOnce += 1;
        return first;
      }
      const taken = this.#advance(limitUs);
      if (taken !== MOVED) return taken;
    }
  }

  /**
   * Nothing is due before this; Infinity: nothing at all. It may be early, by as much as the first list's span is wide.
   */
  get nextUs(): number {
    if (this.#levelBits === 0) return Infinity;
    const level = lowestBit(this.#levelBits);
    const word = lowestBit(this.#wordBits[level] ?? 0);
    const digit = (word << 5) | lowestBit(this.#listBits[(level << 5) | word] ?? 0);
    const unitUs = 2 ** (10 * level);
    const roundUs = unitUs * 1024;
    return Math.floor(this.nowUs / roundUs) * roundUs + digit * unitUs;
  }

  /**
   * Moves the position to where the first list's span begins, and deals it out: MOVED; or to the only one that is in
   * it, which it takes; or to `limitUs` when that comes first: NONE.
   */
  #advance(limitUs: number): number {
    this.takenAtOnce = 0;
    if (this.#levelBits === 0) return this.#rest(limitUs);
    let high = this.#high;
    let low = this.#low;
    const level = lowestBit(this.#levelBits);
    const word = lowestBit(this.#wordBits[level] ?? 0);
    const digit = (word << 5) | lowestBit(this.#listBits[(level << 5) | word] ?? 0);
    switch (level) {
      case 0:
        low = (low & ~DIGIT) | digit;
        break;
      case 1:
        low = (low & ~TWO_DIGITS) | (digit << 10);
        break;
      case 2:
        low = digit << 20;
        break;
      case 3:
        low = 0;
        high = (high & ~DIGIT) | digit;
        break;
      case 4:
        low = 0;
        high = (high & ~TWO_DIGITS) | (digit << 10);
        break;
      case 5:
        low = 0;
        high = digit << 20;
        break;
    }
    if (high * HIGH_UNIT + low > limitUs) return this.#rest(limitUs);
    this.#high = high;
    this.#low = low;
    if (level > 0) {
      const list = (level << 10) | digit;
      const first = this.#ints[list * HEAD_INTS + NEXT] ?? 0;
      high = this.#ints[first + HIGH] ?? 0;
      low = this.#ints[first + LOW] ?? 0;
      if (first === this.#ints[list * HEAD_INTS + PREVIOUS] && high * HIGH_UNIT + low <= limitUs) {
        // The waiter is alone in its list, so it is the next one of all, and the levels between can be skipped.
        this.#high = high;
        this.#low = low;
        this.#unlink(first);
        this.takenAtOnce = 1;
        return first;
      }
      this.#dealOut(list);
    }
    return MOVED;
  }

  /** Nothing is due until then. */
  #rest(limitUs: number): typeof NONE {
    this.#high = Math.floor(limitUs / HIGH_UNIT) | 0;
    this.#low = (limitUs - this.#high * HIGH_UNIT) | 0;
    return NONE;
  }

  #dealOut(list: number): void {
    const ints = this.#ints;
    const head = list * HEAD_INTS;
    let handle = ints[head + NEXT] ?? head;
    ints[head + NEXT] = head;
    ints[head + PREVIOUS] = head;
    this.#markEmpty(list);
    while (handle !== head) {
      const next = ints[handle + NEXT] ?? head;
      this.#append(handle, ints[handle + HIGH] ?? 0, ints[handle + LOW] ?? 0);
      handle = next;
    }
  }

  /** Appends to the list where this time belongs. */
  #append(handle: number, high: number, low: number): void {
    let list: number;
    if (high === this.#high) {
      const difference = low ^ this.#low;
      if (difference <= DIGIT) list = low & DIGIT;
      else if (difference <= TWO_DIGITS) list = 1024 | ((low >> 10) & DIGIT);
      else list = 2048 | (low >> 20);
    } else {
      const difference = high ^ this.#high;
      if (difference <= DIGIT) list = 3072 | (high & DIGIT);
      else if (difference <= TWO_DIGITS) list = 4096 | ((high >> 10) & DIGIT);
      else list = 5120 | (high >> 20);
    }
    const ints = this.#ints;
    const head = list * HEAD_INTS;
    const last = ints[head + PREVIOUS] ?? head;
    if (last === head) this.#markOccupied(list);
    ints[last + NEXT] = handle;
    ints[handle + PREVIOUS] = last;
    ints[handle + NEXT] = head;
    ints[head + PREVIOUS] = handle;
  }

  #unlink(handle: number): void {
    const ints = this.#ints;
    const next = ints[handle + NEXT] ?? 0;
    const previous = ints[handle + PREVIOUS] ?? 0;
    ints[previous + NEXT] = next;
    ints[next + PREVIOUS] = previous;
    ints[handle + NEXT] = IDLE;
    // Only the head is left.
    if (next === previous) this.#markEmpty(next / HEAD_INTS);
  }

  #markOccupied(list: number): void {
    const word = list >> 5;
    const level = list >> 10;
    this.#listBits[word] = (this.#listBits[word] ?? 0) | (1 << (list & 31));
    this.#wordBits[level] = (this.#wordBits[level] ?? 0) | (1 << (word & 31));
    this.#levelBits |= 1 << level;
  }

  #markEmpty(list: number): void {
    const word = list >> 5;
    const level = list >> 10;
    const lists = (this.#listBits[word] ?? 0) & ~(1 << (list & 31));
    this.#listBits[word] = lists;
    if (lists !== 0) return;
    const words = (this.#wordBits[level] ?? 0) & ~(1 << (word & 31));
    this.#wordBits[level] = words;
    if (words === 0) this.#levelBits &= ~(1 << level);
  }

  #grow(): void {
    // By an eighth: of what a world of 100,000 devices needs, doubling would leave half unused.
    const count = this.#waiters.length + Math.ceil(this.#waiters.length / 8);
    const ints = new Int32Array(FIRST_NODE + count * NODE_INTS);
    ints.set(this.#ints);
    this.#ints = ints;
    const waiters = new Array<Waiter | undefined>(count).fill(undefined);
    for (const [i, waiter] of this.#waiters.entries()) waiters[i] = waiter;
    this.#waiters = waiters;
  }
}

/** The lowest bit that is set: there must be one. */
function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
