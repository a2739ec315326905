/** After FreeRTOS's QPeek demo: four tasks of rising priority that peek at one queue, and which of them sees what. */

import { expect, test } from 'vitest';
import { MAX_DELAY, Queue } from '../../../../firmware/rtos/index.ts';
import { device } from '../../../support/manual-clock.ts';

test('an item is seen by all who peek, from the highest down, until one receives it', () => {
  const { clock, os, log } = device();
  const queue = new Queue<number>(os, 5);
  let loops = 0;
  const highest = os.createTask(function* () {
    for (;;) {
      expect(yield* queue.peek(MAX_DELAY)).toBe(0x1122);
      expect(queue.messagesWaiting).toBe(1);
      log.push('highest');
      yield* os.suspend();
      expect(yield* queue.peek(MAX_DELAY)).toBe(0x3344);
      log.push('highest');
      expect(yield* queue.receive(0)).toBe(0x3344);
      yield* os.suspend();
    }
  }, 'highest', 4);
  const high = os.createTask(function* () {
    for (;;) {
      expect(yield* queue.peek(MAX_DELAY)).toBe(0x1122);
      log.push('high');
      yield* os.suspend();
      // The highest has taken it away, so the one that peeks waits on, for the next.
      expect(yield* queue.peek(MAX_DELAY)).toBe(0x5566);
      log.push('high');
      yield* os.suspend();
    }
  }, 'high', 3);
  const medium = os.createTask(function* () {
    for (;;) {
      expect(yield* queue.peek(MAX_DELAY)).toBe(0x1122);
      log.push('medium');
      // The last of them takes it.
      expect(yield* queue.receive(0)).toBe(0x1122);
      yield* os.suspend();
      expect(yield* queue.peek(50)).toBe(0x5566);
      expect(yield* queue.receive(0)).toBe(0x5566);
      log.push('medium');
      yield* os.suspend();
    }
  }, 'medium', 2);
  const all = [highest, high, medium];
  os.createTask(function* () {
    for (;;) {
      expect(all.map((task) => task.state)).toEqual(['Blocked', 'Blocked', 'Blocked']);
      expect(yield* queue.sendToFront(0x1122, 0)).toBe(true);
      yield* os.yield();
      expect(log.splice(0)).toEqual(['highest', 'high', 'medium']);
      expect(queue.messagesWaiting).toBe(0);
      for (const task of all) {
        expect(task.state).toBe('Suspended');
        task.resume();
      }
      yield* os.yield();
      expect(yield* queue.sendToFront(0x3344, 0)).toBe(true);
      yield* os.yield();
      expect(log.splice(0)).toEqual(['highest']);
      expect(all.map((task) => task.state)).toEqual(['Suspended', 'Blocked', 'Blocked']);
      expect(yield* queue.send(0x5566, 0)).toBe(true);
      yield* os.yield();
      expect(log.splice(0)).toEqual(['high', 'medium']);
      for (const task of all) task.resume();
      loops++;
      yield* os.delay(10);
    }
  }, 'low', 1);
  os.start();
  clock.advance(2000);
  expect(loops).toBe(201);
});
