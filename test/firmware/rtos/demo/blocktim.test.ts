/**
 * After FreeRTOS's blocktim demo: a task that waits for a queue waits as long as it said, even if it is woken in vain.
 */

import { expect, test } from 'vitest';
import { type Kernel, Queue, type Task, type TaskHandle } from '../../../../firmware/rtos/index.ts';
import { device } from '../../../support/manual-clock.ts';

const LENGTH = 5;

test('block times are kept to the tick, also by a task that is woken and robbed', () => {
  const { clock, os } = device();
  const queue = new Queue<number>(os, LENGTH);
  let primaryCycles = 0;
  let secondaryCycles = 0;

  const secondary = os.createTask(function* () {
    for (;;) {
      yield* os.suspend();
      let from = os.getTickCount();
      expect(yield* queue.send(99, 175)).toBe(false);
      expect(os.getTickCount() - from).toBe(175);
      yield* os.suspend();
      from = os.getTickCount();
      expect(yield* queue.receive(175)).toBeUndefined();
      expect(os.getTickCount() - from).toBe(175);
      secondaryCycles++;
    }
  }, 'secondary', 1);

  /** Wakes the secondary task five times and takes away what it was woken for, before it can run. */
  function* wakeAndRob(kernel: Kernel, rob: () => Generator<void, void, void>): Task {
    expect(secondary.state).toBe('Suspended');
    secondary.resume();
    yield* kernel.delay(20);
    expect(secondary.state).toBe('Blocked');
    for (let n = 0; n < 5; n++) {
      yield* rob();
      expect(secondary.state).toBe('Ready');
      // Raised, it may run before the next robbery, and has to block again.
      secondary.setPriority(2 + (n % 2));
      yield* kernel.delay(20);
      expect(secondary.state).toBe('Blocked');
      secondary.setPriority(1);
    }
    while (stateOf(secondary) !== 'Suspended') yield* kernel.delay(20);
  }

  os.createTask(function* () {
    for (;;) {
      for (let n = 0; n < 5; n++) {
        const from = os.getTickCount();
        expect(yield* queue.receive(10 << n)).toBeUndefined();
        expect(os.getTickCount() - from).toBe(10 << n);
      }
      for (let n = 0; n < LENGTH; n++) expect(yield* queue.send(n, 0)).toBe(true);
      for (let n = 0; n < 5; n++) {
        const from = os.getTickCount();
        expect(yield* queue.send(n, 10 << n)).toBe(false);
        expect(os.getTickCount() - from).toBe(10 << n);
      }
      yield* wakeAndRob(os, function* () {
        expect(yield* queue.receive(0)).toBeDefined();
        expect(yield* queue.send(1, 0)).toBe(true);
      });
      while (queue.messagesWaiting > 0) yield* queue.receive(0);
      yield* wakeAndRob(os, function* () {
        expect(yield* queue.send(1, 0)).toBe(true);
        expect(yield* queue.receive(0)).toBe(1);
      });
      primaryCycles++;
    }
  }, 'primary', 4);
  os.start();
  clock.advance(60_000);
  expect(primaryCycles).toBeGreaterThan(40);
  expect(secondaryCycles).toBe(primaryCycles);
});

function stateOf(task: TaskHandle): string {
  return task.state;
}

test('delayUntil keeps its period through five lengths of it', () => {
  const { clock, os } = device();
  let cycles = 0;
  os.createTask(function* () {
    for (;;) {
      for (const period of [10, 20, 40, 80, 160]) {
        const wake = { tick: os.getTickCount() };
        const from = wake.tick;
        for (let n = 1; n <= 5; n++) {
          clock.spend(period / 3);
          expect(yield* os.delayUntil(wake, period)).toBe(true);
          expect(os.getTickCount()).toBe(from + n * period);
        }
      }
      cycles++;
    }
  }, 'task', 1);
  os.start();
  clock.advance(100_000);
  expect(cycles).toBeGreaterThan(60);
});
