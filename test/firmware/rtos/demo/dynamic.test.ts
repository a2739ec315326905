/** After FreeRTOS's dynamic demo: priorities changed, tasks and the scheduler suspended, by tasks of each other. */

import { expect, test } from 'vitest';
import { Queue } from '../../../../firmware/rtos/index.ts';
import { check } from '../../../support/check.ts';
import { device } from '../../../support/manual-clock.ts';

const MAX_COUNT = 255;

test('the controller decides which task counts, and how far', () => {
  const { clock, os } = device();
  let counter = 0;
  let checks = 0;
  const continuous = os.createTask(function* () {
    const own = continuous.priority;
    for (;;) {
      continuous.setPriority(own + 1);
      check(continuous.priority === own + 1, 'raised');
      counter++;
      clock.spend(0.5);
      continuous.setPriority(own);
      yield* os.yield();
      check(continuous.priority === own, 'lowered');
    }
  }, 'continuous', 0);
  const limited = os.createTask(function* () {
    yield* os.suspend();
    for (;;) {
      if (++counter >= MAX_COUNT) yield* os.suspend();
    }
  }, 'limited', 1);
  os.createTask(function* () {
    for (;;) {
      counter = 0;
      for (let loop = 0; loop < 5; loop++) {
        continuous.suspend();
        expect(continuous.state).toBe('Suspended');
        const last = counter;
        continuous.resume();
        yield* os.yield();
        expect(continuous.state).toBe('Ready');
        yield* os.delay(128);
        os.suspendAll();
        expect(counter).toBeGreaterThan(last);
        os.resumeAll();
      }
      continuous.suspend();
      counter = 0;
      expect(limited.state).toBe('Suspended');
      limited.resume();
      yield* os.yield();
      expect(limited.state).toBe('Suspended');
      expect(counter).toBe(MAX_COUNT);
      checks++;
      continuous.resume();
      yield* os.yield();
    }
  }, 'controller', 0);
  os.start();
  clock.advance(30_000);
  expect(checks).toBeGreaterThan(40);
});

test('a queue used with the scheduler suspended delivers all values in order', () => {
  const { clock, os } = device();
  const queue = new Queue<number>(os, 1);
  let expected = 0;
  os.createTask(function* () {
    for (let value = 0; ; value++) {
      os.suspendAll();
      expect(yield* queue.send(value, 0)).toBe(true);
      os.resumeAll();
      yield* os.delay(128);
    }
  }, 'sender', 0);
  os.createTask(function* () {
    for (;;) {
      os.suspendAll();
      os.suspendAll();
      const value = yield* queue.receive(0);
      os.resumeAll();
      check(os.schedulerState === 'suspended', 'one resumeAll of two');
      os.resumeAll();
      clock.spend(1);
      yield* os.yield();
      if (value !== undefined) expect(value).toBe(expected++);
    }
  }, 'receiver', 0);
  os.start();
  clock.advance(30_000);
  expect(expected).toBeGreaterThan(220);
});
