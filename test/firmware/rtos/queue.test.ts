/** Queues: order, copies, who is woken, and what a set hears. */

import { describe, expect, test } from 'vitest';
import { type Kernel, MAX_DELAY, Queue, type Task, type TaskHandle } from '../../../firmware/rtos/index.ts';
import { device } from '../../support/manual-clock.ts';

function* receiver(_os: Kernel, queue: Queue<number>, log: string[], name: string): Task {
  for (;;) log.push(`${name}${yield* queue.receive()}`);
}

describe('order', () => {
  test('first in, first out; to the front, first out', () => {
    const { os, log } = device();
    const queue = new Queue<string>(os, 5);
    os.createTask(function* () {
      for (const item of ['c', 'd']) yield* queue.send(item, 0);
      for (const item of ['b', 'a']) yield* queue.sendToFront(item, 0);
      yield* queue.send('e', 0);
      expect([queue.messagesWaiting, queue.spacesAvailable]).toEqual([5, 0]);
      expect(yield* queue.send('f', 0)).toBe(false);
      expect(yield* queue.sendToFront('f', 0)).toBe(false);
      expect(queue.sendFromIsr('f')).toBe(false);
      expect(queue.sendToFrontFromIsr('f')).toBe(false);
      while (queue.messagesWaiting > 0) log.push(`${yield* queue.receive(0)}`);
      expect(queue.receiveFromIsr()).toBeUndefined();
      expect([queue.messagesWaiting, queue.spacesAvailable]).toEqual([0, 5]);
    }, 'task', 1);
    os.start();
    expect(log.join('')).toBe('abcde');
  });

  test('the same through thousands of turns of the ring', () => {
    const { os } = device();
    const queue = new Queue<number>(os, 3);
    const model: number[] = [];
    for (let n = 0; n < 5000; n++) {
      if (n % 7 === 3) {
        if (queue.sendToFrontFromIsr(n)) model.unshift(n);
      } else if (n % 2 === 0) {
        if (queue.sendFromIsr(n)) model.push(n);
      } else {
        expect(queue.peekFromIsr()).toBe(model[0]);
        expect(queue.receiveFromIsr()).toBe(model.shift());
      }
      expect(queue.messagesWaiting).toBe(model.length);
    }
  });
});

describe('the task that is woken', () => {
  test('is the highest waiting receiver, and of equals the one that waited longest', () => {
    const { os, log } = device();
    const queue = new Queue<number>(os, 1);
    for (const [name, priority] of [['a', 1], ['b', 2], ['c', 2]] as const) {
      os.createTask(function* () { log.push(`${name}${yield* queue.receive()}`); }, name, priority);
    }
    os.start();
    for (const item of [1, 2, 3]) queue.sendFromIsr(item);
    expect(log).toEqual(['b1', 'c2', 'a3']);
  });

  test('is the highest waiting sender, when an item is taken', () => {
    const { os, log } = device();
    const queue = new Queue<string>(os, 1);
    queue.sendFromIsr('first');
    for (const [name, priority] of [['a', 1], ['b', 2], ['c', 2]] as const) {
      os.createTask(function* () { yield* queue.send(name); }, name, priority);
    }
    os.start();
    for (let n = 0; n < 4; n++) log.push(`${queue.receiveFromIsr()}`);
    expect(log).toEqual(['first', 'b', 'c', 'a']);
  });

  test('a woken receiver that finds the item gone waits for the rest of its time, and not longer', () => {
    const { clock, os, log } = device();
    const queue = new Queue<number>(os, 1);
    const low = os.createTask(function* () {
      log.push(`${yield* queue.receive(100)} at ${os.getTickCount()}`);
    }, 'low', 1);
    os.createTask(function* () {
      for (let n = 0; n < 4; n++) {
        yield* os.delay(20);
        yield* queue.send(n);
        expect(low.state).toBe('Ready');
        expect(yield* queue.receive(0)).toBe(n);
      }
    }, 'thief', 2);
    os.start();
    clock.advance(99.9);
    expect(low.state).toBe('Blocked');
    clock.advance(0.1);
    expect(log).toEqual(['undefined at 100']);
  });

  test('an item that comes after the timeout, but before the task runs, is received', () => {
    const { clock, os, log } = device();
    const queue = new Queue<number>(os, 1);
    os.createTask(function* () { log.push(`${yield* queue.receive(10)}`); }, 'low', 1);
    os.createTask(function* () {
      yield* os.delay(10);
      yield* queue.send(7);
    }, 'high', 2);
    os.start();
    clock.advance(10);
    expect(log).toEqual(['7']);
  });

  test('a peek leaves the item, and all tasks that peek have it before a receiver takes it', () => {
    const { os, log } = device();
    const queue = new Queue<number>(os, 2);
    for (const [name, priority] of [['p4', 4], ['p3', 3], ['p1', 1]] as const) {
      os.createTask(function* () { log.push(`${name}:${yield* queue.peek()}`); }, name, priority);
    }
    os.createTask(function* () { log.push(`r2:${yield* queue.receive()}`); }, 'r2', 2);
    os.start();
    queue.sendFromIsr(9);
    // The chain ends with the receiver: it leaves nothing to the last one.
    expect(log).toEqual(['p4:9', 'p3:9', 'r2:9']);
    queue.sendFromIsr(8);
    expect(log).toEqual(['p4:9', 'p3:9', 'r2:9', 'p1:8']);
    expect(queue.messagesWaiting).toBe(1);
  });

  test('reset empties it and lets one waiting sender in; receivers wait on', () => {
    const { os, log } = device();
    const queue = new Queue<number>(os, 1);
    queue.sendFromIsr(1);
    os.createTask(function* () {
      yield* queue.send(2);
      log.push('sent');
    }, 'sender', 1);
    os.start();
    os.enterIsr();
    queue.reset();
    os.exitIsr();
    expect(log).toEqual(['sent']);
    expect(queue.receiveFromIsr()).toBe(2);
    os.createTask(receiver, 'r', 1, queue, log, 'r');
    os.enterIsr();
    os.exitIsr();
    queue.reset();
    expect(log).toEqual(['sent']);
    queue.sendFromIsr(3);
    expect(log).toEqual(['sent', 'r3']);
  });
});

