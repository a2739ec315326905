/** The tables of vTaskList and vTaskGetRunTimeStats. */

import { expect, test } from 'vitest';
import { runTimeStats, taskList } from '../../../firmware/rtos/index.ts';
import { device } from '../../support/manual-clock.ts';

test('taskList has a line for each task, as vTaskList prints it', () => {
  const { os, log } = device();
  os.createTask(function* () { yield* os.delay(10); }, 'sleeper', 3);
  os.createTask(function* () { yield* os.suspend(); }, 'suspended', 4);
  os.createTask(function* () { log.push(taskList(os)); }, 'lister', 2);
  os.createTask(function* () {}, 'ready', 1);
  os.start();
  expect(log[0]?.split('\r\n')).toEqual([
    'IDLE           \tR\t0\t0\t0',
    'sleeper        \tB\t3\t0\t1',
    'suspended      \tS\t4\t0\t2',
    'lister         \tX\t2\t0\t3',
    'ready          \tR\t1\t0\t4',
    '',
  ]);
  expect(taskList(os).split('\r\n')[0]).toBe('IDLE           \tX\t0\t0\t0');
});

test('runTimeStats shares the time among the tasks, and the rest is IDLE', () => {
  const counter = { now: 1000 };
  const { clock, os } = device({ runTimeCounter: () => counter.now });
  os.createTask(function* () {
    counter.now += 60;
    yield* os.delay(10);
    counter.now += 15;
    yield* os.suspend();
  }, 'busy', 1);
  os.createTask(function* () {
    counter.now += 5;
    yield* os.suspend();
  }, 'light', 1);
  os.createTask(function* () { yield* os.suspend(); }, 'none', 1);
  os.start();
  counter.now += 20;
  clock.advance(10);
  expect(runTimeStats(os).split('\r\n')).toEqual([
    'busy           \t75\t75%',
    'light          \t5\t5%',
    'none           \t0\t<1%',
    'IDLE           \t20\t20%',
    '',
  ]);
});

test('before any time has passed there are no statistics; the first unit of time is shared', () => {
  const counter = { now: 1000 };
  const { os } = device({ runTimeCounter: () => counter.now });
  os.start();
  expect([os.totalRunTime, runTimeStats(os)]).toEqual([0, '']);
  counter.now += 1;
  expect(runTimeStats(os)).toBe('IDLE           \t1\t100%\r\n');
});

test('without a counter there are no statistics', () => {
  const { os } = device();
  os.createTask(function* () {}, 'task', 1);
  os.start();
  expect(os.totalRunTime).toBeUndefined();
  expect(runTimeStats(os)).toBe('');
});
