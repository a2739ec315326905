/** Mutexes: exclusion, and the priority that the holder borrows and gives back. */

import { describe, expect, test } from 'vitest';
import {
  type Kernel,
  MAX_DELAY,
  Mutex,
  RecursiveMutex,
  type Task,
  type TaskHandle,
} from '../../../firmware/rtos/index.ts';
import { device, type ManualClock } from '../../support/manual-clock.ts';

interface Scene {
  clock: ManualClock;
  os: Kernel;
  log: string[];
  mutex: Mutex;
  second: Mutex;
  /**
   * A task of priority 1 that holds both mutexes. Each notification has it give the next: first `order[0]`, then the
   * other.
   */
  holder: TaskHandle;
  /** A task that takes the mutex, logs the result, and gives the mutex back. */
  comes(name: string, priority: number, timeout?: number, which?: Mutex): TaskHandle;
}

function scene(order: 'one' | 'first, second' | 'second, first'): Scene {
  const { clock, os, log } = device();
  const [mutex, second] = [new Mutex(os), new Mutex(os)];
  const held = order === 'one' ? [mutex] : [mutex, second];
  const given = order === 'second, first' ? [second, mutex] : held;
  const holder = os.createTask(function* () {
    for (const each of held) yield* each.take();
    for (const each of given) {
      yield* os.notifyTake(true, MAX_DELAY);
      each.give();
    }
    yield* os.suspend();
  }, 'holder', 1);
  os.start();
  const comes = (name: string, priority: number, timeout = MAX_DELAY, which = mutex): TaskHandle => {
    os.enterIsr();
    const task = os.createTask(function* (): Task {
      const got = yield* which.take(timeout);
      log.push(`${name} ${got}`);
      if (got) which.give();
    }, name, priority);
    os.exitIsr();
    return task;
  };
  return { clock, os, log, mutex, second, holder, comes };
}

describe('exclusion', () => {
  test('one holder at a time; the highest waiting task is next, and of equals the one that came first', () => {
    const { mutex, holder, comes, log } = scene('one');
    comes('a', 2);
    comes('b', 4);
    comes('c', 4);
    expect(mutex.holder).toBe(holder);
    holder.notifyGiveFromIsr();
    expect(log).toEqual(['b true', 'c true', 'a true']);
    expect(mutex.holder).toBeUndefined();
  });

  test('a lower task that is quicker takes it first, and the woken one waits on', () => {
    const { os, log } = device();
    const mutex = new Mutex(os);
    os.createTask(function* () {
      yield* mutex.take();
      yield* os.yield();
      mutex.give();
      // Without preemption the giver runs on, and may take again what it has just given.
      expect(yield* mutex.take(0)).toBe(true);
      yield* os.yield();
      log.push('low gives');
      mutex.give();
    }, 'low', 1);
    os.createTask(function* () {
      yield* os.delay(0);
      yield* mutex.take();
      log.push('equal has it');
      mutex.give();
    }, 'equal', 1);
    os.start();
    expect(log).toEqual(['low gives', 'equal has it']);
  });

  test("giving a free mutex returns false; giving another task's mutex is a mistake", () => {
    const { os } = device();
    const mutex = new Mutex(os);
    expect(mutex.give()).toBe(false);
    os.createTask(function* () {
      yield* mutex.take();
      yield* os.suspend();
    }, 'holder', 2);
    os.createTask(function* () { mutex.give(); }, 'other', 1);
    expect(() => os.start()).toThrow('only its holder, task holder, can give a mutex; task other tried');
    expect(() => mutex.give()).toThrow('only its holder, task holder, can give a mutex; an interrupt tried');
  });

  test('a holder that takes it again waits for itself', () => {
    const { clock, os, log } = device();
    const mutex = new Mutex(os);
    os.createTask(function* () {
      yield* mutex.take();
      log.push(`${yield* mutex.take(10)} ${os.runningTask?.priority}`);
    }, 'task', 3);
    os.start();
    clock.advance(10);
    expect(log).toEqual(['false 3']);
  });

  test('the mutex of a deleted task stays taken', () => {
    const { clock, mutex, holder, comes, log } = scene('one');
    holder.delete();
    comes('a', 2, 10);
    clock.advance(10);
    expect(log).toEqual(['a false']);
    expect(mutex.holder).toBe(holder);
  });
});

