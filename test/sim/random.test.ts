/** Random streams: they follow from seed and name, and from nothing else. */

import { expect, it } from 'vitest';
import { chance, forkRandom } from '../../sim/random.ts';

const draw = (seed: number, name: string, count: number) => {
  const random = forkRandom(seed, name);
  return Array.from({ length: count }, () => random.uint32());
};

it('is the same for the same seed and name in every version: recorded runs repeat', () => {
  expect(draw(1, 'dev-1', 4)).toEqual([1_765_501_258, 4_079_483_103, 2_884_375_243, 3_549_606_178]);
});

it('is another for each seed and each name', () => {
  const firsts = new Set<number>();
  for (let seed = 0; seed < 100; seed++) for (let i = 0; i < 100; i++) firsts.add(draw(seed, `dev-${i}`, 1)[0] ?? 0);
  for (const name of ['', 'a', 'b', 'ab', 'ba']) firsts.add(draw(1, name, 1)[0] ?? 0);
  // Among 10,005 numbers of 32 bits, two the same are found once in 86 times; three never.
  expect(firsts.size).toBeGreaterThanOrEqual(10_004);
  // A difference in the seed must not cancel out a difference in the name.
  expect(draw(1, 'aev-1', 2)).not.toEqual(draw(2, 'bev-1', 2));
});

it('draws from all 32 bits, each as often set as not', () => {
  const set = new Array<number>(32).fill(0);
  const count = 100_000;
  for (const number of draw(7, 'bits', count)) {
    expect(Number.isInteger(number) && number >= 0 && number < 2 ** 32).toBe(true);
    for (let bit = 0; bit < 32; bit++) set[bit] = (set[bit] ?? 0) + ((number >>> bit) & 1);
  }
  // Five standard deviations.
  for (const ones of set) expect(Math.abs(ones - count / 2)).toBeLessThan(5 * Math.sqrt(count) / 2);
});

it('spreads small numbers evenly', () => {
  const counts = new Array<number>(10).fill(0);
  for (const number of draw(3, 'dice', 100_000)) counts[number % 10] = (counts[number % 10] ?? 0) + 1;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});

it('lets a chance of 0 never happen, one of 1 always, and others as often as they say', () => {
  const random = forkRandom(5, 'chances');
  const hits = (probability: number) =>
    Array.from({ length: 100_000 }, () => chance(random, probability)).filter(Boolean).length;
  expect(hits(0)).toBe(0);
  expect(hits(1)).toBe(100_000);
  // Five standard deviations.
  expect(Math.abs(hits(0.01) - 1000)).toBeLessThan(160);
});

it('takes a chance on the number that decides, and on no other', () => {
  const gives = (number: number) => ({ uint32: () => number });
  expect(chance(gives(2 ** 31 - 1), 0.5)).toBe(true);
  expect(chance(gives(2 ** 31), 0.5)).toBe(false);
  expect(chance(gives(2 ** 32 - 1), 1)).toBe(true);
  expect(chance(gives(0), 0)).toBe(false);
});
