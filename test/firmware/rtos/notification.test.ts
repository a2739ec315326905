/** Direct-to-task notifications: the five actions, what is cleared when, and the states after each. */

import { describe, expect, test } from 'vitest';
import { MAX_DELAY, type NotifyAction, type TaskHandle } from '../../../firmware/rtos/index.ts';
import { device } from '../../support/manual-clock.ts';

function idleTask(): { task: TaskHandle } & ReturnType<typeof device> {
  const made = device();
  return { ...made, task: made.os.createTask(function* () { yield* made.os.suspend(); }, 'task', 1) };
}

describe('actions', () => {
  test.each([
    ['none', 5, 0b1100, true],
    ['set-bits', 0b0011, 0b1111, true],
    ['increment', 99, 0b1101, true],
    ['overwrite', 7, 7, true],
    ['set-if-empty', 7, 7, true],
  ] as const)('%s on a value of 12, nothing pending', (action: NotifyAction, value, after, done) => {
    const { task } = idleTask();
    task.notify(12, 'overwrite');
    task.notifyStateClear();
    expect(task.notifyAndQuery(value, action)).toEqual({ done, previous: 12 });
    expect(task.notificationValue()).toBe(after);
    expect(task.notifyStateClear()).toBe(true);
  });

  test('set-if-empty fails while a notification is pending, and changes nothing', () => {
    const { task } = idleTask();
    expect(task.notify(1, 'set-if-empty')).toBe(true);
    expect(task.notify(2, 'set-if-empty')).toBe(false);
    expect(task.notificationValue()).toBe(1);
    expect(task.notify(3, 'overwrite')).toBe(true);
    expect(task.notificationValue()).toBe(3);
  });

  test('values are 32 bits without a sign, and wrap', () => {
    const { task } = idleTask();
    task.notify(MAX_DELAY, 'overwrite');
    expect(task.notificationValue()).toBe(MAX_DELAY);
    task.notifyGive();
    expect(task.notificationValue()).toBe(0);
    for (let bit = 0; bit < 32; bit++) task.notify(2 ** bit, 'set-bits');
    expect(task.notificationValue()).toBe(MAX_DELAY);
    expect(task.notifyValueClear(0xff00_0000)).toBe(MAX_DELAY);
    expect(task.notificationValue()).toBe(0x00ff_ffff);
  });

  test('clearing the state is not clearing the value', () => {
    const { task } = idleTask();
    task.notify(5, 'overwrite');
    expect([task.notifyStateClear(), task.notifyStateClear(), task.notificationValue()]).toEqual([true, false, 5]);
  });
});

describe('notifyTake', () => {
  test('takes one, or all; returns the value from before', () => {
    const { os, log } = device();
    const task = os.createTask(function* () {
      for (const all of [false, false, true, false]) log.push(`${yield* os.notifyTake(all, 0)}`);
    }, 'task', 1);
    for (let n = 0; n < 4; n++) task.notifyGive();
    os.start();
    expect(log).toEqual(['4', '3', '2', '0']);
  });

  test('gives a value of 32 bits without a sign', () => {
    const { os, log } = device();
    const task = os.createTask(function* () { log.push(`${yield* os.notifyTake(true, 0)}`); }, 'task', 1);
    task.notify(0xffff_fffe, 'overwrite');
    os.start();
    expect(log).toEqual([`${0xffff_fffe}`]);
  });

  test('does not end at a notification that leaves the value 0, but with it: its answer is 0', () => {
    const { clock, os, log } = device();
    const task = os.createTask(function* () {
      log.push(`${yield* os.notifyTake(true, 100)} at ${os.getTickCount()}`);
      expect(task.notifyStateClear()).toBe(false);
    }, 'task', 1);
    os.start();
    clock.advance(10);
    task.notifyFromIsr(0, 'none');
    expect(log).toEqual(['0 at 10']);
  });
});

describe('notifyWait', () => {
  test('with a notification pending, returns the value at once, clears nothing on entry, and the exit bits afterwards', () => {
    const { os, log } = device();
    const task = os.createTask(function* () {
      log.push(`${yield* os.notifyWait(0b0001, 0b0010, 0)} ${task.notificationValue()}`);
    }, 'task', 1);
    task.notify(0b1111, 'overwrite');
    os.start();
    expect(log).toEqual([`${0b1111} ${0b1101}`]);
  });

  test.each([
    { timeout: 0, cleared: 'no bits are cleared', value: 0b1111 },
    { timeout: 10, cleared: 'the entry bits are cleared, the exit bits are not', value: 0b1110 },
  ])('not pending, timeout $timeout: $cleared', ({ timeout, value }) => {
    const { clock, os, log } = device();
    const task = os.createTask(function* () {
      log.push(`${yield* os.notifyWait(0b0001, 0b0010, timeout)} ${task.notificationValue()}`);
    }, 'task', 1);
    task.notify(0b1111, 'overwrite');
    task.notifyStateClear();
    os.start();
    clock.advance(10);
    expect(log).toEqual([`undefined ${value}`]);
  });

  test('a notification after a timeout is pending for the next wait', () => {
    const { clock, os, log } = device();
    const task = os.createTask(function* () {
      log.push(`${yield* os.notifyWait(0, MAX_DELAY, 10)}`);
      yield* os.delay(10);
      log.push(`${yield* os.notifyWait(0, MAX_DELAY, 0)}`);
      log.push(`${yield* os.notifyWait(0, MAX_DELAY, 0)}`);
    }, 'task', 1);
    os.start();
    clock.advance(15);
    task.notifyFromIsr(4, 'set-bits');
    expect(task.state).toBe('Blocked');
    clock.advance(10);
    expect(log).toEqual(['undefined', '4', 'undefined']);
  });

  test('a value of 0 is a notification too', () => {
    const { os, log } = device();
    const task = os.createTask(function* () { log.push(`${yield* os.notifyWait(0, 0, MAX_DELAY)}`); }, 'task', 1);
    os.start();
    task.notifyFromIsr(0, 'none');
    expect(log).toEqual(['0']);
  });
});

describe('indices', () => {
  test('a notification does not wake a task that waits at another index', () => {
    const { clock, os, log } = device();
    const task = os.createTask(function* () { log.push(`${yield* os.notifyTake(true, 50, 2)}`); }, 'task', 1);
    os.start();
    task.notifyGiveFromIsr(1);
    task.notifyGiveFromIsr();
    task.notifyGiveFromIsr(3);
    expect(task.state).toBe('Blocked');
    clock.advance(50);
    expect(log).toEqual(['0']);
    expect([0, 1, 2, 3].map((index) => task.notificationValue(index))).toEqual([1, 1, 0, 1]);
  });

  test.each([-1, 256, 1.5])('%d is no index', (index) => {
    const { task } = idleTask();
    expect(() => task.notify(1, 'overwrite', index)).toThrow(
      `a notification index must be a whole number from 0 to 255, not ${index}`,
    );
  });
});
