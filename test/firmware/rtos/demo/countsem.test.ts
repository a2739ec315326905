/**
 * After FreeRTOS's countsem demo: counting semaphores that start full and empty, counted down and up by polling tasks.
 */

import { expect, test } from 'vitest';
import { type Kernel, Semaphore, type Task } from '../../../../firmware/rtos/index.ts';
import { check } from '../../../support/check.ts';
import { device } from '../../../support/manual-clock.ts';

const MAX_COUNT = 200;

test('counting semaphores count exactly, with any interleaving of the two tasks', () => {
  const { clock, os } = device();
  const loops = [0, 0];
  function* task(kernel: Kernel, me: number, semaphore: Semaphore): Task {
    const decrement = function* (): Task {
      expect(semaphore.count).toBe(MAX_COUNT);
      for (let n = 0; n < MAX_COUNT; n++) {
        check(yield* semaphore.take(0), 'there is one to take');
        loops[me] = (loops[me] ?? 0) + 1;
        if (n % 7 === 0) yield* kernel.yield();
      }
      expect(yield* semaphore.take(0)).toBe(false);
    };
    const increment = function* (): Task {
      expect(yield* semaphore.take(0)).toBe(false);
      for (let n = 0; n < MAX_COUNT; n++) {
        check(semaphore.give(), 'there is room for one');
        if (n % 5 === 0) yield* kernel.yield();
      }
      expect(semaphore.give()).toBe(false);
    };
    if (me === 0) yield* decrement();
    for (;;) {
      yield* increment();
      clock.spend(0.1);
      yield* decrement();
    }
  }
  os.createTask(task, 'full', 1, 0, new Semaphore(os, MAX_COUNT, MAX_COUNT));
  os.createTask(task, 'empty', 1, 1, new Semaphore(os, MAX_COUNT, 0));
  os.start();
  clock.advance(20);
  expect(loops[0]).toBeGreaterThan(10_000);
  expect(loops[1]).toBeGreaterThan(10_000);
});
