/** Tick arithmetic: 32 bits that wrap around. */

import { expect, test } from 'vitest';
import { addTicks, MAX_DELAY, ticksBetween } from '../../../firmware/rtos/index.ts';

test('a count wraps to 0 after 2^32 - 1', () => {
  expect(MAX_DELAY).toBe(2 ** 32 - 1);
  expect(addTicks(MAX_DELAY, 0)).toBe(MAX_DELAY);
  expect(addTicks(MAX_DELAY, 1)).toBe(0);
  expect(addTicks(5, MAX_DELAY)).toBe(4);
});

test('the ticks between two counts are right across the wrap', () => {
  expect(ticksBetween(10, 25)).toBe(15);
  expect(ticksBetween(MAX_DELAY - 4, 5)).toBe(10);
  expect(ticksBetween(7, 7)).toBe(0);
  expect(ticksBetween(7, 6)).toBe(MAX_DELAY);
});
