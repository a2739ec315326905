/** Between the clock and the tasks: passes, alarms, interrupts, sleep. */

import { describe, expect, test } from 'vitest';
import { Kernel, MAX_DELAY, Queue, Semaphore } from '../../../firmware/rtos/index.ts';
import { device, ManualClock } from '../../support/manual-clock.ts';

describe('tickless', () => {
  test('one alarm, at the next wake, and none when nobody sleeps', () => {
    const { clock, os } = device();
    os.createTask(function* () {
      yield* os.delay(30);
      yield* os.delay(1000);
    }, 'a', 1);
    const b = os.createTask(function* () {
      yield* os.delay(50);
      yield* os.suspend();
    }, 'b', 1);
    expect(clock.alarmMs).toBeUndefined();
    os.start();
    expect(clock.alarmMs).toBe(30);
    clock.advance(30);
    expect(clock.alarmMs).toBe(50);
    clock.advance(20);
    expect(clock.alarmMs).toBe(1030);
    clock.advance(980);
    expect(clock.alarmMs).toBeUndefined();
    b.resumeFromIsr();
    expect(b.state).toBe('Deleted');
    expect(clock.alarmMs).toBeUndefined();
  });

  test('the alarm moves when a wait ends before its time', () => {
    const { clock, os } = device();
    const gate = new Semaphore(os);
    os.createTask(function* () {
      yield* gate.take(20);
      yield* os.delay(100);
    }, 'task', 1);
    os.start();
    expect(clock.alarmMs).toBe(20);
    clock.advance(5);
    gate.giveFromIsr();
    expect(clock.alarmMs).toBe(105);
  });

  test('the alarm is disarmed when no task is left that waits for it', () => {
    const { clock, os } = device();
    const task = os.createTask(function* () { yield* os.delay(20); }, 'task', 1);
    os.start();
    expect(clock.alarmMs).toBe(20);
    os.enterIsr();
    task.delete();
    os.exitIsr();
    expect(clock.alarmMs).toBeUndefined();
  });

  test('the tick count starts with the scheduler, not with the clock', () => {
    const clock = new ManualClock(1234.5);
    const os = new Kernel(clock);
    const ticks: number[] = [];
    os.createTask(function* () {
      ticks.push(os.getTickCount());
      yield* os.delay(10);
      ticks.push(os.getTickCount());
    }, 'task', 1);
    os.start();
    expect(clock.alarmMs).toBe(1244.5);
    clock.advance(10);
    expect(ticks).toEqual([0, 10]);
  });

  test.each([1, 3, 7, 60, 128, 333, 1000, 1024, 32_768, 1_000_000])(
    'at %i Hz every delay ends at its tick, in spite of rounding',
    (tickRateHz) => {
      const clock = new ManualClock(0.1);
      const os = new Kernel(clock, { tickRateHz });
      const late: number[] = [];
      let loops = 0;
      os.createTask(
        function* () {
          for (; loops < 2000; loops++) {
            const before = os.getTickCount();
            yield* os.delay(1 + (loops % 7));
            if (os.getTickCount() !== before + 1 + (loops % 7)) late.push(loops);
          }
        },
        'task',
        1,
      );
      os.start();
      clock.runUntilIdle(1e9);
      expect(loops).toBe(2000);
      expect(late).toEqual([]);
    },
  );

  test('a delay of n ticks ends n ticks after the count it began at, up to a tick less than n periods later', () => {
    const { clock, os } = device();
    const ends: number[] = [];
    os.createTask(function* () {
      clock.spend(0.9);
      yield* os.delay(1);
      ends.push(clock.now());
    }, 'task', 1);
    os.start();
    clock.advance(5);
    expect(ends).toEqual([1]);
  });

  test('an alarm that comes too early, which no port may send, wakes nobody and is set again', () => {
    const { clock, os, log } = device();
    os.createTask(function* () {
      yield* os.delay(10);
      log.push('woke');
    }, 'task', 1);
    os.start();
    clock.advance(9.5);
    clock.fireEarly();
    expect(log).toEqual([]);
    expect(clock.alarmMs).toBe(10);
    clock.advance(0.5);
    expect(log).toEqual(['woke']);
  });

  test('an alarm that comes late wakes all tasks whose time has come, earliest first', () => {
    const { clock, os, log } = device();
    for (const ticks of [30, 10, 20, 10]) {
      os.createTask(function* () {
        yield* os.delay(ticks);
        log.push(`${ticks}`);
      }, `${ticks}`, 1);
    }
    os.start();
    clock.spend(25);
    clock.advance(0);
    expect(log).toEqual(['10', '10', '20']);
    clock.advance(5);
    expect(log).toEqual(['10', '10', '20', '30']);
  });
});

