/** Scheduling: the highest priority runs, equal priorities take turns, and a running task is not preempted. */

import { describe, expect, test } from 'vitest';
import { type Kernel, MAX_DELAY, Queue, Semaphore, type Task, type TaskHandle } from '../../../firmware/rtos/index.ts';
import { device } from '../../support/manual-clock.ts';

/** A task that says its name and yields, so many times. */
function* turns(os: Kernel, log: string[], name: string, count: number): Task {
  for (let turn = 0; turn < count; turn++) {
    log.push(name);
    yield* os.yield();
  }
}

describe('order', () => {
  test('the highest priority first, and a lower one only when it has nothing to do', () => {
    const { os, log } = device();
    os.createTask(turns, 'low', 1, log, 'low', 2);
    os.createTask(turns, 'high', 5, log, 'high', 2);
    os.createTask(turns, 'mid', 3, log, 'mid', 2);
    os.start();
    expect(log).toEqual(['high', 'high', 'mid', 'mid', 'low', 'low']);
  });

  test('tasks of one priority take turns in the order they were made', () => {
    const { os, log } = device();
    for (const name of ['a', 'b', 'c']) os.createTask(turns, name, 2, log, name, 3);
    os.start();
    expect(log.join('')).toBe('abcabcabc');
  });

  test.each([
    { timerTaskPriority: 2, order: ['a', 'b', 'c'] },
    { timerTaskPriority: 1, order: ['c', 'a', 'b'] },
    { timerTaskPriority: undefined, order: ['a', 'b', 'c'] },
  ])(
    'of equals, the last runs first where the timer task is lower: $timerTaskPriority',
    ({ timerTaskPriority, order }) => {
      const { os, log } = device({ maxPriorities: 3, ...(timerTaskPriority !== undefined && { timerTaskPriority }) });
      for (const name of ['a', 'b', 'c'])
        os.createTask(
          function* () {
            log.push(name);
          },
          name,
          2,
        );
      os.start();
      expect(log).toEqual(order);
    },
  );

  test('the task that is to run first may be gone, or wait, when the scheduler starts', () => {
    for (const gone of ['suspend', 'delete'] as const) {
      const { os, log } = device({ timerTaskPriority: 1 });
      const tasks = ['a', 'b', 'c'].map((name) => os.createTask(function* () { log.push(name); }, name, 2));
      tasks.at(-1)?.[gone]();
      os.start();
      expect(log).toEqual(['a', 'b']);
    }
  });

  test('a bare yield and a delay of 0 are yields too', () => {
    const { os, log } = device();
    os.createTask(function* () {
      for (let i = 0; i < 3; i++) {
        log.push('a');
        yield;
      }
    }, 'a', 1);
    os.createTask(function* () {
      for (let i = 0; i < 3; i++) {
        log.push('b');
        yield* os.delay(0);
      }
    }, 'b', 1);
    os.start();
    expect(log.join('')).toBe('ababab');
  });

  test('a task that becomes ready joins the end of its line', () => {
    const { os, log } = device();
    const gate = new Semaphore(os);
    os.createTask(function* () {
      yield* gate.take();
      log.push('woken');
    }, 'woken', 1);
    os.createTask(function* () {
      yield* os.yield();
      gate.give();
      log.push('a');
      yield* os.yield();
      log.push('a');
    }, 'a', 1);
    os.createTask(turns, 'b', 1, log, 'b', 3);
    os.start();
    expect(log).toEqual(['b', 'a', 'b', 'woken', 'a', 'b']);
  });

  test('a turn among equals survives that a higher task ran in between', () => {
    const { os, log } = device();
    const gate = new Semaphore(os, 9);
    os.createTask(function* () {
      for (;;) {
        yield* gate.take();
        log.push('H');
      }
    }, 'high', 5);
    for (const name of ['a', 'b', 'c']) {
      os.createTask(function* () {
        for (let i = 0; i < 2; i++) {
          log.push(name);
          gate.give();
          yield* os.yield();
        }
      }, name, 1);
    }
    os.start();
    expect(log.join('')).toBe('aHbHcHaHbHcH');
  });

  test('one priority is enough, and none is refused', () => {
    const { os, log } = device({ maxPriorities: 1 });
    for (const name of ['a', 'b']) os.createTask(function* () { log.push(name); }, name, 0);
    os.start();
    expect(log).toEqual(['a', 'b']);
    for (const maxPriorities of [0, 1.5, 33]) {
      expect(() => device({ maxPriorities })).toThrow('maxPriorities must be a whole number from 1 to 32');
    }
  });

  test('priority 31 of 32 works', () => {
    const { os, log } = device({ maxPriorities: 32 });
    for (const priority of [0, 31, 30]) os.createTask(turns, `${priority}`, priority, log, `${priority}`, 1);
    os.start();
    expect(log).toEqual(['31', '30', '0']);
  });
});

