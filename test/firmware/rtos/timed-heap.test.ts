/** The heap of delayed tasks does what FreeRTOS's sorted list does: by time, and within one time by arrival. */

import { expect, test } from 'vitest';
import { OUT, TimedHeap } from '../../../firmware/rtos/timed-heap.ts';
import { Seeded } from '../../support/seeded.ts';

class Item {
  wakeTick = 0;
  wakeOrder = 0;
  heapIndex = OUT;
  lineNext: Item | undefined = undefined;
  linePrev: Item | undefined = undefined;
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])('any mix of add and remove keeps the order of a sorted list (seed %i)', (seed) => {
  const random = new Seeded(seed);
  const heap = new TimedHeap<Item>();
  const sorted: Item[] = [];
  let tick = 0;
  for (let step = 0; step < 4000; step++) {
    if (random.chance(2) || sorted.length === 0) {
      const item = new Item();
      // Often the same time as just before, as of tasks that sleep equally long.
      if (random.chance(2)) tick = random.below(40);
      heap.add(item, tick);
      const after = sorted.findIndex((other) => other.wakeTick > item.wakeTick);
      sorted.splice(after < 0 ? sorted.length : after, 0, item);
    } else {
      const index = random.chance(2) ? 0 : random.below(sorted.length);
      const [item] = sorted.splice(index, 1);
      if (item === undefined) throw new Error('the model is empty');
      heap.remove(item);
      expect(item.heapIndex).toBe(OUT);
    }
    expect(heap.first).toBe(sorted[0]);
  }
  for (const item of sorted) {
    expect(heap.first).toBe(item);
    heap.remove(item);
  }
  expect(heap.first).toBeUndefined();
});

test('a queue of one kind leaves as a whole, in its order', () => {
  const heap = new TimedHeap<Item>();
  const items = Array.from({ length: 5 }, () => new Item());
  const [a, b, c, d, e] = items;
  if (a === undefined || b === undefined || c === undefined || d === undefined || e === undefined) throw new Error();
  heap.add(a, 3, 1);
  heap.add(b, 3, 1);
  heap.add(c, 3, 2);
  heap.add(d, 3, 1);
  heap.add(e, 2, 1);
  heap.remove(e);
  expect(heap.first).toBe(a);
  heap.removeQueue(a);
  expect([a.lineNext, b.lineNext, a.heapIndex]).toEqual([b, a, OUT]);
  expect(heap.first).toBe(c);
  heap.removeQueue(c);
  heap.add(e, 3, 1);
  expect(heap.first).toBe(d);
  expect(d.lineNext).toBe(d);
});

test('entries that are of another kind than they were are known until the heap is empty', () => {
  const heap = new TimedHeap<Item>();
  const item = new Item();
  heap.add(item, 3);
  heap.disturb();
  expect(heap.isSorted).toBe(false);
  heap.remove(item);
  expect(heap.isSorted).toBe(true);
});

test('removing an entry that is in no heap does nothing', () => {
  const heap = new TimedHeap<Item>();
  const inside = new Item();
  heap.add(inside, 3);
  heap.remove(new Item());
  expect(heap.first).toBe(inside);
});
