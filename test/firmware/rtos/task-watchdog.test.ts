/** The task watchdog names who hogs, who starves, and who waits in vain. */

import { describe, expect, test } from 'vitest';
import {
  describeWatchdogReport,
  Kernel,
  MAX_DELAY,
  Queue,
  TaskWatchdog,
  type WatchdogReport,
} from '../../../firmware/rtos/index.ts';
import { ManualClock } from '../../support/manual-clock.ts';

/** A kernel whose run-time counter is its clock, and a watchdog that is asked by the highest task. */
function watched(timeoutTicks = 100) {
  const clock = new ManualClock();
  const os = new Kernel(clock, { runTimeCounter: () => clock.now() });
  const watchdog = new TaskWatchdog(os, timeoutTicks);
  const reports: WatchdogReport[] = [];
  os.createTask(function* () {
    for (;;) {
      yield* os.delay(50);
      const report = watchdog.check();
      if (report !== undefined) reports.push(report);
    }
  }, 'watchdog', 7);
  return { clock, os, watchdog, reports };
}

test('a task that feeds in time is not late, up to the last tick', () => {
  const { clock, os, watchdog, reports } = watched(100);
  watchdog.watch(os.createTask(function* () {
    for (;;) {
      yield* os.delay(100);
      watchdog.feed();
    }
  }, 'good', 1));
  os.start();
  clock.advance(1000);
  expect(reports).toEqual([]);
});

test('feeding does not make an unwatched task watched', () => {
  const { clock, os, watchdog, reports } = watched();
  os.createTask(function* () {
    watchdog.feed();
    yield* os.suspend();
  }, 'unknown', 1);
  os.start();
  clock.advance(1000);
  expect(reports).toEqual([]);
});

describe('late', () => {
  test('a task that a busy one starves, and the busy one', () => {
    const { clock, os, watchdog, reports } = watched();
    watchdog.watch(os.createTask(function* () {
      for (;;) {
        yield* os.delay(10);
        watchdog.feed();
      }
    }, 'starved', 1));
    os.createTask(function* () {
      yield* os.delay(200);
      for (;;) {
        clock.spend(1);
        yield* os.yield();
      }
    }, 'hog', 2);
    os.createTask(function* () {
      for (;;) {
        clock.spend(0.25);
        yield* os.delay(10);
      }
    }, 'honest', 3);
    os.start();
    clock.advance(400);
    const [report] = reports;
    expect(report?.late.map(({ name, state, operation }) => [name, state, operation])).toEqual([
      ['starved', 'Ready', undefined],
    ]);
    expect(report?.late[0]?.silentTicks).toBeGreaterThan(100);
    expect(report?.hog?.name).toBe('hog');
    expect(report === undefined ? '' : describeWatchdogReport(os, report))
      .toMatch(/^task watchdog: no sign of life from starved \(starved, silent for 1\d\d ms\); hog ran longest$/);
  });

  test('a task that waits in vain, and the call in which it waits', () => {
    const { clock, os, watchdog, reports } = watched();
    const queue = new Queue<number>(os, 1);
    watchdog.watch(os.createTask(function* () { yield* queue.receive(MAX_DELAY); }, 'waiter', 1));
    os.start();
    clock.advance(100);
    expect(reports).toEqual([]);
    clock.advance(50);
    expect(reports.map(({ late }) => late)).toEqual([
      [{ name: 'waiter', state: 'Blocked', operation: 'receive', silentTicks: 150 }],
    ]);
    const [report] = reports;
    expect(report === undefined ? '' : describeWatchdogReport(os, report))
      .toBe('task watchdog: no sign of life from waiter (blocked in receive, silent for 150 ms)');
  });

  test('the task that hogs the processor, if it is watched itself', () => {
    const { clock, os, watchdog, reports } = watched();
    watchdog.watch(os.createTask(function* () {
      clock.spend(300);
      // Looking at the clock readies the watchdog, which at the yield is the higher one.
      os.getTickCount();
      yield* os.yield();
      yield* os.delay(10);
    }, 'hog', 1));
    os.start();
    clock.advance(100);
    const [report] = reports;
    expect(report?.hog).toEqual({ name: 'hog', runTime: 300 });
    expect(report === undefined ? '' : describeWatchdogReport(os, report))
      .toBe('task watchdog: no sign of life from hog (busy, silent for 300 ms); hog ran longest');
  });

  test('a task that was suspended or deleted, until it is unwatched', () => {
    const { clock, os, watchdog, reports } = watched();
    const task = os.createTask(function* () { yield* os.suspend(); }, 'task', 1);
    watchdog.watch(task);
    os.start();
    clock.advance(150);
    task.delete();
    clock.advance(50);
    expect(reports.map(({ late }) => late[0]?.state)).toEqual(['Suspended', 'Deleted']);
    watchdog.unwatch(task);
    clock.advance(500);
    expect(reports).toHaveLength(2);
  });
});

test('feeding is for the running task, and only if it is watched', () => {
  const { clock, os, watchdog, reports } = watched();
  watchdog.watch(os.createTask(function* () { yield* os.suspend(); }, 'watched', 1));
  os.createTask(function* () {
    for (;;) {
      yield* os.delay(10);
      watchdog.feed();
    }
  }, 'other', 1);
  os.start();
  watchdog.feed();
  clock.advance(150);
  expect(reports.map(({ late }) => late.map(({ name }) => name))).toEqual([['watched']]);
});

test('the hog is reported again at each check', () => {
  const clock = new ManualClock();
  const os = new Kernel(clock, { runTimeCounter: () => clock.now() });
  const watchdog = new TaskWatchdog(os, 10);
  watchdog.watch(os.createTask(function* () { yield* os.suspend(); }, 'silent', 1));
  for (const [name, startTicks] of [['first', 1], ['second', 100]] as const) {
    os.createTask(function* () {
      yield* os.delay(startTicks);
      clock.spend(50);
      yield* os.suspend();
    }, name, 1);
  }
  os.start();
  clock.advance(60);
  expect(watchdog.check()?.hog).toEqual({ name: 'first', runTime: 50 });
  clock.advance(100);
  expect(watchdog.check()?.hog).toEqual({ name: 'second', runTime: 50 });
  clock.advance(100);
  expect(watchdog.check()?.hog).toBeUndefined();
});