describe('inheritance', () => {
  test('the holder runs at the priority of the highest that waits, until it gives', () => {
    const { holder, comes } = scene('one');
    comes('a', 3);
    expect(holder.priority).toBe(3);
    comes('b', 5);
    expect(holder.priority).toBe(5);
    comes('c', 4);
    expect(holder.priority).toBe(5);
    holder.notifyGiveFromIsr();
    expect(holder.priority).toBe(1);
  });

  test('a task between the two priorities cannot keep the high task waiting', () => {
    const { clock, os, log } = device();
    const mutex = new Mutex(os);
    os.createTask(function* () {
      yield* mutex.take();
      yield* os.delay(10);
      yield* os.yield();
      log.push('low gives');
      mutex.give();
    }, 'low', 1);
    os.createTask(function* () {
      yield* os.delay(5);
      yield* mutex.take();
      log.push('high');
    }, 'high', 5);
    os.createTask(function* () {
      yield* os.delay(10);
      log.push('middle');
    }, 'middle', 3);
    os.start();
    clock.advance(10);
    expect(log).toEqual(['low gives', 'high', 'middle']);
  });

  test('a task of the same or a lower priority lends nothing', () => {
    const { holder, comes } = scene('one');
    comes('a', 1);
    comes('b', 0);
    expect(holder.priority).toBe(1);
  });

  test("inheritance goes one step: the holder's own wait is not hurried", () => {
    const { os } = device();
    const [a, b] = [new Mutex(os), new Mutex(os)];
    const low = os.createTask(function* () {
      yield* a.take();
      yield* os.suspend();
    }, 'low', 1);
    os.start();
    os.enterIsr();
    const middle = os.createTask(function* () {
      yield* b.take();
      yield* a.take();
    }, 'middle', 2);
    os.exitIsr();
    expect(low.priority).toBe(2);
    os.enterIsr();
    os.createTask(function* () { yield* b.take(); }, 'high', 5);
    os.exitIsr();
    expect([middle.priority, low.priority]).toEqual([5, 2]);
  });

  test.each(['first, second', 'second, first'] as const)(
    'with two mutexes it falls back only when it has given both (%s)',
    (order) => {
      const { holder, comes, log } = scene(order);
      comes('a', 4);
      expect(holder.priority).toBe(4);
      holder.notifyGiveFromIsr();
      expect(holder.priority).toBe(4);
      expect(log).toEqual(order === 'first, second' ? ['a true'] : []);
      holder.notifyGiveFromIsr();
      expect(holder.priority).toBe(1);
      expect(log).toEqual(['a true']);
    },
  );
});