describe('no preemption', () => {
  test('a task goes on after it has readied a higher one, until it blocks or yields', () => {
    const { os, log } = device();
    const queue = new Queue<number>(os, 4);
    os.createTask(function* () {
      for (;;) log.push(`got ${yield* queue.receive()}`);
    }, 'high', 5);
    os.createTask(function* () {
      yield* queue.send(1);
      yield* queue.send(2);
      log.push('sent');
      yield* os.yield();
      log.push('end');
    }, 'low', 1);
    os.start();
    expect(log).toEqual(['sent', 'got 1', 'got 2', 'end']);
  });

  test('raising the priority of another task does not preempt', () => {
    const { os, log } = device();
    const other = os.createTask(turns, 'other', 1, log, 'other', 1);
    os.createTask(function* () {
      other.setPriority(7);
      log.push('first');
      yield* os.yield();
      log.push('second');
    }, 'first', 2);
    os.start();
    expect(log).toEqual(['first', 'other', 'second']);
  });

  test('a task that lowers itself keeps the processor until it yields', () => {
    const { os, log } = device();
    os.createTask(function* () {
      os.runningTask?.setPriority(1);
      log.push('a');
      yield* os.yield();
      log.push('a');
    }, 'a', 5);
    os.createTask(turns, 'b', 3, log, 'b', 1);
    os.start();
    expect(log).toEqual(['a', 'b', 'a']);
  });

  test('a task whose priority changes goes to the end of its new line', () => {
    const { os, log } = device();
    const tasks = ['a', 'b', 'c'].map((name) => os.createTask(turns, name, 2, log, name, 1));
    tasks[0]?.setPriority(3);
    tasks[0]?.setPriority(2);
    tasks[1]?.setPriority(2);
    os.start();
    expect(log).toEqual(['b', 'c', 'a']);
  });
});

describe('tasks make and end tasks', () => {
  test('a task made by a task is ready at once and runs in its turn', () => {
    const { os, log } = device();
    os.createTask(function* () {
      const child = os.createTask(turns, 'child', 4, log, 'child', 1);
      expect(child.state).toBe('Ready');
      log.push('parent');
      yield* os.yield();
      expect(child.state).toBe('Deleted');
      log.push('parent');
    }, 'parent', 2);
    os.start();
    expect(log).toEqual(['parent', 'child', 'parent']);
  });

  test('a task made from outside a pass, by no interrupt, gets its pass by the alarm', () => {
    const { clock, os, log } = device();
    os.start();
    os.createTask(turns, 'late', 1, log, 'late', 1);
    expect(log).toEqual([]);
    clock.advance(0);
    expect(log).toEqual(['late']);
  });

  test('arguments reach the task', () => {
    const { os } = device();
    const got: unknown[] = [];
    os.createTask(function* (kernel, a: number, b: string): Task { got.push(kernel === os, a, b); }, 'task', 1, 7, 'x');
    os.start();
    expect(got).toEqual([true, 7, 'x']);
  });

  test('deleted by itself: not a step further, no finally', () => {
    const { os, log } = device();
    const task = os.createTask(function* () {
      try {
        yield* os.delete();
        log.push('after');
      } finally {
        log.push('finally');
      }
    }, 'task', 1);
    os.start();
    expect(task.state).toBe('Deleted');
    expect(log).toEqual([]);
  });

  test('deleted by another, ready or blocked: out of every line, and its equals go on', () => {
    const { clock, os, log } = device();
    const victims = [1, 1, 1].map((priority, n) => os.createTask(turns, `v${n}`, priority, log, `v${n}`, 2));
    const sleeper = os.createTask(function* () {
      yield* os.delay(10);
      log.push('sleeper');
    }, 'sleeper', 4);
    os.createTask(function* () {
      victims[0]?.delete();
      victims[0]?.delete();
      sleeper.delete();
    }, 'killer', 3);
    os.start();
    clock.advance(100);
    expect(log).toEqual(['v1', 'v2', 'v1', 'v2']);
    expect(os.tasks()).toEqual([]);
  });

  test('two tasks that want to delete each other: the first to run lives', () => {
    const { os, log } = device();
    const handles: TaskHandle[] = [];
    for (const [self, other] of [[0, 1], [1, 0]] as const) {
      handles.push(os.createTask(function* () {
        handles[other]?.delete();
        log.push(`${self}`);
      }, `${self}`, 1));
    }
    os.start();
    expect(log).toEqual(['0']);
  });

  test('deleting a task twice is deleting it once', () => {
    const { os } = device();
    const [first, second] = ['first', 'second'].map((name) => os.createTask(function* () {}, name, 1));
    second?.delete();
    second?.delete();
    expect(os.tasks()).toEqual([first]);
  });

  test('a deleted task cannot be resumed, notified, suspended or aborted back to life', () => {
    const { clock, os, log } = device();
    const task = os.createTask(function* () {
      yield* os.notifyTake(true, MAX_DELAY);
      log.push('alive');
    }, 'task', 1);
    os.start();
    task.delete();
    task.suspend();
    task.resume();
    task.notifyGiveFromIsr();
    task.setPriority(3);
    expect(task.abortDelay()).toBe(false);
    clock.advance(10);
    expect(log).toEqual([]);
    expect(task.state).toBe('Deleted');
  });
});

