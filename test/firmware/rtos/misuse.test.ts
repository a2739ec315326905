/**
 * Mistakes in a program are told in a sentence that says what would be right. Those of one object are tested with it.
 */

import { describe, expect, test } from 'vitest';
import { Queue, StreamBuffer, type Task } from '../../../firmware/rtos/index.ts';
import { device } from '../../support/manual-clock.ts';

describe('a blocking call without yield*', () => {
  test('is found at the next blocking call', () => {
    const { os } = device();
    const queue = new Queue<number>(os, 1);
    os.createTask(function* () {
      void queue.receive();
      yield* os.delay(1);
    }, 'task', 1);
    expect(() => os.start()).toThrow('task task called receive without yield*');
  });

  test('is found when the task yields the processor', () => {
    const { os, log } = device();
    os.createTask(function* () {
      void os.delay(5);
      yield;
      log.push('went on');
    }, 'task', 1);
    expect(() => os.start()).toThrow('task task called delay without yield*');
    expect(log).toEqual([]);
  });

  test('is found when the task ends', () => {
    const { os } = device();
    os.createTask(function* (): Task { void os.suspend(); }, 'task', 1);
    expect(() => os.start()).toThrow('task task called suspend without yield*');
  });
});

test('a blocking call outside a task', () => {
  const { os } = device();
  const queue = new Queue<number>(os, 1);
  expect(() => queue.receive()).toThrow(
    'receive may block, so only a task can call it; interrupts have the FromIsr calls',
  );
  os.start();
  expect(() => os.notifyTake(true, 0)).toThrow(
    'notify-take may block, so only a task can call it; interrupts have the FromIsr calls',
  );
});

test.each(['delete', 'suspend'] as const)('%s of oneself by the handle', (call) => {
  const { os } = device();
  const task = os.createTask(function* () { task[call](); }, 'task', 1);
  expect(() => os.start()).toThrow(`task task cannot ${call} itself by its handle; that is: yield* os.${call}()`);
});

test('a second reader, or writer, at a stream buffer', () => {
  for (const [end, message] of [
    ['receive', 'task second cannot receive from a buffer at which task first waits: one task at each end'],
    ['send', 'task second cannot send to a buffer at which task first waits: one task at each end'],
  ] as const) {
    const { os } = device();
    const buffer = new StreamBuffer(os, 2);
    if (end === 'send') buffer.sendFromIsr(new Uint8Array(2));
    for (const name of ['first', 'second']) {
      os.createTask(function* () { yield* buffer[end](new Uint8Array(1)); }, name, 1);
    }
    expect(() => os.start()).toThrow(message);
  }
});
