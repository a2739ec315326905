/** An exception in a task is a crash of the firmware: told once, with its task, and nothing runs after it. */

import { expect, test } from 'vitest';
import type { PanicReport } from '../../../hal/system.ts';
import { Semaphore, type TaskFunction } from '../../../firmware/rtos/index.ts';
import { device } from '../../support/manual-clock.ts';

function crash(entry: TaskFunction<[]>) {
  const reports: PanicReport[] = [];
  const made = device({ onCrash: (report) => reports.push(report) });
  made.os.createTask(entry, 'faulty', 2);
  made.os.createTask(function* () {
    for (;;) {
      made.log.push('other');
      yield* made.os.delay(10);
    }
  }, 'other', 1);
  return { ...made, reports };
}

test('at its first line', () => {
  const { os, clock, reports, log } = crash(function* () { throw new TypeError('no such thing'); });
  os.start();
  clock.advance(100);
  expect(reports).toHaveLength(1);
  expect(reports[0]).toMatchObject({ task: 'faulty', reason: 'no such thing' });
  expect(reports[0]?.stack).toContain('crash.test.ts');
  expect(log).toEqual([]);
  expect(os.schedulerState).toBe('stopped');
  expect(os.tasks().map((task) => task.name)).toEqual(['other']);
  expect(clock.alarmMs).toBeUndefined();
});

test('later, in a pass that an alarm began', () => {
  const { os, clock, reports, log } = crash(function* (kernel) {
    yield* kernel.delay(15);
    throw new Error('late');
  });
  os.start();
  clock.advance(100);
  expect(reports.map(({ reason }) => reason)).toEqual(['late']);
  expect(log).toEqual(['other', 'other']);
});

test('with the scheduler suspended', () => {
  const { os, reports } = crash(function* (kernel) {
    kernel.suspendAll();
    throw new Error('inside');
  });
  os.start();
  expect(reports.map(({ reason }) => reason)).toEqual(['inside']);
  expect(os.schedulerState).toBe('stopped');
});

test('the value that is thrown need not be an Error', () => {
  const { os, reports } = crash(function* () { throw 'a word'; });
  os.start();
  expect(reports).toEqual([{ task: 'faulty', reason: 'a word', stack: '' }]);
});

test('in an interrupt call from inside, although interrupts follow', () => {
  const { os, clock, reports, log } = crash(function* (kernel) {
    yield* kernel.delay(1);
    throw new Error('boom');
  });
  const gate = new Semaphore(os);
  os.createTask(function* () {
    yield* gate.take();
    log.push('after death');
  }, 'waiter', 3);
  os.start();
  clock.advance(1);
  gate.giveFromIsr();
  clock.advance(100);
  expect(reports).toHaveLength(1);
  expect(log).toEqual(['other']);
});

test('without onCrash the exception leaves the pass, to its caller', () => {
  const { os, clock } = device();
  os.createTask(function* () {
    yield* os.delay(5);
    throw new Error('mine');
  }, 'task', 1);
  os.start();
  expect(() => clock.advance(5)).toThrow('mine');
  expect(os.schedulerState).toBe('stopped');
});

test('a task may catch what its own calls throw', () => {
  const { os, log } = device();
  os.createTask(function* () {
    try {
      yield* os.delay(-1);
    } catch (error) {
      log.push(String(error));
    }
    yield* os.yield();
    log.push('goes on');
  }, 'task', 1);
  os.start();
  expect(log).toEqual(['RangeError: a delay must be a whole number of ticks from 0 to MAX_DELAY, not -1', 'goes on']);
});
