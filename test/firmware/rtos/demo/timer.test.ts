/**
 * After FreeRTOS's TimerDemo: many timers before the start, at their rates, stopped, reset, one-shot, and from
 * interrupts.
 */

import { expect, test } from 'vitest';
import { SoftwareTimer } from '../../../../firmware/rtos/index.ts';
import { device } from '../../../support/manual-clock.ts';

const QUEUE_LENGTH = 10;
const BASE = 50;

test('round after round', () => {
  const { clock, os } = device({ timerQueueLength: QUEUE_LENGTH });
  const counts = new Array<number>(QUEUE_LENGTH + 1).fill(0);
  const timers = counts.map((_, n) => new SoftwareTimer(os, {
    name: `auto ${n}`, period: (n + 1) * BASE, autoReload: true, callback: () => { counts[n] = (counts[n] ?? 0) + 1; },
  }));
  // Before the scheduler starts the queue takes as many commands as it is long.
  expect(timers.map((timer) => timer.startFromIsr())).toEqual([...new Array<boolean>(QUEUE_LENGTH).fill(true), false]);
  const started = timers.slice(0, QUEUE_LENGTH);
  let oneShots = 0;
  const oneShot = new SoftwareTimer(os, {
    name: 'one-shot',
    period: 3 * BASE,
    autoReload: false,
    callback: () => oneShots++,
  });
  oneShot.autoReload = true;
  oneShot.autoReload = false;
  let loops = 0;

  os.createTask(function* () {
    expect(timers.map((timer) => timer.isActive)).toEqual([...new Array<boolean>(QUEUE_LENGTH).fill(true), false]);
    for (;;) {
      // At their rates.
      counts.fill(0);
      yield* os.delay(QUEUE_LENGTH * BASE);
      expect(counts).toEqual([...started.map((timer) => Math.floor((QUEUE_LENGTH * BASE) / timer.period)), 0]);

      // Stopped.
      for (const timer of started) {
        expect(timer.isActive).toBe(true);
        expect(yield* timer.stop(0)).toBe(true);
        yield* os.yield();
        expect(timer.isActive).toBe(false);
      }
      counts.fill(0);
      yield* os.delay(QUEUE_LENGTH * BASE);
      expect(counts).toEqual(counts.map(() => 0));

      // A one-shot timer.
      expect([oneShot.isActive, oneShots]).toEqual([false, 0]);
      yield* oneShot.start(0);
      yield* os.yield();
      expect(oneShot.isActive).toBe(true);
      yield* os.delay(9 * BASE);
      expect([oneShot.isActive, oneShots]).toEqual([false, 1]);
      oneShots = 0;

      // Reset again and again, neither comes to its end; left alone, both do.
      const last = timers[QUEUE_LENGTH - 1];
      if (last === undefined) throw new Error('no last timer');
      yield* oneShot.start(0);
      yield* last.start(0);
      for (let n = 0; n < 10; n++) {
        yield* os.delay(oneShot.period / 2);
        expect([oneShot.isActive, oneShots, last.isActive, counts[QUEUE_LENGTH - 1]]).toEqual([true, 0, true, 0]);
        yield* oneShot.reset(0);
        yield* last.reset(0);
      }
      yield* os.delay(last.period);
      expect([oneShot.isActive, oneShots, last.isActive, counts[QUEUE_LENGTH - 1]]).toEqual([false, 1, true, 1]);
      yield* last.stop(0);
      oneShots = 0;
      yield* os.delay(1);
      for (const timer of started) {
        yield* timer.start(0);
        yield* os.yield();
      }
      loops++;
    }
  }, 'tester', 1);
  os.start();
  clock.advance(60_000);
  expect(loops).toBeGreaterThan(15);
});

test('started, stopped, reset and changed from interrupts', () => {
  const { clock, os } = device();
  const ticks: number[] = [];
  const auto = new SoftwareTimer(os, {
    name: 'auto',
    period: 0xffff,
    autoReload: true,
    callback: () => ticks.push(os.getTickCount()),
  });
  let oneShots = 0;
  const once = new SoftwareTimer(os, { name: 'once', period: 20, autoReload: false, callback: () => oneShots++ });
  os.start();
  expect([auto.startFromIsr(), auto.changePeriodFromIsr(20), once.startFromIsr()]).toEqual([true, true, true]);
  clock.advance(39.9);
  expect([ticks, oneShots, once.isActive]).toEqual([[20], 1, false]);
  clock.advance(0.1);
  expect(ticks).toEqual([20, 40]);
  auto.resetFromIsr();
  once.resetFromIsr();
  clock.advance(10);
  auto.resetFromIsr();
  once.stopFromIsr();
  clock.advance(15);
  expect([ticks, oneShots]).toEqual([[20, 40], 1]);
  clock.advance(5);
  expect(ticks).toEqual([20, 40, 70]);
  auto.stopFromIsr();
  clock.advance(1000);
  expect([ticks.length, oneShots]).toEqual([3, 1]);
});
