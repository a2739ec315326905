/** The engine: what is due is done at its time, a run ends where it was told to, and a loop without end is named. */

import { expect, it } from 'vitest';
import { Engine } from '../../../sim/time/engine.ts';
import type { Waiter } from '../../../sim/time/event.ts';

const YEAR_US = 365 * 86_400 * 1e6;

it('calls at the time, not a microsecond before', () => {
  const engine = new Engine();
  const calls: number[] = [];
  engine.at(1000, () => calls.push(engine.nowUs), 'a call');
  expect(engine.runUntil(999)).toBe(false);
  expect([engine.nowUs, calls]).toEqual([999, []]);
  expect(engine.runUntil(1000)).toBe(false);
  expect([engine.nowUs, calls]).toEqual([1000, [1000]]);
  engine.runUntil(5000);
  expect(calls).toEqual([1000]);
});

it('does what is set for now from within, in the same run, after what was set before', () => {
  const engine = new Engine();
  const calls: string[] = [];
  engine.at(10, () => {
    calls.push('first');
    engine.at(10, () => calls.push('third'), 'third');
  }, 'first');
  engine.at(10, () => calls.push('second'), 'second');
  engine.runUntil(10);
  expect(calls).toEqual(['first', 'second', 'third']);
});

it('takes a run into the past as one that is over', () => {
  const engine = new Engine();
  engine.runUntil(100);
  let called = false;
  engine.at(100, () => (called = true), 'a call');
  expect(engine.runUntil(99)).toBe(false);
  expect([engine.nowUs, called]).toEqual([100, false]);
  engine.runUntil(100);
  expect(called).toBe(true);
});

it('does not call what was cancelled; cancelling twice, or too late, does nothing', () => {
  const engine = new Engine();
  const calls: string[] = [];
  const cancel = engine.at(10, () => calls.push('cancelled'), 'cancelled');
  const tooLate = engine.at(20, () => calls.push('called'), 'called');
  cancel();
  cancel();
  engine.runUntil(20);
  tooLate();
  // Has the place of those: it must not be hit by them.
  engine.at(30, () => calls.push('another'), 'another');
  cancel();
  tooLate();
  engine.runUntil(30);
  expect(calls).toEqual(['called', 'another']);
});

it('runs for years: an hourly appointment and one at the end', () => {
  const engine = new Engine();
  let hours = 0;
  const waiter: Waiter = {
    fire(handle) {
      hours += 1;
      engine.set(handle, engine.nowUs + 3600e6);
    },
    describe: () => 'hourly',
  };
  engine.set(engine.open(waiter), 3600e6);
  let endedUs = 0;
  engine.at(100 * YEAR_US, () => (endedUs = engine.nowUs), 'the end');
  engine.runUntil(100 * YEAR_US - 1);
  expect([hours, endedUs]).toEqual([100 * 365 * 24 - 1, 0]);
  engine.runUntil(100 * YEAR_US);
  expect([hours, endedUs]).toEqual([100 * 365 * 24, 100 * YEAR_US]);
});

it('stops from within, and goes on from there', () => {
  const engine = new Engine();
  const calls: number[] = [];
  for (const atUs of [10, 20, 20, 30]) {
    engine.at(atUs, () => {
      calls.push(atUs);
      if (calls.length === 2) engine.stop();
    }, 'a call');
  }
  expect(engine.runUntil(100)).toBe(true);
  expect([engine.nowUs, calls]).toEqual([20, [10, 20]]);
  expect(engine.runUntil(100)).toBe(false);
  expect([engine.nowUs, calls]).toEqual([100, [10, 20, 20, 30]]);
});

it('steps, and runs until a condition holds', () => {
  const engine = new Engine();
  let count = 0;
  for (const atUs of [10, 20, 30]) engine.at(atUs, () => (count += 1), 'a count');
  expect(engine.runSome(100, 1)).toBe('more');
  expect([engine.nowUs, count]).toEqual([10, 1]);
  expect(engine.until(() => count === 2, 100)).toBe(true);
  expect(engine.nowUs).toBe(20);
  expect(engine.until(() => count === 2, 100)).toBe(true);
  expect(engine.nowUs).toBe(20);
  expect(engine.until(() => count === 3, 29)).toBe(false);
  expect(engine.nowUs).toBe(29);
  expect(engine.until(() => count === 3, 30)).toBe(true);
  expect(engine.until(() => engine.nowUs === 50, 50)).toBe(true);
  expect(engine.runSome(100, 1)).toBe('reached');
  expect(engine.nowUs).toBe(100);
});

it('names who lets no time pass, and when', () => {
  const engine = new Engine();
  const again = (): void => void engine.at(engine.nowUs, again, 'the mad call');
  engine.at(12_500_000, again, 'its beginning');
  // The 1000 other waiters do not hide the loop.
  const other: Waiter = { fire: () => undefined, describe: () => 'somebody else' };
  for (let i = 0; i < 1000; i++) engine.set(engine.open(other), 12_500_000);
  expect(() => engine.runUntil(20e6)).toThrow(
    /^time stands still at 12.5 s: 10\d+ events without any time passing, 5000 of the last 5000 by the mad call$/,
  );
});

it('names who does most of it, when two go round together', () => {
  const engine = new Engine();
  const busy: Waiter = {
    fire(handle) {
      engine.set(handle, engine.nowUs);
    },
    describe: () => 'the busy one',
  };
  const busier: Waiter = { fire: busy.fire, describe: () => 'the busier one' };
  engine.set(engine.open(busy), 0);
  for (let i = 0; i < 3; i++) engine.set(engine.open(busier), 0);
  expect(() => engine.runUntil(1)).toThrow('3750 of the last 5000 by the busier one');
});

it('takes a loop whose time passes, however slowly, for none', () => {
  const engine = new Engine();
  let count = 0;
  const waiter: Waiter = {
    fire(handle) {
      count += 1;
      if (count < 3_000_000) engine.set(handle, engine.nowUs + (count % 1000 === 0 ? 1 : 0));
    },
    describe: () => 'a slow one',
  };
  engine.set(engine.open(waiter), 0);
  engine.runUntil(1e6);
  expect(count).toBe(3_000_000);
});

it('lets 100,000 devices do a score of things each at one instant', () => {
  const engine = new Engine();
  let count = 0;
  for (let i = 0; i < 100_000; i++) {
    let turns = 20;
    const waiter: Waiter = {
      fire(handle) {
        count += 1;
        turns -= 1;
        if (turns > 0) engine.set(handle, engine.nowUs);
      },
      describe: () => 'a device',
    };
    engine.set(engine.open(waiter), 1000);
  }
  engine.runUntil(1000);
  expect(count).toBe(2_000_000);
});

it('goes on after what was thrown', () => {
  const engine = new Engine();
  let called = false;
  engine.at(10, () => {
    throw new Error('broken');
  }, 'a broken one');
  engine.at(10, () => (called = true), 'a call');
  expect(() => engine.runUntil(20)).toThrow('broken');
  expect([engine.nowUs, called]).toEqual([10, false]);
  engine.runUntil(20);
  expect(called).toBe(true);
});

it('refuses a run within a run, and one to no time', () => {
  const engine = new Engine();
  engine.at(10, () => engine.runUntil(20), 'a nested run');
  expect(() => engine.runUntil(20)).toThrow('from within a run');
  expect(() => engine.runUntil(Infinity)).toThrow('not a whole number');
  expect(() => engine.runUntil(NaN)).toThrow('not a whole number');
});
