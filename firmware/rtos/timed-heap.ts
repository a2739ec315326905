/**
 * Things that wait for a time, earliest first; those of one time in the order they came, as
 * FreeRTOS's sorted lists keep them. A binary heap instead of a list, so that a kernel of 100,000
 * delayed tasks pays log n for each, not n.
 */

/** An entry of a heap. It stands in one heap at a time and knows its position, so that it can be removed early. */
export interface Timed {
  /** When, in ticks since the scheduler started; these do not wrap. */
  wakeTick: number;
  /** Breaks ties: a number that grows with each arrival. */
  wakeOrder: number;
  /** The place in the heap, -1 when in none. */
  heapIndex: number;
}

/** The items of every heap in which nothing has been yet. */
const NONE: never[] = [];

export class TimedHeap<T extends Timed> {
  #items: T[] = NONE;
  #arrivals = 0;

  /** The earliest, undefined when empty. */
  get first(): T | undefined {
    return this.#items[0];
  }

  add(item: T, wakeTick: number): void {
    item.wakeTick = wakeTick;
    item.wakeOrder = this.#arrivals++;
    // Most heaps never have more than one, and an array that grows by itself makes room for 17.
    if (this.#items === NONE) {
      this.#items = [item];
      item.heapIndex = 0;
      return;
    }
    this.#up(this.#items.length, item);
  }

  /** Takes `item` out; does nothing when it is in no heap. */
  remove(item: T): void {
    const index = item.heapIndex;
    if (index < 0) return;
    item.heapIndex = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    const parent = this.#items[(index - 1) >> 1];
    if (index > 0 && parent !== undefined && isBefore(last, parent)) this.#up(index, last);
    else this.#down(index, last);
  }

  #up(index: number, item: T): void {
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

  #down(index: number, item: T): void {
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

function isBefore(a: Timed, b: Timed): boolean {
  return a.wakeTick < b.wakeTick || (a.wakeTick === b.wakeTick && a.wakeOrder < b.wakeOrder);
}
