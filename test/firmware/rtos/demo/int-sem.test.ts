/**
 * After FreeRTOS's IntSemTest demo: two mutexes, one given when an interrupt asks for it, and a semaphore that
 * interrupts fill.
 */

import { expect, test } from 'vitest';
import { MAX_DELAY, Mutex, Semaphore, type TaskHandle } from '../../../../firmware/rtos/index.ts';
import { device } from '../../../support/manual-clock.ts';

const PERIOD = 100;
const [MASTER, SLAVE] = [1, 2];

test('priorities follow the shared mutex, in both orders of giving', () => {
  const { clock, os } = device();
  const [shared, other] = [new Mutex(os), new Mutex(os)];
  let loops = 0;
  const slave = os.createTask(function* () {
    for (;;) {
      yield* os.suspend();
      expect(yield* shared.take(MAX_DELAY)).toBe(true);
      expect(shared.give()).toBe(true);
    }
  }, 'slave', SLAVE);
  // FreeRTOS's demo gives a mutex from the interrupt, which its manual forbids; here the interrupt has this task give
  // it.
  const giver = os.createTask(function* () {
    for (;;) {
      yield* other.take(MAX_DELAY);
      yield* os.notifyTake(true, MAX_DELAY);
      other.give();
      yield* os.notifyTake(true, MAX_DELAY);
    }
  }, 'giver', 5);
  const master: TaskHandle = os.createTask(function* () {
    for (const sameOrder of loopOf(true, false)) {
      expect([slave.state, master.priority]).toEqual(['Suspended', MASTER]);
      expect(yield* shared.take(0)).toBe(true);
      slave.resume();
      yield* os.yield();
      expect([slave.state, master.priority]).toEqual(['Blocked', SLAVE]);
      expect(yield* other.take(PERIOD * 2)).toBe(true);
      expect(yield* other.take(0)).toBe(false);
      expect(master.priority).toBe(SLAVE);
      expect((sameOrder ? other : shared).give()).toBe(true);
      yield* os.yield();
      expect([slave.state, master.priority]).toEqual([sameOrder ? 'Blocked' : 'Suspended', SLAVE]);
      expect((sameOrder ? shared : other).give()).toBe(true);
      expect(master.priority).toBe(MASTER);
      yield* os.yield();
      expect(slave.state).toBe('Suspended');
      giver.notifyGive();
      loops++;
      yield* os.delay(PERIOD);
    }
  }, 'master', MASTER);
  os.start();
  for (let n = 0; n < 100; n++) {
    clock.advance(PERIOD);
    if (other.holder === giver) giver.notifyGiveFromIsr();
  }
  expect(loops).toBeGreaterThan(40);
});

test('an interrupt fills a counting semaphore, then feeds a task that waits for it', () => {
  const { clock, os } = device();
  const COUNT = 3;
  const semaphore = new Semaphore(os, COUNT);
  let giving = false;
  let loops = 0;
  const task: TaskHandle = os.createTask(function* () {
    for (;;) {
      expect(semaphore.count).toBe(0);
      giving = true;
      yield* os.delay(PERIOD * (COUNT + 1));
      giving = false;
      expect(semaphore.count).toBe(COUNT);
      let taken = 0;
      while (yield* semaphore.take(0)) taken++;
      expect(taken).toBe(COUNT);
      task.setPriority(7);
      giving = true;
      for (let n = 0; n < 2; n++) expect(yield* semaphore.take(MAX_DELAY)).toBe(true);
      giving = false;
      task.setPriority(0);
      loops++;
    }
  }, 'task', 0);
  os.start();
  clock.advance(PERIOD / 2);
  for (let n = 0; n < 600; n++) {
    if (giving) semaphore.giveFromIsr();
    clock.advance(PERIOD);
  }
  expect(loops).toBeGreaterThan(80);
});

function* loopOf<T>(...items: T[]): Generator<T, never, void> {
  for (;;) yield* items;
}
