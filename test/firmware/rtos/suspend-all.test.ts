/** The scheduler suspended: no switch, no tick, and what happens meanwhile is made up for afterwards. */

import { describe, expect, test } from 'vitest';
import {
  EventGroup,
  MAX_DELAY,
  Queue,
  Semaphore,
  StreamBuffer,
  type TaskHandle,
} from '../../../firmware/rtos/index.ts';
import { device } from '../../support/manual-clock.ts';

test('the tick count stands still, and catches up at the last resumeAll', () => {
  const { clock, os } = device();
  os.createTask(function* () {
    clock.spend(5);
    os.suspendAll();
    expect(os.schedulerState).toBe('suspended');
    clock.spend(10);
    expect(os.getTickCount()).toBe(5);
    os.suspendAll();
    os.resumeAll();
    clock.spend(10);
    expect(os.getTickCount()).toBe(5);
    os.resumeAll();
    expect(os.getTickCount()).toBe(25);
    expect(os.schedulerState).toBe('running');
  }, 'task', 1);
  os.start();
  expect(os.tasks()).toEqual([]);
});

test('a task that is woken meanwhile is ready, but runs only after resumeAll and a yield; delays that ended come behind', () => {
  const { clock, os, log } = device();
  const gate = new Semaphore(os);
  os.createTask(
    function* () {
      yield* os.delay(3);
      log.push(`slept ${os.getTickCount()}`);
    },
    'sleeper',
    5,
  );
  const woken = os.createTask(
    function* () {
      yield* gate.take();
      log.push('woken');
    },
    'woken',
    5,
  );
  os.createTask(
    function* () {
      os.suspendAll();
      clock.spend(10);
      gate.give();
      expect(woken.state).toBe('Ready');
      yield* os.yield();
      yield* os.delay(0);
      yield;
      log.push('still mine');
      os.resumeAll();
      log.push('still mine');
      yield* os.yield();
      log.push('back');
    },
    'suspender',
    1,
  );
  os.start();
  expect(log).toEqual(['still mine', 'still mine', 'woken', 'slept 10', 'back']);
});

test('a task woken by a queue, a semaphore or an interrupt is behind one that a task makes ready itself', () => {
  const { os, log } = device();
  const [semaphore, group, stream] = [new Semaphore(os), new EventGroup(os), new StreamBuffer(os, 4)];
  const full = new StreamBuffer(os, 1);
  full.sendFromIsr(Uint8Array.of(1));
  const create = (name: string, wait: () => Generator<void, unknown, void>): TaskHandle =>
    os.createTask(function* () {
      yield* wait();
      log.push(name);
    }, name, 5);
  create('semaphore', function* () { yield* semaphore.take(); });
  create('stream', function* () { yield* stream.receive(new Uint8Array(1)); });
  create('writer', function* () { yield* full.send(Uint8Array.of(2)); });
  const notified = create('notified by an interrupt', function* () { yield* os.notifyTake(true, MAX_DELAY); });
  const suspended = create('resumed by an interrupt', function* () { yield* os.suspend(); });
  const resumed = create('resumed', function* () { yield* os.suspend(); });
  create('bits', function* () { yield* group.waitBits(1); });
  const aborted = create('aborted', function* () { yield* os.delay(100); });
  os.createTask(function* () {
    os.suspendAll();
    semaphore.give();
    stream.sendFromIsr(Uint8Array.of(1));
    full.receiveFromIsr(new Uint8Array(1));
    notified.notifyGiveFromIsr();
    suspended.resumeFromIsr();
    // Ready by its state, but not in its line: an abort or a second resume changes nothing.
    expect(os.getTask('semaphore')?.state).toBe('Ready');
    expect(os.getTask('semaphore')?.abortDelay()).toBe(false);
    suspended.resumeFromIsr();
    resumed.resume();
    group.setBits(1);
    aborted.abortDelay();
    os.resumeAll();
  }, 'suspender', 1);
  os.start();
  expect(log).toEqual([
    'resumed', 'bits', 'aborted',
    'semaphore', 'stream', 'writer', 'notified by an interrupt', 'resumed by an interrupt',
  ]);
});

test('the inner of two resumeAll makes nobody ready', () => {
  const { os, log } = device();
  const semaphore = new Semaphore(os);
  os.createTask(function* () {
    yield* semaphore.take();
    log.push('semaphore');
  }, 'semaphore', 5);
  const suspended = os.createTask(function* () {
    yield* os.suspend();
    log.push('resumed');
  }, 'resumed', 5);
  os.createTask(function* () {
    os.suspendAll();
    os.suspendAll();
    semaphore.give();
    os.resumeAll();
    suspended.resume();
    os.resumeAll();
  }, 'suspender', 1);
  os.start();
  expect(log).toEqual(['resumed', 'semaphore']);
});

