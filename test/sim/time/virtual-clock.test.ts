/** A device's clock in virtual time: its zero, its drift, its alarm. */

import { expect, it } from 'vitest';
import { Engine } from '../../../sim/time/engine.ts';
import { VirtualClock } from '../../../sim/time/virtual-clock.ts';
import { check } from '../../support/check.ts';
import { Seeded } from '../../support/seeded.ts';

it('begins at 0 when it is made, in ms with a fraction', () => {
  const engine = new Engine();
  engine.runUntil(5_000_000);
  const clock = new VirtualClock(engine, 'dev-1');
  expect(clock.now()).toBe(0);
  engine.runUntil(5_001_500);
  expect(clock.now()).toBe(1.5);
});

it('is 0.1 ms ahead after 1 s at +100 ppm, and behind at -100 ppm', () => {
  const engine = new Engine();
  const [fast, slow] = [new VirtualClock(engine, 'fast', 100), new VirtualClock(engine, 'slow', -100)];
  engine.runUntil(1_000_000);
  expect(fast.now()).toBeCloseTo(1000.1, 9);
  expect(slow.now()).toBeCloseTo(999.9, 9);
});

it('rings when it shows the time, not a microsecond before, once', () => {
  const engine = new Engine();
  const clock = new VirtualClock(engine, 'dev-1');
  let rings = 0;
  clock.setAlarm(20, () => (rings += 1));
  engine.runUntil(19_999);
  expect(rings).toBe(0);
  engine.runUntil(20_000);
  expect(rings).toBe(1);
  engine.runUntil(1e9);
  expect(rings).toBe(1);
});

it('rings sooner in true time where it is fast, later where it is slow', () => {
  const engine = new Engine();
  const rings: [string, number][] = [];
  for (const [name, driftPpm] of [['slow', -100], ['true', 0], ['fast', 100]] as const) {
    new VirtualClock(engine, name, driftPpm).setAlarm(1000, () => rings.push([name, engine.nowUs]));
  }
  engine.runUntil(2e6);
  // 1 s / 1.0001 and 1 s / 0.9999, each up to a whole microsecond.
  expect(rings).toEqual([['fast', 999_901], ['true', 1_000_000], ['slow', 1_000_101]]);
});

it('rings at the first microsecond at which it shows the time: any drift, any time', () => {
  const random = new Seeded(3);
  for (let turn = 0; turn < 20_000; turn++) {
    const engine = new ManualTimeline(random.below(2) * 2 ** random.below(49));
    const clock = new VirtualClock(
      engine,
      'dev-1',
      random.chance(4) ? 0 : (random.below(2_000_001) - 1_000_000) / 1000,
    );
    const atMs = random.chance(2) ? random.below(1e6) / 1000 : random.below(2 ** 31) * 2 ** random.below(8);
    clock.setAlarm(atMs, () => undefined);
    const dueUs = engine.setUs;
    engine.nowUs = dueUs;
    check(clock.now() >= atMs, `it shows ${atMs} at ${dueUs}`);
    engine.nowUs = dueUs - 1;
    check(dueUs === engine.startUs || clock.now() < atMs, `it does not show ${atMs} at ${dueUs - 1} yet`);
  }
});

it('never goes back', () => {
  for (const driftPpm of [-500, -0.1, 0, 0.1, 333]) {
    const engine = new ManualTimeline(0);
    const clock = new VirtualClock(engine, 'dev-1', driftPpm);
    for (const fromUs of [0, 1e9, 2 ** 40, 2 ** 52]) {
      let lastMs = -1;
      for (engine.nowUs = fromUs; engine.nowUs < fromUs + 2000; engine.nowUs++) {
        check(clock.now() >= lastMs, `at ${engine.nowUs} us, ${driftPpm} ppm`);
        lastMs = clock.now();
      }
    }
  }
});

it.each([0, -5, -Infinity, 3])('rings at once for a time that is not ahead (%f), but not from within', (atMs) => {
  const engine = new Engine();
  const clock = new VirtualClock(engine, 'dev-1');
  engine.runUntil(3000);
  let rings = 0;
  clock.setAlarm(atMs, () => (rings += 1));
  expect(rings).toBe(0);
  engine.runUntil(3000);
  expect(rings).toBe(1);
});

it('has one alarm: another replaces it, also from within its ring', () => {
  const engine = new Engine();
  const clock = new VirtualClock(engine, 'dev-1');
  const rings: [string, number][] = [];
  clock.setAlarm(10, () => rings.push(['first', clock.now()]));
  clock.setAlarm(20, () => {
    rings.push(['second', clock.now()]);
    clock.setAlarm(25, () => rings.push(['third', clock.now()]));
  });
  engine.runUntil(1e6);
  expect(rings).toEqual([['second', 20], ['third', 25]]);
});

it.each([Infinity, 1e15])('never rings at %f, and is not armed any more for what was before', (atMs) => {
  const engine = new Engine();
  const clock = new VirtualClock(engine, 'dev-1');
  let rings = 0;
  clock.setAlarm(10, () => (rings += 1));
  clock.setAlarm(atMs, () => (rings += 1));
  engine.runUntil(2 ** 53 - 1);
  expect(rings).toBe(0);
});

it('refuses what is not a number, and drifts of clocks that do not go', () => {
  const engine = new Engine();
  expect(() => new VirtualClock(engine, 'dev-1').setAlarm(NaN, () => undefined)).toThrow('not a number');
  for (const driftPpm of [NaN, -1e6, Infinity]) {
    expect(() => new VirtualClock(engine, 'dev-1', driftPpm)).toThrow('does not go');
  }
});

it('is silent when disarmed or released, and can be armed again', () => {
  const engine = new Engine();
  const clock = new VirtualClock(engine, 'dev-1');
  const rings: string[] = [];
  clock.clearAlarm();
  clock.release();
  clock.setAlarm(10, () => rings.push('disarmed'));
  clock.clearAlarm();
  engine.runUntil(20_000);
  clock.setAlarm(30, () => rings.push('released'));
  clock.release();
  clock.release();
  engine.runUntil(40_000);
  clock.setAlarm(50, () => rings.push('armed again'));
  engine.runUntil(60_000);
  expect(rings).toEqual(['armed again']);
});

it('is what a loop without end is named after', () => {
  const engine = new Engine();
  const clock = new VirtualClock(engine, 'dev-7');
  const again = (): void => clock.setAlarm(0, again);
  again();
  expect(() => engine.runUntil(1)).toThrow('by the clock of dev-7');
});

/** A time line whose time is set by hand, and which remembers what it was asked for. */
class ManualTimeline {
  nowUs: number;
  setUs = 0;
  readonly startUs: number;

  constructor(startUs: number) {
    this.nowUs = startUs;
    this.startUs = startUs;
  }

  open(): number {
    return 0;
  }

  close(): void {}

  set(_handle: number, atUs: number): void {
    this.setUs = atUs;
  }

  clear(): void {}
}
