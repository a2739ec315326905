/** The timing wheel does what a list sorted by (time, order in which it was set) does. */

import { expect, it } from 'vitest';
import { Engine } from '../../../sim/time/engine.ts';
import { EventQueue, NONE } from '../../../sim/time/event-queue.ts';
import type { Waiter } from '../../../sim/time/event.ts';
import { check } from '../../support/check.ts';
import { Seeded } from '../../support/seeded.ts';

const idle: Waiter = { fire: () => undefined, describe: () => 'nobody' };

/** Delays at the edges of levels, of words of bits, and of the halves of a time. */
const EDGES = [0, 1, 31, 32, 1023, 1024, 1025]
  .concat([2 ** 15, 2 ** 20 - 1, 2 ** 20, 2 ** 29, 2 ** 30 - 1, 2 ** 30, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 45]);

/**
 * Sets, resets, clears, closes and fires waiters at random, also from within `fire`, and compares the result with a
 * sorted list.
 */
function program(seed: number, delays: readonly number[], steps: number): number {
  const random = new Seeded(seed);
  const engine = new Engine();
  const due = new Map<number, { atUs: number; order: number }>();
  const handles: number[] = [];
  let order = 0;
  let fired = 0;

  const first = (): [number, { atUs: number; order: number }] | undefined => {
    let best: [number, { atUs: number; order: number }] | undefined;
    for (const entry of due) {
      const [, { atUs, order }] = entry;
      if (best === undefined || atUs < best[1].atUs || (atUs === best[1].atUs && order < best[1].order)) best = entry;
    }
    return best;
  };

  const waiter: Waiter = {
    fire(handle) {
      const expected = first();
      check(expected !== undefined && expected[0] === handle, `seed ${seed}: ${handle} is the first`);
      check(expected[1].atUs === engine.nowUs, `seed ${seed}: it is fired at its time`);
      due.delete(handle);
      fired += 1;
      while (random.chance(2)) act();
    },
    describe: () => 'the program',
  };

  const someUs = (): number => {
    const delayUs = random.chance(3) ? random.below(5) : random.pick(delays) + random.below(3) - 1;
    // The time goes to a multiple, at which digits roll over.
    const unitUs = random.pick([1, 1, 1024, 2 ** 20, 2 ** 30]);
    return Math.ceil((engine.nowUs + delayUs) / unitUs) * unitUs;
  };

  const act = (): void => {
    const kind = random.below(12);
    if (handles.length === 0 || (kind === 0 && handles.length < 40)) handles.push(engine.open(waiter));
    const handle = random.pick(handles);
    if (kind === 1) {
      engine.close(handle);
      handles.splice(handles.indexOf(handle), 1);
      due.delete(handle);
    } else if (kind === 2) {
      engine.clear(handle);
      due.delete(handle);
    } else {
      const atUs = random.chance(20) ? engine.nowUs - random.below(5000) : someUs();
      if (atUs > 2 ** 53 - 1) return;
      engine.set(handle, atUs);
      due.set(handle, { atUs: Math.max(atUs, engine.nowUs), order: order++ });
    }
  };

  for (let step = 0; step < steps; step++) {
    while (!random.chance(6)) act();
    const endUs = Math.min(someUs(), 2 ** 53 - 1);
    if (endUs < engine.nowUs) continue;
    engine.runUntil(endUs);
    check(engine.nowUs === endUs, `seed ${seed}: it is the time that was asked for`);
    const next = first();
    check(next === undefined || next[1].atUs > endUs, `seed ${seed}: nothing is left that is due`);
  }
  return fired;
}

it('fires in the order of time, and within one time in the order it was set: random programs against a sorted list', () => {
  let fired = 0;
  for (let seed = 0; seed < 300; seed++) fired += program(seed, EDGES.slice(0, 3 + (seed % (EDGES.length - 3))), 150);
  expect(fired).toBeGreaterThan(50_000);
});

it('does so for thousands at once, which were set in any order', () => {
  const random = new Seeded(1);
  const queue = new EventQueue();
  const expected: { handle: number; atUs: number }[] = [];
  for (let i = 0; i < 20_000; i++) {
    const handle = queue.open(idle);
    const atUs = random.below(2) * 2 ** random.below(50) + random.below(3000);
    queue.set(handle, atUs);
    expected.push({ handle, atUs });
  }
  // The sort is stable.
  expected.sort((a, b) => a.atUs - b.atUs);
  for (const { handle, atUs } of expected) {
    check(queue.take(2 ** 53 - 1) === handle, `${handle} comes at ${atUs}`);
    check(queue.nowUs === atUs, `it is ${atUs}`);
  }
  expect(queue.take(2 ** 53 - 1)).toBe(NONE);
});

it('does not go beyond the limit, though the next is far off: what is set later for before it comes before it', () => {
  for (const farUs of EDGES.slice(1)) {
    const queue = new EventQueue();
    const far = queue.open(idle);
    const near = queue.open(idle);
    queue.set(far, farUs);
    expect(queue.take(farUs - 1)).toBe(NONE);
    expect(queue.nowUs).toBe(farUs - 1);
    queue.set(near, farUs - 1);
    expect(queue.take(farUs)).toBe(near);
    expect(queue.take(farUs)).toBe(far);
    expect(queue.nowUs).toBe(farUs);
  }
});

it('comes to the last of all times', () => {
  const queue = new EventQueue();
  const handle = queue.open(idle);
  queue.set(handle, 2 ** 53 - 1);
  expect(queue.take(2 ** 53 - 2)).toBe(NONE);
  expect(queue.take(2 ** 53 - 1)).toBe(handle);
  expect(queue.nowUs).toBe(2 ** 53 - 1);
});

it('takes the past as now, after what was due already', () => {
  const queue = new EventQueue();
  const [first, second, third] = [queue.open(idle), queue.open(idle), queue.open(idle)];
  queue.take(5 * 2 ** 30 + 7);
  queue.set(first, 5 * 2 ** 30 + 7);
  queue.set(second, 6);
  queue.set(third, -(2 ** 40));
  expect([queue.take(2 ** 50), queue.take(2 ** 50), queue.take(2 ** 50)]).toEqual([first, second, third]);
  expect(queue.nowUs).toBe(5 * 2 ** 30 + 7);
});

it('gives handles out again, and knows those that are not open', () => {
  const queue = new EventQueue();
  const handles = Array.from({ length: 100 }, () => queue.open(idle));
  expect(new Set(handles).size).toBe(100);
  const [first = NONE] = handles;
  queue.set(first, 10);
  queue.close(first);
  expect(queue.openCount).toBe(99);
  expect(queue.take(20)).toBe(NONE);
  expect(() => queue.set(first, 30)).toThrow('is not open');
  expect(() => queue.close(first)).toThrow('is not open');
  expect(() => queue.set(2 ** 30, 30)).toThrow('is not open');
  expect(queue.open(idle)).toBe(first);
  expect(queue.take(2 ** 40)).toBe(NONE);
});

it.each([NaN, Infinity, -Infinity, 0.5, 2 ** 53])('refuses %f as a time, and leaves what was set', (atUs) => {
  const queue = new EventQueue();
  const handle = queue.open(idle);
  queue.set(handle, 10);
  expect(() => queue.set(handle, atUs)).toThrow('not a whole number');
  expect(queue.take(10)).toBe(handle);
});
