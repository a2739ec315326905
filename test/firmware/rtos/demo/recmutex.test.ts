/**
 * After FreeRTOS's recmutex demo: three tasks share a recursive mutex; who may have it when shows inheritance at work.
 */

import { expect, test } from 'vitest';
import { MAX_DELAY, RecursiveMutex } from '../../../../firmware/rtos/index.ts';
import { device } from '../../../support/manual-clock.ts';

const DEPTH = 10;
const SHORT_DELAY = 20;

test('controlling, blocking and polling task get it in this order, round after round', () => {
  const { clock, os } = device();
  const mutex = new RecursiveMutex(os);
  const cycles = { controlling: 0, blocking: 0, polling: 0 };
  const controlling = os.createTask(function* () {
    for (;;) {
      expect(mutex.give()).toBe(false);
      for (let n = 0; n < DEPTH; n++) {
        expect(yield* mutex.take(15)).toBe(true);
        // The lower ones try meanwhile, and do not get it.
        yield* os.delay(SHORT_DELAY);
      }
      for (let n = 0; n < DEPTH; n++) {
        yield* os.delay(SHORT_DELAY);
        expect(mutex.give()).toBe(true);
      }
      expect(mutex.give()).toBe(false);
      cycles.controlling++;
      yield* os.suspend();
    }
  }, 'controlling', 3);
  const blocking = os.createTask(function* () {
    for (;;) {
      expect(yield* mutex.take(MAX_DELAY)).toBe(true);
      expect(controlling.state).toBe('Suspended');
      expect(mutex.give()).toBe(true);
      expect(cycles.blocking).toBe(cycles.controlling - 1);
      cycles.blocking++;
      yield* os.suspend();
    }
  }, 'blocking', 2);
  const polling = os.createTask(function* () {
    for (;;) {
      clock.spend(1);
      if (!(yield* mutex.take(0))) {
        yield* os.yield();
        continue;
      }
      expect([controlling.state, blocking.state]).toEqual(['Suspended', 'Suspended']);
      blocking.resume();
      yield* os.yield();
      expect([blocking.state, polling.priority]).toEqual(['Blocked', 2]);
      controlling.resume();
      yield* os.yield();
      expect([controlling.state, polling.priority]).toEqual(['Blocked', 3]);
      cycles.polling++;
      expect(mutex.give()).toBe(true);
      expect(polling.priority).toBe(1);
      yield* os.yield();
    }
  }, 'polling', 1);
  os.start();
  clock.advance(20_000);
  expect(cycles.controlling).toBeGreaterThan(30);
  expect(Math.abs(cycles.controlling - cycles.polling)).toBeLessThanOrEqual(1);
  expect(Math.abs(cycles.controlling - cycles.blocking)).toBeLessThanOrEqual(1);
});
