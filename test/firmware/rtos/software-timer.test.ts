/** Software timers: when they are due, whose command counts when, and what callbacks may do to their own timer. */

import { describe, expect, test } from 'vitest';
import {
  type KernelConfig,
  MAX_DELAY,
  Semaphore,
  SoftwareTimer,
  timerPendFunctionCall,
  timerPendFunctionCallFromIsr,
} from '../../../firmware/rtos/index.ts';
import { device } from '../../support/manual-clock.ts';

function timer(options: {
  period: number;
  autoReload: boolean;
  config?: KernelConfig;
  callback?: (timer: SoftwareTimer) => void;
}) {
  const made = device(options.config);
  const ticks: number[] = [];
  const one = new SoftwareTimer(made.os, {
    name: 'timer',
    period: options.period,
    autoReload: options.autoReload,
    callback: (self) => {
      ticks.push(made.os.getTickCount());
      options.callback?.(self);
    },
  });
  return { ...made, one, ticks };
}

describe('periods', () => {
  test('a one-shot timer calls once, at its tick and not before, and is dormant then', () => {
    const { clock, os, one, ticks } = timer({ period: 10, autoReload: false });
    os.start();
    expect(one.isActive).toBe(false);
    one.startFromIsr();
    expect(one.isActive).toBe(true);
    clock.advance(9.999);
    expect(ticks).toEqual([]);
    clock.advance(0.001);
    expect([ticks, one.isActive]).toEqual([[10], false]);
    clock.advance(100);
    expect(ticks).toEqual([10]);
    expect(clock.alarmMs).toBeUndefined();
  });

  test('an auto-reload timer calls every period', () => {
    const { clock, os, one, ticks } = timer({ period: 10, autoReload: true });
    one.startFromIsr();
    os.start();
    clock.advance(45);
    expect(ticks).toEqual([10, 20, 30, 40]);
    one.stopFromIsr();
    clock.advance(100);
    expect(ticks).toHaveLength(4);
    expect(one.isActive).toBe(false);
  });

  test('timers of one tick call in the order they were started; the period is in the tick count, also across its wrap', () => {
    const { clock, os, log } = device({ initialTickCount: MAX_DELAY - 5 });
    const make = (name: string, period: number): SoftwareTimer =>
      new SoftwareTimer(os, {
        name,
        period,
        autoReload: false,
        callback: (self) => log.push(`${self.name} ${os.getTickCount()}`),
      });
    const [a, b, c] = [make('a', 10), make('b', 10), make('c', 3)];
    os.start();
    for (const one of [b, a, c]) one.startFromIsr();
    expect([a.expiryTime, c.expiryTime]).toEqual([4, MAX_DELAY - 2]);
    clock.advance(10);
    expect(log).toEqual([`c ${MAX_DELAY - 2}`, 'b 4', 'a 4']);
    expect(c.expiryTime).toBe(MAX_DELAY - 2);
  });

  test('periods that were missed are made up for, each with its call', () => {
    const { clock, os, one, ticks } = timer({ period: 10, autoReload: true });
    one.startFromIsr();
    os.start();
    clock.spend(35);
    clock.advance(0);
    expect(ticks).toEqual([35, 35, 35]);
    expect(one.expiryTime).toBe(40);
    clock.advance(5);
    expect(ticks).toEqual([35, 35, 35, 40]);
  });
});

