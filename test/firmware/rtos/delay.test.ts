/** delay and delayUntil: both sides of each deadline, when late, and across the wrap of the tick count. */

import { describe, expect, test } from 'vitest';
import { addTicks, type Kernel, MAX_DELAY, type Task } from '../../../firmware/rtos/index.ts';
import { check } from '../../support/check.ts';
import { device } from '../../support/manual-clock.ts';
import { Seeded } from '../../support/seeded.ts';

describe('delay', () => {
  test('ends at its tick, not before', () => {
    const { clock, os, log } = device();
    os.createTask(function* () {
      yield* os.delay(100);
      log.push('woke');
    }, 'task', 1);
    os.start();
    clock.advance(99.999);
    expect(log).toEqual([]);
    clock.advance(0.001);
    expect(log).toEqual(['woke']);
  });

  test('of MAX_DELAY ticks is long, but it ends', () => {
    const { clock, os, log } = device();
    os.createTask(function* () {
      yield* os.delay(MAX_DELAY);
      log.push('woke');
    }, 'task', 1);
    os.start();
    clock.advance(MAX_DELAY - 1);
    expect(log).toEqual([]);
    clock.advance(1);
    expect(log).toEqual(['woke']);
  });

  test('delays that end at one tick wake in the order they began', () => {
    const { clock, os, log } = device();
    for (const [name, early] of [['a', 0], ['b', 3], ['c', 1]] as const) {
      os.createTask(function* () {
        yield* os.delay(early);
        yield* os.delay(10 - early);
        log.push(name);
      }, name, 1);
    }
    os.start();
    clock.advance(10);
    expect(log.join('')).toBe('acb');
  });

  test.each([-1, 0.5, 2 ** 32, Number.NaN])('refuses %d ticks', (ticks) => {
    const { os } = device();
    os.createTask(function* () { yield* os.delay(ticks); }, 'task', 1);
    expect(() => os.start()).toThrow(`a delay must be a whole number of ticks from 0 to MAX_DELAY, not ${ticks}`);
  });
});

describe('delayUntil', () => {
  test('keeps its period with any work of the loop in between', () => {
    const { clock, os } = device();
    const ticks: number[] = [];
    os.createTask(function* () {
      const wake = { tick: os.getTickCount() };
      for (let n = 0; n < 5; n++) {
        clock.spend(n * 2);
        expect(yield* os.delayUntil(wake, 10)).toBe(true);
        ticks.push(os.getTickCount());
      }
    }, 'task', 1);
    os.start();
    clock.advance(100);
    expect(ticks).toEqual([10, 20, 30, 40, 50]);
  });

  test('delays a tick before its time; at its time it returns false, and yields', () => {
    for (const [spentMs, delayed] of [[9, true], [10, false], [11, false]] as const) {
      const { clock, os, log } = device();
      os.createTask(function* () {
        const wake = { tick: 0 };
        clock.spend(spentMs);
        log.push(`${yield* os.delayUntil(wake, 10)} ${wake.tick} ${os.getTickCount()}`);
      }, 'task', 1);
      os.createTask(function* () { log.push('other'); }, 'other', 1);
      os.start();
      clock.advance(20);
      expect(log).toEqual(['other', `${delayed} 10 ${Math.max(spentMs, 10)}`]);
    }
  });

  test('late by several periods, it catches up without delay', () => {
    const { clock, os, log } = device();
    os.createTask(function* () {
      const wake = { tick: 0 };
      clock.spend(35);
      for (let n = 0; n < 5; n++) log.push(`${yield* os.delayUntil(wake, 10)}@${os.getTickCount()}`);
    }, 'task', 1);
    os.start();
    clock.advance(100);
    expect(log).toEqual(['false@35', 'false@35', 'false@35', 'true@40', 'true@50']);
  });

  test('refuses a period of 0, and what is no number of ticks', () => {
    for (const [increment, message] of [
      [0, 'an increment must be at least 1 tick'],
      [1.5, 'an increment must be a whole number of ticks from 0 to MAX_DELAY, not 1.5'],
      [-1, 'an increment must be a whole number of ticks from 0 to MAX_DELAY, not -1'],
    ] as const) {
      const { os } = device();
      os.createTask(function* () { yield* os.delayUntil({ tick: 0 }, increment); }, 'task', 1);
      expect(() => os.start()).toThrow(message);
    }
  });

  test.each([21, 22, 23])('decides as xTaskDelayUntil does, for all counts (seed %i)', (seed) => {
    const random = new Seeded(seed);
    for (let round = 0; round < 2000; round++) {
      const edge = (): number =>
        addTicks(random.pick([0, MAX_DELAY, 2 ** 31, random.below(MAX_DELAY)]), random.below(40) - 20);
      const now = edge();
      const previous = edge();
      const increment = Math.max(1, random.pick([random.below(50), MAX_DELAY - random.below(50), edge()]));
      // The rule as its documentation tells it: the wake time lies ahead, where the three counts may have wrapped.
      const wakeTime = addTicks(previous, increment);
      const wakeWrapped = wakeTime < previous;
      const expected = now < previous ? wakeWrapped && wakeTime > now : wakeWrapped || wakeTime > now;
      const { os } = device({ initialTickCount: now });
      const task = os.createTask(
        function* (kernel: Kernel): Task {
          yield* kernel.delayUntil({ tick: previous }, increment);
        },
        'task',
        1,
      );
      os.start();
      expect(task.state === 'Blocked', `seed ${seed}: previous ${previous}, now ${now}, increment ${increment}`).toBe(
        expected,
      );
    }
  });
});

