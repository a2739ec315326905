/**
 * After FreeRTOS's GenQTest demo: both ends of a queue, and mutexes whose holder inherits, disinherits, and holds two.
 */

import { expect, test } from 'vitest';
import { MAX_DELAY, Mutex, Queue } from '../../../../firmware/rtos/index.ts';
import { check } from '../../../support/check.ts';
import { device } from '../../../support/manual-clock.ts';

test('front and back', () => {
  const { clock, os } = device();
  const queue = new Queue<number>(os, 5);
  let loops = 0;
  os.createTask(function* () {
    for (;;) {
      for (const call of ['sendToFront', 'send'] as const) {
        check(yield* queue[call](loops, 0), 'into an empty queue');
        check(
          queue.messagesWaiting === 1 && (yield* queue.receive(0)) === loops && queue.spacesAvailable === 5,
          'out again',
        );
      }
      yield* os.yield();
      for (const [back, front] of [[[2, 3, 4], [1, 0]], [[10, 11], [9, 8, 7]]] as const) {
        for (const item of back) yield* queue.send(item, 0);
        for (const item of front) yield* queue.sendToFront(item, 0);
        check(!(yield* queue.send(0, 0)) && !(yield* queue.sendToFront(0, 0)), 'full');
        yield* os.yield();
        const first = back.length === 3 ? 0 : 7;
        for (let item = first; item < first + 5; item++) {
          check((yield* queue.peek(0)) === item && (yield* queue.receive(0)) === item, `${item} is next`);
        }
        check(queue.messagesWaiting === 0, 'empty');
      }
      loops++;
      clock.spend(0.1);
      yield* os.delay(0);
    }
  }, 'generic', 0);
  os.start();
  clock.advance(200);
  expect(loops).toBeGreaterThan(1900);
});

const [LOW, TEST, MEDIUM, HIGH] = [0, 1, 2, 3];

test('inheritance', () => {
  const { clock, os } = device();
  const [mutex, local] = [new Mutex(os), new Mutex(os)];
  let guarded = 0;
  let loops = 0;
  let aborted = false;

  const high = os.createTask(function* () {
    for (;;) {
      yield* os.suspend();
      if (yield* mutex.take(MAX_DELAY)) mutex.give();
      else {
        expect(aborted).toBe(true);
        aborted = false;
      }
    }
  }, 'high', HIGH);
  const medium = os.createTask(function* () {
    for (;;) {
      yield* os.suspend();
      guarded++;
    }
  }, 'medium', MEDIUM);
  const secondMedium = os.createTask(function* () {
    for (;;) {
      yield* os.suspend();
      if (yield* mutex.take(MAX_DELAY)) mutex.give();
      else {
        expect(aborted).toBe(true);
        aborted = false;
      }
    }
  }, 'second medium', MEDIUM);

  const low = os.createTask(function* () {
    /** Takes the mutex, and lets the high task come for it. */
    function* takeAndInherit() {
      expect(yield* mutex.take(0)).toBe(true);
      guarded = 0;
      expect(low.priority).toBe(LOW);
      high.resume();
      yield* os.yield();
      expect([high.state, low.priority]).toEqual(['Blocked', HIGH]);
    }
    /** The medium task must not run while the priority is inherited, and must right after. */
    function* giveAndFallTo(priority: number, last: Mutex) {
      medium.resume();
      yield* os.yield();
      expect([guarded, low.priority]).toEqual([0, HIGH]);
      expect(last.give()).toBe(true);
      yield* os.yield();
      expect([guarded, low.priority]).toEqual([1, priority]);
      expect([high.state, medium.state]).toEqual(['Suspended', 'Suspended']);
    }
    function* abort(task: typeof high, expected: number) {
      aborted = true;
      expect(task.abortDelay()).toBe(true);
      while (low.priority !== expected) yield* os.delay(2);
      expect(task.state).toBe('Suspended');
    }
    for (;;) {
      // One mutex. A lower priority, set meanwhile, holds when it is given.
      yield* takeAndInherit();
      low.setPriority(TEST);
      expect(low.priority).toBe(HIGH);
      yield* giveAndFallTo(TEST, mutex);
      low.setPriority(LOW);

      // Two, given in the order of taking: kept until the second is given, although the first was the one.
      yield* takeAndInherit();
      expect(yield* local.take(0)).toBe(true);
      expect(mutex.give()).toBe(true);
      yield* os.yield();
      expect(low.priority).toBe(HIGH);
      yield* giveAndFallTo(LOW, local);

      // Two, given in the opposite order.
      yield* takeAndInherit();
      expect(yield* local.take(0)).toBe(true);
      expect(local.give()).toBe(true);
      expect(low.priority).toBe(HIGH);
      yield* giveAndFallTo(LOW, mutex);

      // The high one gives up: down to the medium one, which came later, was there, or runs only then.
      yield* takeAndInherit();
      secondMedium.resume();
      yield* os.delay(loops & 7);
      yield* abort(high, MEDIUM);
      yield* abort(secondMedium, LOW);
      expect(mutex.give()).toBe(true);

      // The medium one comes first.
      expect(yield* mutex.take(0)).toBe(true);
      secondMedium.resume();
      yield* os.yield();
      expect(low.priority).toBe(MEDIUM);
      high.resume();
      yield* os.yield();
      expect(low.priority).toBe(HIGH);
      yield* abort(high, MEDIUM);
      yield* abort(secondMedium, LOW);
      expect(mutex.give()).toBe(true);
      loops++;
      yield* os.delay(1);
    }
  }, 'low', LOW);
  os.start();
  clock.advance(2000);
  expect(loops).toBeGreaterThan(100);
});