describe('commands', () => {
  test('start counts from the call, even where the service task comes to it later', () => {
    const { clock, os, one, ticks } = timer({ period: 10, autoReload: false, config: { timerTaskPriority: 1 } });
    os.createTask(function* () {
      yield* one.start();
      clock.spend(4);
      expect(one.isActive).toBe(false);
    }, 'task', 2);
    os.start();
    clock.advance(5.9);
    expect(ticks).toEqual([]);
    clock.advance(0.1);
    expect(ticks).toEqual([10]);
  });

  test('a start that waits longer than the period calls at once, and an auto-reload timer makes up for the rest', () => {
    for (const [autoReload, expected] of [
      [false, [25]],
      [true, [25, 25, 30]],
    ] as const) {
      const { clock, os, one, ticks } = timer({ period: 10, autoReload, config: { timerTaskPriority: 1 } });
      os.createTask(
        function* () {
          yield* one.start();
          clock.spend(25);
        },
        'task',
        2,
      );
      os.start();
      clock.advance(5);
      expect(ticks).toEqual(expected);
      expect(one.isActive).toBe(autoReload);
    }
  });

  test('a start that is obeyed late calls before the stop behind it is obeyed', () => {
    const { clock, os, one, ticks } = timer({ period: 10, autoReload: true, config: { timerTaskPriority: 1 } });
    os.createTask(function* () {
      yield* one.start();
      clock.spend(10);
      yield* one.stop();
    }, 'task', 2);
    os.start();
    clock.advance(100);
    expect(ticks).toEqual([10]);
    expect(one.isActive).toBe(false);
  });

  test('reset starts the period again', () => {
    const { clock, os, one, ticks } = timer({ period: 10, autoReload: false });
    one.startFromIsr();
    os.start();
    for (let n = 0; n < 5; n++) {
      clock.advance(9);
      one.resetFromIsr();
    }
    expect(ticks).toEqual([]);
    clock.advance(10);
    expect(ticks).toEqual([55]);
  });

  test('changePeriod starts a dormant timer, and counts from when the service task gets to it', () => {
    const { clock, os, one, ticks } = timer({ period: 10, autoReload: true, config: { timerTaskPriority: 1 } });
    os.createTask(function* () {
      yield* one.changePeriod(20);
      clock.spend(5);
    }, 'task', 2);
    os.start();
    clock.advance(60);
    expect(one.period).toBe(20);
    expect(ticks).toEqual([25, 45, 65]);
  });

  test('with a full queue a command waits or fails', () => {
    const { os, one } = timer({ period: 10, autoReload: false, config: { timerQueueLength: 2 } });
    expect([one.startFromIsr(), one.stopFromIsr(), one.startFromIsr()]).toEqual([true, true, false]);
    os.start();
    expect(one.isActive).toBe(false);
    expect(one.startFromIsr()).toBe(true);
    expect(one.isActive).toBe(true);
  });

  test('functions can be handed to the service task, in turn with the commands', () => {
    const { clock, os, log } = device();
    os.createTask(function* () {
      expect(yield* timerPendFunctionCall(os, () => log.push(`called by ${os.runningTask?.name}`))).toBe(true);
      log.push('pended');
    }, 'task', 1);
    os.start();
    timerPendFunctionCallFromIsr(os, () => log.push('again'));
    clock.advance(0);
    expect(log).toEqual(['pended', 'called by Tmr Svc', 'again']);
  });
});

describe('the service task', () => {
  test('has the highest priority by default', () => {
    expect(timer({ period: 10, autoReload: false }).os.getTask('Tmr Svc')?.priority).toBe(7);
    const { os } = timer({ period: 10, autoReload: false, config: { maxPriorities: 5, timerTaskPriority: 2 } });
    expect(os.getTask('Tmr Svc')?.priority).toBe(2);
  });

  test('does not wait for room for a command unless a timeout says so', () => {
    const { os, one } = timer({ period: 10, autoReload: false, config: { timerQueueLength: 1, timerTaskPriority: 1 } });
    const results: boolean[] = [];
    os.createTask(function* () {
      one.startFromIsr();
      results.push(yield* one.start(), yield* one.reset(), yield* one.stop(), yield* one.changePeriod(5));
      results.push(yield* one.delete(), yield* timerPendFunctionCall(os, () => {}));
      expect(os.getTickCount()).toBe(0);
    }, 'task', 2);
    os.start();
    expect(results).toEqual([false, false, false, false, false, false]);
  });

  test('is behind its equals at the start, and yields before it obeys waiting commands', () => {
    const { os, one } = timer({ period: 10, autoReload: false, config: { timerTaskPriority: 1 } });
    const active: string[] = [];
    for (const name of ['a', 'b']) {
      os.createTask(function* () {
        active.push(`${name} ${one.isActive}`);
        yield;
        active.push(`${name} ${one.isActive}`);
        yield;
        active.push(`${name} ${one.isActive}`);
      }, name, 1);
    }
    os.createTask(function* () { yield* os.suspend(); }, 'higher', 2);
    one.startFromIsr();
    os.start();
    expect(active).toEqual(['a false', 'b false', 'a false', 'b false', 'a true', 'b true']);
  });

  test('made while the scheduler runs, it obeys at once, as one that waits for commands does', () => {
    const { os, log } = device({ timerTaskPriority: 1 });
    os.createTask(function* () {
      timerPendFunctionCallFromIsr(os, () => log.push('pended'));
      yield;
      log.push('other');
    }, 'other', 1);
    os.start();
    expect(log).toEqual(['pended', 'other']);
  });
});