describe('the wrap of the tick count', () => {
  test('is seen only in the count', () => {
    const { clock, os, log } = device({ initialTickCount: MAX_DELAY - 4 });
    os.createTask(function* () {
      const wake = { tick: os.getTickCount() };
      for (let n = 0; n < 3; n++) {
        expect(yield* os.delayUntil(wake, 4)).toBe(true);
        log.push(`until ${os.getTickCount()}`);
      }
    }, 'until', 1);
    os.createTask(function* () {
      yield* os.delay(5);
      log.push(`delay ${os.getTickCount()}`);
      expect(yield* os.notifyTake(true, 5)).toBe(0);
      log.push(`timeout ${os.getTickCount()}`);
    }, 'delay', 1);
    os.start();
    expect(os.getTickCount()).toBe(MAX_DELAY - 4);
    clock.advance(12);
    expect(log).toEqual([`until ${MAX_DELAY}`, 'delay 0', 'until 3', 'timeout 5', 'until 7']);
  });

  test('a delay that begins before it and one that begins after wake in the right order', () => {
    const { clock, os, log } = device({ initialTickCount: MAX_DELAY - 1 });
    os.createTask(function* () {
      yield* os.delay(10);
      log.push('before');
    }, 'before', 1);
    os.createTask(function* () {
      yield* os.delay(4);
      yield* os.delay(5);
      log.push('after');
    }, 'after', 1);
    os.start();
    clock.advance(20);
    expect(log).toEqual(['after', 'before']);
  });
});

test('milliseconds that are a whole number of ticks are that number, at every rate', () => {
  for (let tickRateHz = 1; tickRateHz <= 1100; tickRateHz++) {
    const { os } = device({ tickRateHz });
    for (let seconds = 1; seconds < 60; seconds += 7) {
      check(os.msToTicks(seconds * 1000) === seconds * tickRateHz, `${seconds} s at ${tickRateHz} Hz`);
    }
  }
});

test('milliseconds and ticks', () => {
  const { os } = device({ tickRateHz: 128 });
  expect(os.msToTicks(1000)).toBe(128);
  expect(os.msToTicks(15.624)).toBe(1);
  expect(os.msToTicks(7.8124)).toBe(0);
  expect(os.ticksToMs(128)).toBe(1000);
});