describe('states', () => {
  test('Running, Ready, Blocked, Suspended, Deleted', () => {
    const { clock, os } = device();
    const other = os.createTask(function* () {
      yield* os.delay(10);
      yield* os.suspend();
    }, 'other', 1);
    const task = os.createTask(function* () {
      expect(task.state).toBe('Running');
      expect(os.runningTask).toBe(task);
      expect(other.state).toBe('Ready');
      yield* os.delay(5);
      expect(other.state).toBe('Blocked');
      yield* os.delay(10);
      expect(other.state).toBe('Suspended');
    }, 'task', 2);
    os.start();
    expect(os.runningTask).toBeUndefined();
    clock.advance(20);
    expect(task.state).toBe('Deleted');
  });

  test('suspends are not counted, and resume does nothing to a task that is not suspended', () => {
    const { clock, os, log } = device();
    const task = os.createTask(function* () {
      yield* os.suspend();
      log.push('on');
      yield* os.delay(10);
      log.push('end');
    }, 'task', 1);
    os.start();
    task.suspend();
    task.suspend();
    task.resumeFromIsr();
    expect(log).toEqual(['on']);
    task.resumeFromIsr();
    clock.advance(9);
    expect(log).toEqual(['on']);
    clock.advance(1);
    expect(log).toEqual(['on', 'end']);
  });

  test('a ready task that is suspended does not run, and its line goes on', () => {
    const { os, log } = device();
    const a = os.createTask(turns, 'a', 1, log, 'a', 1);
    os.createTask(turns, 'b', 1, log, 'b', 1);
    a.suspend();
    os.start();
    expect(log).toEqual(['b']);
    a.resumeFromIsr();
    expect(log).toEqual(['b', 'a']);
  });

  test('tasks() has the living in the order they were made; getTask finds the first of a name', () => {
    const { os } = device();
    const make = (name: string): TaskHandle => os.createTask(function* () { yield* os.suspend(); }, name, 1);
    const made = ['a', 'b', 'a', 'c'].map(make);
    os.start();
    made[1]?.delete();
    expect(os.tasks().map((task) => `${task.name}${task.number}`)).toEqual(['a1', 'a3', 'c4']);
    expect(os.getTask('a')?.number).toBe(1);
    made[0]?.delete();
    made[3]?.delete();
    make('d');
    expect(os.tasks().map((task) => `${task.name}${task.number}`)).toEqual(['a3', 'd5']);
    expect(os.getTask('b')).toBeUndefined();
  });
});