describe('the wrap of the tick count', () => {
  test.each([
    { period: 4, suspended: 2, running: 3 },
    { period: 5, suspended: 1, running: 3 },
    { period: 3, suspended: 3, running: 3 },
  ])(
    'of late calls those before it run with the scheduler suspended (period $period)',
    ({ period, suspended, running }) => {
      const { clock, os, log } = device({ initialTickCount: MAX_DELAY - 9 });
      const one = new SoftwareTimer(os, {
        name: 'one',
        period,
        autoReload: true,
        callback: () => log.push(os.schedulerState),
      });
      os.createTask(
        function* () {
          yield* one.start();
          yield* os.delay(1);
          clock.spend(19);
        },
        'busy',
        1,
      );
      os.start();
      clock.advance(1);
      expect(log).toEqual([...Array(suspended).fill('suspended'), ...Array(running).fill('running')]);
    },
  );

  test('found as a command is obeyed, the late calls come before the command, and the scheduler runs', () => {
    for (const wrappedBy of [0, 1]) {
      const { clock, os, log } = device({ initialTickCount: MAX_DELAY - 9 });
      const late = new SoftwareTimer(os, {
        name: 'late',
        period: 4,
        autoReload: false,
        callback: () => log.push(`late ${os.schedulerState}`),
      });
      const other = new SoftwareTimer(os, { name: 'other', period: 50, autoReload: false, callback: () => {} });
      late.startFromIsr();
      os.start();
      os.enterIsr();
      timerPendFunctionCallFromIsr(os, () => clock.spend(10 + wrappedBy));
      other.startFromIsr();
      timerPendFunctionCallFromIsr(os, () => log.push(`next, other ${other.isActive}`));
      os.exitIsr();
      expect(log).toEqual(['late running', 'next, other true']);
    }
  });

  test('a timer that is due after it waits until then, also where that is the same count', () => {
    const { clock, os, log } = device({ initialTickCount: MAX_DELAY - 9 });
    const one = new SoftwareTimer(os, {
      name: 'one',
      period: 10,
      autoReload: true,
      callback: (self) => log.push(`${os.getTickCount()} ${self.expiryTime}`),
    });
    one.startFromIsr();
    os.start();
    clock.advance(9.9);
    expect(log).toEqual([]);
    clock.advance(10.1);
    expect(log).toEqual(['0 10', '10 20']);
  });
});

describe('callbacks', () => {
  test('see each expiry time when they make up for missed periods', () => {
    const { clock, os, log } = device();
    const one = new SoftwareTimer(os, {
      name: 'one',
      period: 2,
      autoReload: true,
      callback: (self) => log.push(`${self.expiryTime}`),
    });
    one.startFromIsr();
    os.createTask(function* () {
      yield* os.delay(0);
      clock.spend(6);
    }, 'busy', 1);
    os.start();
    expect(log).toEqual(['4', '6', '8']);
  });

  test('a timer may stop, restart, change or delete itself', () => {
    const stop = timer({ period: 10, autoReload: true, callback: (self) => self.stopFromIsr() });
    const restart = timer({ period: 10, autoReload: false, callback: (self) => self.startFromIsr() });
    const slower = timer({
      period: 10,
      autoReload: true,
      callback: (self) => self.changePeriodFromIsr(self.period * 2),
    });
    const remove = timer({ period: 10, autoReload: true, callback: (self) => self.deleteFromIsr() });
    const once = timer({ period: 10, autoReload: true, callback: (self) => { self.autoReload = false; } });
    const results = [stop, restart, slower, remove, once].map(({ clock, os, one, ticks }) => {
      one.startFromIsr();
      os.start();
      clock.advance(75);
      return ticks;
    });
    expect(results).toEqual([[10], [10, 20, 30, 40, 50, 60, 70], [10, 30, 70], [10], [10, 20]]);
  });

  test('two timers of one tick: the first may stop the second only before its turn comes', () => {
    const { clock, os, log } = device();
    const second: SoftwareTimer[] = [];
    const make = (name: string, callback: () => void): SoftwareTimer =>
      new SoftwareTimer(os, { name, period: 10, autoReload: false, callback });
    const first = make('first', () => {
      log.push('first');
      second[0]?.stopFromIsr();
    });
    second.push(make('second', () => log.push('second')));
    first.startFromIsr();
    second[0]?.startFromIsr();
    os.start();
    clock.advance(100);
    // prvProcessReceivedCommands comes after each expired timer.
    expect(log).toEqual(['first']);
  });

  test('an exception in a callback is a crash of the service task', () => {
    const crashed: string[] = [];
    const { clock, os, one } = timer({
      period: 10,
      autoReload: false,
      config: { onCrash: ({ task, reason }) => crashed.push(`${task}: ${reason}`) },
      callback: () => {
        throw new Error('no');
      },
    });
    one.startFromIsr();
    os.start();
    clock.advance(10);
    expect(crashed).toEqual(['Tmr Svc: no']);
  });

  test('a callback that blocks is refused with advice', () => {
    const { clock, os } = device();
    const gate = new Semaphore(os);
    const wrong = new SoftwareTimer(os, {
      name: 'wrong', period: 10, autoReload: false, callback: () => { void gate.take(); },
    });
    wrong.startFromIsr();
    os.start();
    expect(() => clock.advance(10)).toThrow('task Tmr Svc called take without yield*');
  });
});

test('the longest period is MAX_DELAY', () => {
  expect(timer({ period: MAX_DELAY, autoReload: false }).one.period).toBe(MAX_DELAY);
});

test.each([0, -1, 0.5, 2 ** 32])('a period of %d is refused', (period) => {
  const message = `a timer's period must be a whole number of ticks, at least 1, not ${period}`;
  expect(() => timer({ period, autoReload: false })).toThrow(message);
  const { os, one } = timer({ period: 1, autoReload: false });
  expect(() => one.changePeriodFromIsr(period)).toThrow(message);
  os.createTask(function* () { yield* one.changePeriod(period); }, 'task', 1);
  expect(() => os.start()).toThrow(message);
});