describe('overwrite', () => {
  test('replaces the item of a queue of one, and wakes a receiver', () => {
    const { os, log } = device();
    const queue = new Queue<number>(os, 1);
    queue.overwriteFromIsr(1);
    queue.overwriteFromIsr(2);
    expect(queue.messagesWaiting).toBe(1);
    os.createTask(receiver, 'r', 1, queue, log, 'r');
    os.start();
    queue.overwriteFromIsr(3);
    expect(log).toEqual(['r2', 'r3']);
  });

  test('wakes a waiting receiver, although the queue was full', () => {
    const { os, log } = device();
    const queue = new Queue<number>(os, 1);
    os.createTask(function* () { log.push(`high ${yield* queue.receive()}`); }, 'high', 5);
    os.createTask(function* () {
      queue.overwrite(1);
      queue.overwrite(2);
    }, 'low', 1);
    os.start();
    expect(log).toEqual(['high 2']);
  });
});

describe('copies', () => {
  test('an item is copied on its way in, and a peek gets its own', () => {
    const { os } = device();
    const queue = new Queue<{ n: number }>(os, 2, (item) => ({ ...item }));
    const item = { n: 1 };
    queue.sendFromIsr(item);
    item.n = 2;
    const peeked = queue.peekFromIsr();
    expect(peeked).toEqual({ n: 1 });
    if (peeked !== undefined) peeked.n = 3;
    expect(queue.receiveFromIsr()).toEqual({ n: 1 });
  });

  test('a waiting sender sends the item as it was at the call', () => {
    const { os } = device();
    const queue = new Queue<Uint8Array>(os, 1, (bytes) => bytes.slice());
    const bytes = Uint8Array.of(1);
    queue.sendFromIsr(bytes);
    os.createTask(function* () { yield* queue.send(bytes); }, 'task', 1);
    os.start();
    bytes[0] = 9;
    queue.receiveFromIsr();
    expect(queue.receiveFromIsr()).toEqual(Uint8Array.of(1));
  });
});

test.each([0, -1, 1.5, Number.NaN])('refuses a length of %d', (length) => {
  const { os } = device();
  expect(() => new Queue<number>(os, length)).toThrow(
    `a queue's length must be a whole number, at least 1, not ${length}`,
  );
});

test('two tasks pass 200,000 items through a queue of one, none lost, none twice', () => {
  const { clock, os } = device();
  const queue = new Queue<number>(os, 1);
  const count = 200_000;
  let wrong = 0;
  os.createTask(function* () {
    for (let n = 0; n < count; n++) yield* queue.send(n, MAX_DELAY);
  }, 'from', 1);
  const to: TaskHandle = os.createTask(function* () {
    for (let n = 0; n < count; n++) if ((yield* queue.receive(MAX_DELAY)) !== n) wrong++;
  }, 'to', 1);
  os.start();
  clock.advance(0);
  expect(to.state).toBe('Deleted');
  expect(wrong).toBe(0);
});