describe('passes', () => {
  test('tasks that never sleep let the host have its turn, and go on at once', () => {
    const { clock, os } = device();
    let turns = 0;
    for (const name of ['a', 'b']) {
      os.createTask(function* () {
        while (turns < 30_000) {
          turns++;
          yield* os.yield();
        }
      }, name, 1);
    }
    os.start();
    expect(turns).toBe(4096);
    expect(clock.alarmMs).toBe(0);
    clock.advance(0);
    expect(turns).toBe(30_000);
    expect(clock.alarmMs).toBeUndefined();
  });

  test('a pass also ends when it has taken some milliseconds', () => {
    const { clock, os } = device();
    let turns = 0;
    os.createTask(function* () {
      for (;;) {
        turns++;
        clock.spend(0.5);
        yield* os.yield();
      }
    }, 'busy', 1);
    os.start();
    expect(turns).toBe(16);
  });

  test('a task whose time comes while others are busy runs at their next switch', () => {
    const { clock, os, log } = device();
    os.createTask(function* () {
      yield* os.delay(2);
      log.push(`high at ${clock.now()} ms`);
    }, 'high', 2);
    os.createTask(function* () {
      for (let turn = 0; turn < 100 && log.length === 0; turn++) {
        clock.spend(0.75);
        yield* os.yield();
      }
    }, 'busy', 1);
    os.start();
    clock.advance(100);
    // The delay of `high` ends at 2 ms, in the middle of a turn that ends at 2.25 ms.
    expect(log).toEqual(['high at 2.25 ms']);
  });

  test('reading the tick count between passes wakes the tasks that are due, and runs none', () => {
    const { clock, os, log } = device();
    const task = os.createTask(function* () {
      yield* os.delay(10);
      log.push('woke');
    }, 'task', 1);
    os.start();
    clock.spend(15);
    expect(os.getTickCount()).toBe(15);
    expect(task.state).toBe('Ready');
    expect(log).toEqual([]);
    clock.advance(0);
    expect(log).toEqual(['woke']);
  });
});

describe('interrupts', () => {
  test('a FromIsr call between passes runs the tasks that it wakes before it returns', () => {
    const { os, log } = device();
    const queue = new Queue<string>(os, 3);
    os.createTask(function* () {
      for (;;) log.push(`${yield* queue.receive()}`);
    }, 'task', 1);
    os.start();
    expect(queue.sendFromIsr('a')).toBe(true);
    expect(log).toEqual(['a']);
    os.enterIsr();
    queue.sendFromIsr('b');
    os.enterIsr();
    queue.sendFromIsr('c');
    os.exitIsr();
    expect(log).toEqual(['a']);
    os.exitIsr();
    expect(log).toEqual(['a', 'b', 'c']);
  });

  test('a FromIsr call inside a task readies, and the task goes on', () => {
    const { os, log } = device();
    const gate = new Semaphore(os);
    os.createTask(function* () {
      yield* gate.take();
      log.push('woken');
    }, 'high', 5);
    os.createTask(function* () {
      gate.giveFromIsr();
      log.push('giver');
    }, 'giver', 1);
    os.start();
    expect(log).toEqual(['giver', 'woken']);
  });

  test('a plain call from outside readies, and the alarm brings the pass', () => {
    const { clock, os, log } = device();
    const gate = new Semaphore(os);
    os.createTask(function* () {
      yield* gate.take();
      log.push('woken');
    }, 'task', 1);
    os.start();
    gate.give();
    expect(log).toEqual([]);
    expect(clock.alarmMs).toBe(0);
    clock.advance(0);
    expect(log).toEqual(['woken']);
  });

  test('before the scheduler starts, FromIsr calls take effect, and no task runs', () => {
    const { clock, os, log } = device();
    const queue = new Queue<number>(os, 1);
    os.createTask(function* () { log.push(`${yield* queue.receive(0)}`); }, 'task', 1);
    queue.sendFromIsr(3);
    expect(log).toEqual([]);
    expect(clock.alarmMs).toBeUndefined();
    os.start();
    expect(log).toEqual(['3']);
  });

  test('an interrupt that throws ends all the same', () => {
    const { os, log } = device();
    const queue = new Queue<number>(os, 2);
    const gate = new Semaphore(os);
    os.createTask(function* () {
      yield* gate.take();
      log.push('woken');
    }, 'task', 1);
    os.start();
    expect(() => queue.overwriteFromIsr(1)).toThrow('overwrite is for a queue of length 1, not 2');
    gate.giveFromIsr();
    expect(log).toEqual(['woken']);
  });

  test('exitIsr needs an enterIsr', () => {
    const { os } = device();
    expect(() => os.exitIsr()).toThrow('exitIsr without an enterIsr before it');
  });
});

