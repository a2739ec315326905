/**
 * Things that wait for a time, earliest first; those of one time in the order they came, as
 * FreeRTOS's sorted lists keep them. A binary heap instead of a list, so that a kernel of 100,000
 * delayed tasks pays log n for each, not n. What comes one after another for one time, as tasks do
 * that sleep equally long since one tick, is a queue with one place in the heap, and pays nothing.
 */

/** Entry of a heap. An entry is in one heap at a time and knows its place, so that it can be removed early. */
export interface Timed<T> {
  /** When, in ticks since the scheduler started; these do not wrap. */
  wakeTick: number;
  /** Breaks ties: a number that grows with each arrival. */
  wakeOrder: number;
  /** The place in the heap; QUEUED behind another one; OUT when in none. */
  heapIndex: number;
  /** Neighbours in its queue, which is a ring: the first follows the last. Undefined when in no heap. */
  lineNext: T | undefined;
  linePrev: T | undefined;
}

/** @internal */
export const OUT = -1;
/** @internal */
export const QUEUED = -2;

export class TimedHeap<T extends Timed<T>> {
  /** The first of each queue. */
  readonly #items: T[] = [];
  #arrivals = 0;
  /** Entry that was added last, if it is still in the heap, and its kind. */
  #last: T | undefined = undefined;
  #lastKind = 0;
  /** An entry has become of another kind than the rest of its queue, since the heap was empty last. */
  #isMixed = false;

  /** The earliest, undefined when empty. */
  get first(): T | undefined {
    return this.#items[0];
  }

  /** True if all of each queue are of one kind. */
  get isSorted(): boolean {
    return !this.#isMixed;
  }

  /** An entry is of another kind from now on. It keeps its place. */
  disturb(): void {
    this.#isMixed = true;
  }

  add(item: T, wakeTick: number, kind = 0): void {
    const last = this.#last;
    const first = last?.lineNext;
    item.wakeTick = wakeTick;
    item.wakeOrder = this.#arrivals++;
    this.#last = item;
    if (last !== undefined && first !== undefined && last.wakeTick === wakeTick && this.#lastKind === kind) {
      last.lineNext = item;
      item.linePrev = last;
      item.lineNext = first;
      first.linePrev = item;
      item.heapIndex = QUEUED;
      return;
    }
    this.#lastKind = kind;
    item.lineNext = item;
    item.linePrev = item;
    this.up(this.#items.length, item);
  }

  /** Takes `item` out; does nothing when it is in no heap. */
  remove(item: T): void {
    const { heapIndex: index, lineNext: next, linePrev: before } = item;
    if (index === OUT || next === undefined || before === undefined) return;
    item.heapIndex = OUT;
    item.lineNext = undefined;
    item.linePrev = undefined;
    if (next === item) {
      if (this.#last === item) this.#last = undefined;
      this.removeAt(index);
      return;
    }
    if (this.#last === item) this.#last = before;
    before.lineNext = next;
    next.linePrev = before;
    if (index === QUEUED) return;
    // Nobody of the same time came in between: its place is the next one's.
    next.heapIndex = index;
    this.#items[index] = next;
  }

  /** Takes out the whole queue of `first`, the earliest. It stays a ring, and of all in it only `first` is OUT. */
  removeQueue(first: T): void {
    if (this.#last === first.linePrev) this.#last = undefined;
    first.heapIndex = OUT;
    this.removeAt(0);
  }

  private removeAt(index: number): void {
    const last = this.#items.pop();
    if (this.#items.length === 0) this.#isMixed = false;
    if (last === undefined || index === this.#items.length) return;
    const parent = this.#items[(index - 1) >> 1];
    if (index > 0 && parent !== undefined && isBefore(last, parent)) this.up(index, last);
    else this.down(index, last);
  }

  private up(index: number, item: T): void {
    const items = this.#items;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = items[parentIndex];
      if (parent === undefined || !isBefore(item, parent)) break;
      items[index] = parent;
      parent.heapIndex = index;
      index = parentIndex;
    }
    items[index] = item;
    item.heapIndex = index;
  }

  private down(index: number, item: T): void {
    const items = this.#items;
    for (;;) {
      let childIndex = 2 * index + 1;
      let child = items[childIndex];
      if (child === undefined) break;
      const right = items[childIndex + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        childIndex++;
      }
      if (!isBefore(child, item)) break;
      items[index] = child;
      child.heapIndex = index;
      index = childIndex;
    }
    items[index] = item;
    item.heapIndex = index;
  }
}

function isBefore<T>(a: Timed<T>, b: Timed<T>): boolean {
  return a.wakeTick < b.wakeTick || (a.wakeTick === b.wakeTick && a.wakeOrder < b.wakeOrder);
}