describe('a waiting task gives up', () => {
  test('the holder falls to the highest that still waits, then to its own priority', () => {
    const { clock, holder, comes } = scene('one');
    comes('a', 5, 10);
    comes('b', 3, 20);
    comes('c', 2, 30);
    clock.advance(9);
    expect(holder.priority).toBe(5);
    clock.advance(1);
    expect(holder.priority).toBe(3);
    clock.advance(10);
    expect(holder.priority).toBe(2);
    clock.advance(10);
    expect(holder.priority).toBe(1);
  });

  test('aborted, it is the same', () => {
    const { clock, holder, comes } = scene('one');
    const waiter = comes('a', 5);
    waiter.abortDelay();
    clock.advance(0);
    expect(holder.priority).toBe(1);
  });

  test('a holder of two mutexes keeps its priority, because it does not know which mutex raised it', () => {
    const { clock, holder, comes } = scene('first, second');
    comes('a', 5, 10);
    clock.advance(10);
    expect(holder.priority).toBe(5);
    holder.notifyGiveFromIsr();
    expect(holder.priority).toBe(5);
    holder.notifyGiveFromIsr();
    expect(holder.priority).toBe(1);
  });

  test('a holder that has inherited, and waits in vain for its own mutex, is a mistake that FreeRTOS asserts', () => {
    const { clock, os } = device();
    const mutex = new Mutex(os);
    os.createTask(function* () {
      yield* mutex.take();
      yield* os.delay(1);
      yield* mutex.take(3);
    }, 'holder', 1);
    const lender = os.createTask(function* () {
      yield* os.delay(1);
      yield* mutex.take();
    }, 'lender', 3);
    os.start();
    clock.advance(1);
    lender.suspend();
    clock.advance(2.9);
    const message = 'task holder waited for a mutex that it holds itself, and had inherited a priority';
    expect(() => clock.advance(0.1)).toThrow(message);
  });

  test('a task that had lent nothing takes nothing back', () => {
    const { clock, holder, comes } = scene('one');
    comes('high', 5).suspend();
    expect(holder.priority).toBe(5);
    comes('low', 1, 10);
    clock.advance(10);
    expect(holder.priority).toBe(5);
    comes('middle', 3, 10);
    clock.advance(10);
    // This one would have lent; so it takes back, although what is taken back was the other's.
    expect(holder.priority).toBe(1);
  });

  test('suspended or deleted while it waits, it leaves the priority behind', () => {
    const { holder, comes } = scene('one');
    comes('a', 5).suspend();
    comes('b', 4).delete();
    expect(holder.priority).toBe(5);
    holder.notifyGiveFromIsr();
    expect(holder.priority).toBe(1);
  });
});

describe('setPriority while inheriting', () => {
  test('a lower priority applies when the mutex is given', () => {
    const { holder, comes } = scene('one');
    comes('a', 5);
    holder.setPriority(3);
    expect([holder.priority, holder.basePriority]).toEqual([5, 3]);
    holder.notifyGiveFromIsr();
    expect([holder.priority, holder.basePriority]).toEqual([3, 3]);
  });

  test('a higher priority applies at once, and stays', () => {
    const { holder, comes } = scene('one');
    comes('a', 5);
    holder.setPriority(6);
    expect([holder.priority, holder.basePriority]).toEqual([6, 6]);
    holder.notifyGiveFromIsr();
    expect(holder.priority).toBe(6);
  });

  test.each([-1, 8, 1.5, Number.NaN])('%d is no priority', (priority) => {
    const { os, holder } = scene('one');
    const message = `a priority must be a whole number from 0 to 7, not ${priority}`;
    expect(() => holder.setPriority(priority)).toThrow(message);
    expect(() => os.createTask(function* () {}, 'task', priority)).toThrow(message);
  });
});

describe('recursive', () => {
  test('is free when given as often as it was taken', () => {
    const { os, log } = device();
    const mutex = new RecursiveMutex(os);
    const holder = os.createTask(function* () {
      for (let n = 0; n < 3; n++) expect(yield* mutex.take(0)).toBe(true);
      for (let n = 0; n < 2; n++) expect(mutex.give()).toBe(true);
      yield* os.suspend();
      expect(mutex.give()).toBe(true);
      expect(mutex.give()).toBe(false);
      yield* os.suspend();
    }, 'holder', 1);
    os.createTask(function* () {
      yield* os.delay(0);
      expect(mutex.give()).toBe(false);
      yield* mutex.take();
      log.push('other');
      expect(mutex.holder).toBe(os.runningTask);
    }, 'other', 1);
    os.start();
    expect(log).toEqual([]);
    expect(mutex.holder).toBe(holder);
    holder.resumeFromIsr();
    expect(log).toEqual(['other']);
  });

  test('lends priority as a plain mutex does, at any depth', () => {
    const { clock, os } = device();
    const mutex = new RecursiveMutex(os);
    const holder = os.createTask(function* () {
      for (let n = 0; n < 3; n++) yield* mutex.take();
      yield* os.delay(10);
      for (let n = 0; n < 3; n++) {
        expect(holder.priority).toBe(4);
        mutex.give();
      }
      expect(holder.priority).toBe(1);
    }, 'holder', 1);
    os.createTask(function* () {
      yield* os.delay(5);
      yield* mutex.take();
      mutex.give();
    }, 'high', 4);
    os.start();
    clock.advance(20);
    expect(os.tasks()).toEqual([]);
  });
});
