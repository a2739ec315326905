/** Binary and counting semaphores. */

import { expect, test } from 'vitest';
import { Semaphore } from '../../../firmware/rtos/index.ts';
import { device } from '../../support/manual-clock.ts';

test('a binary semaphore is empty at first, and holds one', () => {
  const { os } = device();
  const semaphore = new Semaphore(os);
  expect([semaphore.takeFromIsr(), semaphore.count]).toEqual([false, 0]);
  expect([semaphore.give(), semaphore.give(), semaphore.count]).toEqual([true, false, 1]);
  expect([semaphore.takeFromIsr(), semaphore.count]).toEqual([true, 0]);
});

test('a counting semaphore counts from its initial count to its maximum', () => {
  const { os } = device();
  const semaphore = new Semaphore(os, 3, 2);
  expect([semaphore.giveFromIsr(), semaphore.giveFromIsr(), semaphore.count]).toEqual([true, false, 3]);
});

test('each give wakes one task, the highest first; a give without a waiting task is kept', () => {
  const { os, log } = device();
  const semaphore = new Semaphore(os, 5);
  for (const [name, priority] of [['a', 1], ['b', 3], ['c', 3]] as const) {
    os.createTask(function* () {
      yield* semaphore.take();
      log.push(name);
    }, name, priority);
  }
  os.start();
  semaphore.giveFromIsr();
  expect(log).toEqual(['b']);
  semaphore.giveFromIsr();
  semaphore.giveFromIsr();
  semaphore.giveFromIsr();
  expect(log).toEqual(['b', 'c', 'a']);
  expect(semaphore.count).toBe(1);
});

test('several gives before the woken tasks run wake as many', () => {
  const { os, log } = device();
  const semaphore = new Semaphore(os, 5);
  for (const name of ['a', 'b', 'c']) {
    os.createTask(function* () {
      yield* semaphore.take();
      log.push(name);
    }, name, 1);
  }
  os.start();
  os.enterIsr();
  semaphore.give();
  semaphore.give();
  os.exitIsr();
  expect(log).toEqual(['a', 'b']);
});

test.each([
  [0, 0, "a semaphore's maxCount must be a whole number, at least 1, not 0"],
  [2, 3, "a semaphore's initialCount must be from 0 to its maxCount 2, not 3"],
  [2, -1, "a semaphore's initialCount must be from 0 to its maxCount 2, not -1"],
])('refuses maxCount %d, initialCount %d', (maxCount, initialCount, message) => {
  const { os } = device();
  expect(() => new Semaphore(os, maxCount, initialCount)).toThrow(message);
});
