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
  /** Neighbours in the queue of entries with the same time; undefined if there is none. */
  lineNext: T | undefined;
  linePrev: T | undefined;
}

/** @internal */
export const OUT = -1;
const QUEUED = -2;

/** The items of every heap in which nothing has been yet. */
const NONE: never[] = [];

export class TimedHeap<T extends Timed<T>> {
  #items: T[] = NONE;
  /** The only place there is, until there are two for the first time: most heaps never have them. */
  #only: T | undefined = undefined;
  #arrivals = 0;
  /** Entry that was added last, if it is still in the heap. */
  #last: T | undefined = undefined;

  /** The earliest, undefined when empty. */
  get first(): T | undefined {
    return this.#items === NONE ? this.#only : this.#items[0];
  }

  add(item: T, wakeTick: number): void {
    const last = this.#last;
    item.wakeTick = wakeTick;
    item.wakeOrder = this.#arrivals++;
    this.#last = item;
    if (last !== undefined && last.wakeTick === wakeTick) {
      last.lineNext = item;
      item.linePrev = last;
      item.heapIndex = QUEUED;
      return;
    }
    if (this.#items === NONE) {
      if (this.#only === undefined) {
        this.#only = item;
        item.heapIndex = 0;
        return;
      }
      this.#items = [this.#only];
      this.#only = undefined;
    }
    this.up(this.#items.length, item);
  }

  /** Takes `item` out; does nothing when it is in no heap. */
  remove(item: T): void {
    const index = item.heapIndex;
    if (index === OUT) return;
    const { lineNext: next, linePrev: before } = item;
    item.heapIndex = OUT;
    item.lineNext = undefined;
    item.linePrev = undefined;
    if (this.#last === item) this.#last = before;
    if (before !== undefined) before.lineNext = next;
    if (next !== undefined) next.linePrev = before;
    if (index === QUEUED) return;
    // Nobody of the same time came in between: its place is the next one's.
    if (next !== undefined) next.heapIndex = index;
    if (this.#items === NONE) this.#only = next;
    else if (next === undefined) this.removeAt(index);
    else this.#items[index] = next;
  }

  private removeAt(index: number): void {
    const last = this.#items.pop();
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