test.each([0, 1])('a task that waits at a buffer is notified, and so ready at once by a task (timeout %d)', (timeout) => {
  const { os, log } = device();
  const [semaphore, empty, full] = [new Semaphore(os), new StreamBuffer(os, 4), new StreamBuffer(os, 1)];
  full.sendFromIsr(Uint8Array.of(1));
  os.createTask(function* () {
    yield* semaphore.take();
    log.push('semaphore');
  }, 'semaphore', 5);
  os.createTask(function* () { log.push(`reader ${yield* empty.receive(new Uint8Array(1))}`); }, 'reader', 5);
  os.createTask(function* () { log.push(`writer ${yield* full.send(Uint8Array.of(2))}`); }, 'writer', 5);
  os.createTask(function* () {
    os.suspendAll();
    semaphore.give();
    yield* empty.send(Uint8Array.of(1), timeout);
    yield* full.receive(new Uint8Array(1), 0);
    os.resumeAll();
  }, 'suspender', 1);
  os.start();
  expect(log).toEqual(['reader 1', 'writer 1', 'semaphore']);
});

test('a task that would become ready with resumeAll can be suspended and deleted before', () => {
  const { os, log } = device();
  const semaphore = new Semaphore(os, 2);
  const create = (name: string): TaskHandle =>
    os.createTask(function* () {
      yield* semaphore.take();
      log.push(name);
    }, name, 5);
  const [first, second] = [create('first'), create('second')];
  os.createTask(function* () {
    os.suspendAll();
    semaphore.give();
    semaphore.give();
    first.suspend();
    second.delete();
    os.resumeAll();
    expect([first.state, second.state]).toEqual(['Suspended', 'Deleted']);
  }, 'suspender', 1);
  os.start();
  expect(log).toEqual([]);
});

test('a task that yields without end with the scheduler suspended hangs neither the host nor loses the processor', () => {
  const { clock, os, log } = device();
  let turns = 0;
  os.createTask(function* () {
    yield* os.yield();
    log.push('never');
  }, 'higher', 5);
  os.createTask(function* () {
    os.suspendAll();
    while (turns < 20_000) {
      turns++;
      yield* os.yield();
    }
    expect(os.runningTask?.name).toBe('suspender');
    expect(log).toEqual([]);
    os.resumeAll();
  }, 'suspender', 6);
  os.start();
  // A pass is over after some thousand switches; the alarm starts the next.
  expect(turns).toBeLessThan(20_000);
  expect(turns).toBeGreaterThan(1000);
  clock.advance(0);
  expect(turns).toBe(20_000);
  expect(log).toEqual(['never']);
});

test('calls that need not wait are allowed', () => {
  const { os, log } = device();
  const queue = new Queue<number>(os, 1);
  os.createTask(function* () {
    os.suspendAll();
    expect(yield* queue.send(4, MAX_DELAY)).toBe(true);
    expect(yield* queue.send(5, 0)).toBe(false);
    expect(yield* queue.receive(MAX_DELAY)).toBe(4);
    expect(yield* queue.receive(0)).toBeUndefined();
    os.resumeAll();
    log.push('done');
  }, 'task', 1);
  os.start();
  expect(log).toEqual(['done']);
});

describe('a call that would block is a mistake', () => {
  test.each(['delay', 'receive', 'suspend', 'delete', 'notify-take'])('%s', (operation) => {
    const { os } = device();
    const queue = new Queue<number>(os, 1);
    os.createTask(function* () {
      os.suspendAll();
      if (operation === 'delay') yield* os.delay(1);
      else if (operation === 'receive') yield* queue.receive(1);
      else if (operation === 'suspend') yield* os.suspend();
      else if (operation === 'delete') yield* os.delete();
      else yield* os.notifyTake(true, 1);
    }, 'task', 1);
    expect(() => os.start()).toThrow(
      `task task cannot ${operation}: it would block, and it has suspended the scheduler`,
    );
  });

  test('ending', () => {
    const { os } = device();
    os.createTask(function* () { os.suspendAll(); }, 'task', 1);
    expect(() => os.start()).toThrow('task task ended, and it has suspended the scheduler');
  });

  test('the task can catch it, resume, and go on', () => {
    const { clock, os, log } = device();
    os.createTask(function* () {
      os.suspendAll();
      try {
        yield* os.delay(5);
      } catch {
        os.resumeAll();
      }
      yield* os.delay(5);
      log.push(`at ${os.getTickCount()}`);
    }, 'task', 1);
    os.start();
    clock.advance(5);
    expect(log).toEqual(['at 5']);
  });

  test('suspendAll is for tasks, and resumeAll needs one before it', () => {
    const { os } = device();
    expect(() => os.suspendAll()).toThrow('suspendAll is for tasks, and none is running');
    expect(() => os.resumeAll()).toThrow('resumeAll without a suspendAll before it');
  });
});
