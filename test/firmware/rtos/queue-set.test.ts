/** Queue sets: the order of arrivals, what belongs to a set, and overwrite in one. */

import { expect, test } from 'vitest';
import { Queue, QueueSet, type QueueSetMember, Semaphore } from '../../../firmware/rtos/index.ts';
import { device } from '../../support/manual-clock.ts';

test('select returns the members in the order their items came, one for each item', () => {
  const { os } = device();
  const set = new QueueSet(os, 4);
  const queue = new Queue<number>(os, 2);
  const semaphore = new Semaphore(os, 2);
  expect([set.add(queue), set.add(semaphore)]).toEqual([true, true]);
  const selected: (QueueSetMember | undefined)[] = [];
  os.createTask(function* () { for (;;) selected.push(yield* set.select()); }, 'task', 1);
  os.start();
  queue.sendFromIsr(1);
  semaphore.giveFromIsr();
  queue.sendToFrontFromIsr(2);
  semaphore.giveFromIsr();
  expect(selected.map((member) => (member === queue ? 'queue' : 'semaphore'))).toEqual([
    'queue',
    'semaphore',
    'queue',
    'semaphore',
  ]);
  expect(selected).toHaveLength(4);
  expect(set.selectFromIsr()).toBeUndefined();
});

test('a member is in one set at most, joins and leaves empty', () => {
  const { os } = device();
  const [a, b] = [new QueueSet(os, 1), new QueueSet(os, 1)];
  const queue = new Queue<number>(os, 1);
  queue.sendFromIsr(1);
  expect(a.add(queue)).toBe(false);
  queue.receiveFromIsr();
  expect(a.add(queue)).toBe(true);
  expect([a.add(queue), b.add(queue), b.remove(queue)]).toEqual([false, false, false]);
  queue.sendFromIsr(1);
  expect(a.remove(queue)).toBe(false);
  queue.receiveFromIsr();
  expect(a.remove(queue)).toBe(true);
  expect(b.add(queue)).toBe(true);
  expect(a.add(new Semaphore(os, 3, 1))).toBe(false);
});

test('an item that replaces another is not told to the set a second time', () => {
  const { os } = device();
  const set = new QueueSet(os, 2);
  const mailbox = new Queue<number>(os, 1);
  set.add(mailbox);
  mailbox.overwriteFromIsr(1);
  mailbox.overwriteFromIsr(2);
  expect(set.selectFromIsr()).toBe(mailbox);
  expect(set.selectFromIsr()).toBeUndefined();
  expect(mailbox.receiveFromIsr()).toBe(2);
});

test('a task that waits at a member itself is not woken: the set is', () => {
  const { os, log } = device();
  const set = new QueueSet(os, 1);
  const queue = new Queue<number>(os, 1);
  os.createTask(function* () { log.push(`queue ${yield* queue.receive()}`); }, 'queue', 2);
  os.createTask(function* () {
    set.add(queue);
    yield* set.select();
    log.push('set');
  }, 'set', 1);
  os.start();
  queue.sendFromIsr(1);
  expect(log).toEqual(['set']);
});

test('a set that is too short for its members says so', () => {
  const { os } = device();
  const set = new QueueSet(os, 1);
  const [a, b] = [new Semaphore(os), new Semaphore(os)];
  set.add(a);
  set.add(b);
  a.giveFromIsr();
  expect(() => b.giveFromIsr()).toThrow(
    'a queue set is full: its length must be the sum of the lengths of its members',
  );
});