describe('idle', () => {
  test('the hook is called each time all tasks wait', () => {
    let idles = 0;
    const { clock, os } = device({ onIdle: () => idles++ });
    os.createTask(function* () {
      yield* os.delay(10);
      yield* os.delay(10);
    }, 'task', 1);
    os.start();
    expect(idles).toBe(1);
    clock.advance(20);
    expect(idles).toBe(3);
  });

  test('the task that the hook wakes runs in a pass of its own, even if the hook always wakes one', () => {
    let idles = 0;
    let taken = 0;
    const { clock, os } = device({ onIdle: () => { if (++idles < 50_000) gate.giveFromIsr(); } });
    const gate = new Semaphore(os);
    os.createTask(function* () {
      for (;;) {
        yield* gate.take();
        taken++;
      }
    }, 'task', 1);
    os.start();
    expect(taken).toBe(0);
    clock.advance(0);
    expect(idles).toBe(50_000);
    expect(taken).toBe(49_999);
  });
});

describe('start and stop', () => {
  test('a kernel starts once', () => {
    const { os } = device();
    expect(os.schedulerState).toBe('not-started');
    os.start();
    expect(os.schedulerState).toBe('running');
    expect(() => os.start()).toThrow('the scheduler was started before; a kernel starts once');
  });

  test('stopped from outside, no task runs any more', () => {
    const { clock, os, log } = device();
    const gate = new Semaphore(os);
    os.createTask(function* () {
      yield* gate.take(10);
      log.push('ran');
    }, 'task', 1);
    os.start();
    os.stop();
    expect(os.schedulerState).toBe('stopped');
    expect(clock.alarmMs).toBeUndefined();
    gate.giveFromIsr();
    clock.advance(100);
    expect(log).toEqual([]);
    expect(os.getTickCount()).toBe(0);
  });

  test('stopped by a task, that task comes to its next call and no further', () => {
    let idles = 0;
    const { clock, os, log } = device({ onIdle: () => idles++ });
    os.createTask(function* () {
      os.stop();
      log.push('stopped');
      yield* os.delay(1);
      log.push('further');
    }, 'stopper', 2);
    const other = os.createTask(function* () { log.push('other'); }, 'other', 1);
    os.start();
    clock.advance(100);
    expect(log).toEqual(['stopped']);
    expect(other.state).toBe('Ready');
    expect(clock.alarmMs).toBeUndefined();
    expect(idles).toBe(0);
  });

  test('stopped by its only task, the device is not idle but off', () => {
    let idles = 0;
    const { os } = device({ onIdle: () => idles++ });
    os.createTask(function* () { os.stop(); }, 'stopper', 1);
    os.start();
    expect(idles).toBe(0);
  });

  test.each([
    [{ tickRateHz: 0 }, 'tickRateHz must be from 1 to 1000000, not 0'],
    [{ tickRateHz: Number.NaN }, 'tickRateHz must be from 1 to 1000000, not NaN'],
    [{ maxPriorities: 33 }, 'maxPriorities must be a whole number from 1 to 32, not 33'],
    [{ initialTickCount: -1 }, 'initialTickCount must be a whole number of ticks from 0 to MAX_DELAY, not -1'],
  ])('a wrong setting is refused by name: %o', (config, message) => {
    expect(() => device(config)).toThrow(message);
  });
});

test('100,000 tasks sleep and wake, each at its time', () => {
  const { clock, os } = device();
  let wakes = 0;
  let wrong = 0;
  function* sleeper(kernel: Kernel, period: number) {
    for (let n = 1; n <= 3; n++) {
      yield* kernel.delay(period);
      wakes++;
      if (kernel.getTickCount() !== n * period) wrong++;
    }
    yield* kernel.delay(MAX_DELAY);
  }
  for (let n = 0; n < 100_000; n++) os.createTask(sleeper, 'sleeper', n % 8, 10 + (n % 13));
  os.start();
  clock.advance(100);
  expect(wakes).toBe(300_000);
  expect(wrong).toBe(0);
});
