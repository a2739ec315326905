/** Virtual time in step with real time, which here is virtual too. */

import { expect, it } from 'vitest';
import { Engine } from '../../../sim/time/engine.ts';
import { runPaced, type PacingOptions } from '../../../sim/time/pacing.ts';

/** Real time that passes when somebody sleeps, or when work is said to take some. */
function rig(speed: number, more: Partial<PacingOptions> = {}) {
  const engine = new Engine();
  let realMs = 1e6;
  const sleeps: number[] = [];
  const lags: number[] = [];
  return {
    engine,
    sleeps,
    lags,
    elapsedMs: () => realMs - 1e6,
    work: (ms: number) => (realMs += ms),
    run: (endUs: number) =>
      runPaced(engine, endUs, {
        speed,
        now: () => realMs,
        sleep: (ms) => {
          sleeps.push(ms);
          realMs += ms;
          return Promise.resolve();
        },
        onProgress: (lagMs) => lags.push(lagMs),
        ...more,
      }),
  };
}

it.each([
  [1, 1000],
  [10, 100],
  [0.5, 2000],
])('at a speed of %f takes %f ms for a second', async (speed, ms) => {
  const { engine, run, elapsedMs, lags } = rig(speed);
  expect(await run(1e6)).toBe(false);
  expect(engine.nowUs).toBe(1e6);
  expect(elapsedMs()).toBe(ms);
  expect(Math.max(...lags)).toBe(0);
});

it('does what is due when its real time has come: never before, and a slice of 20 ms after at most', async () => {
  const { engine, run, elapsedMs } = rig(2);
  const lateMs: number[] = [];
  for (let atUs = 0; atUs < 1e6; atUs += 3333) engine.at(atUs, () => lateMs.push(elapsedMs() - atUs / 2000), 'a call');
  await run(1e6);
  expect(lateMs).toHaveLength(301);
  expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...lateMs)).toBeLessThanOrEqual(20);
});

it('begins at the time that it is', async () => {
  const { engine, run, elapsedMs } = rig(1);
  engine.runUntil(3e6);
  await run(4e6);
  expect(elapsedMs()).toBe(1000);
  // Events in the past take no time.
  expect(await run(1e6)).toBe(false);
  expect([engine.nowUs, elapsedMs()]).toEqual([4e6, 1000]);
});

it('says by how much it lags, does not sleep meanwhile, and catches up', async () => {
  const { engine, run, work, sleeps, lags, elapsedMs } = rig(1);
  // 5000 events within 100 ms, of 0.1 ms of work each: 500 ms.
  for (let i = 0; i < 5000; i++) engine.at(100_000 + i * 20, () => work(0.1), 'a busy one');
  await run(1e6);
  const worst = Math.max(...lags);
  expect(worst).toBeGreaterThan(300);
  expect(worst).toBeLessThan(420);
  expect(lags.at(-1)).toBe(0);
  expect(sleeps.filter((ms) => ms === 0).length).toBeGreaterThan(2);
  // Sleeps are whole milliseconds.
  expect(elapsedMs()).toBeGreaterThanOrEqual(1000);
  expect(elapsedMs()).toBeLessThan(1001);
});

it('as fast as it goes takes only the time of the work, and lets the host breathe every few tens of ms', async () => {
  const { engine, run, work, sleeps, lags, elapsedMs } = rig(Infinity);
  for (let i = 0; i < 100_000; i++) engine.at(i * 1e6, () => work(0.01), 'some work');
  expect(await run(1e12)).toBe(false);
  expect(engine.nowUs).toBe(1e12);
  expect(elapsedMs()).toBeCloseTo(1000, 3);
  expect(sleeps.every((ms) => ms === 0)).toBe(true);
  expect(sleeps.length).toBeGreaterThanOrEqual(1000 / 40);
  expect(sleeps.length).toBeLessThanOrEqual(1000 / 20);
  expect(new Set(lags)).toEqual(new Set([0]));
});

it('ends when it is stopped from within', async () => {
  const { engine, run, elapsedMs } = rig(1);
  engine.at(500_000, () => engine.stop(), 'a stop');
  expect(await run(1e6)).toBe(true);
  expect(engine.nowUs).toBe(500_000);
  expect(elapsedMs()).toBe(500);
});

it('ends when the signal says so, in the middle of work and while it sleeps', async () => {
  const signal = { aborted: false };
  const { engine, run, work } = rig(Infinity, { signal });
  for (let i = 0; i < 100_000; i++) engine.at(i, () => work(0.01), 'some work');
  engine.at(50_000, () => (signal.aborted = true), 'an abort');
  expect(await run(1e6)).toBe(true);
  expect(engine.nowUs).toBeGreaterThanOrEqual(50_000);
  // The run ends with the slice that had begun.
  expect(engine.nowUs).toBeLessThan(53_000);
  expect(await run(1e6)).toBe(true);
  expect(engine.nowUs).toBeLessThan(53_000);
});

it('passes on what is thrown, and refuses speeds that are none', async () => {
  const { engine, run } = rig(1);
  engine.at(10, () => {
    throw new Error('broken');
  }, 'a broken one');
  await expect(run(1e6)).rejects.toThrow('broken');
  for (const speed of [0, -1, NaN]) await expect(rig(speed).run(1)).rejects.toThrow('a speed of');
});
