/** Device time in step with real time, which here is virtual too. */

import { expect, it } from 'vitest';
import { Engine } from '../../../sim/time/engine.ts';
import { RealTime } from '../../../sim/time/real-time.ts';

/** A real clock that jumps to the next alarm, or to something that happens outside before it. */
class Outside {
  readonly engine = new Engine();
  nowMs = 1e6;
  turns = 0;
  #alarm: { readonly atMs: number; readonly isr: () => void } | undefined = undefined;
  readonly #happenings: { readonly atMs: number; readonly happen: () => void }[] = [];
  readonly time = new RealTime(
    this.engine,
    {
      now: () => this.nowMs,
      setAlarm: (atMs, isr) => (this.#alarm = { atMs, isr }),
      clearAlarm: () => (this.#alarm = undefined),
    },
    () => this.turns++,
  );

  /** At a real time in ms after the beginning. */
  at(ms: number, happen: () => void): void {
    this.#happenings.push({ atMs: 1e6 + ms, happen });
  }

  async run(endMs: number, condition?: () => boolean): Promise<boolean> {
    const run = this.time.run(endMs * 1000, condition);
    for (let alarm = this.#alarm; alarm !== undefined; alarm = this.#alarm) {
      const next = this.#happenings[0];
      if (next !== undefined && next.atMs <= alarm.atMs) {
        this.#happenings.shift();
        this.nowMs = Math.max(this.nowMs, next.atMs);
        next.happen();
        continue;
      }
      this.#alarm = undefined;
      this.nowMs = Math.max(this.nowMs, alarm.atMs);
      alarm.isr();
      await Promise.resolve();
    }
    return run;
  }

  get elapsedMs(): number {
    return this.nowMs - 1e6;
  }
}

it('does what is due when its real time has come, and wakes for it', async () => {
  const outside = new Outside();
  const lateMs: number[] = [];
  for (let atUs = 500; atUs < 1e6; atUs += 3333) {
    outside.engine.at(atUs, () => lateMs.push(outside.elapsedMs - atUs / 1000), 'a call');
  }
  expect(await outside.run(1000)).toBe(false);
  expect(outside.elapsedMs).toBe(1000);
  expect(lateMs).toHaveLength(300);
  expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(-0.001);
  expect(Math.max(...lateMs)).toBeLessThan(0.002);
  expect(outside.time.stoodStillMs).toBe(0);
});

it('brings the time up to now for what arrives', async () => {
  const outside = new Outside();
  const seenUs: number[] = [];
  outside.at(3.25, () => outside.time.arrived(() => seenUs.push(outside.engine.nowUs)));
  await outside.run(20);
  expect(seenUs).toEqual([3250]);
});

it('lets device time go on by 20 ms at most where the process was away, and catch up at twice the speed', async () => {
  const outside = new Outside();
  const firedUs: number[] = [];
  for (const atUs of [110_000, 130_000, 400_000]) {
    outside.engine.at(atUs, () => firedUs.push(outside.engine.nowUs), 'a call');
  }
  // Away from 100 ms to 500 ms; then an arrival is read before anything else.
  outside.at(100, () => (outside.nowMs += 400));
  let arrivedUs = 0;
  outside.at(100.5, () => outside.time.arrived(() => (arrivedUs = outside.engine.nowUs)));
  await outside.run(1000);
  // When it went away, device time had last been brought up to 90 ms.
  expect(arrivedUs).toBe(110_000);
  expect(firedUs).toEqual([110_000, 130_000, 400_000]);
  expect(outside.time.lagMsMax).toBeCloseTo(390, 0);
  expect(outside.time.stoodStillMs).toBe(0);
  expect(outside.elapsedMs).toBeCloseTo(1000, 6);
});

it('lets what is far behind be behind, as after a night of the whole machine', async () => {
  const outside = new Outside();
  outside.at(100, () => (outside.nowMs += 3_600_000));
  await outside.run(10_000);
  expect(outside.time.stoodStillMs).toBeCloseTo(3_600_000 - 1000, -2);
  expect(outside.elapsedMs).toBeCloseTo(10_000 + outside.time.stoodStillMs, 3);
});

it('ends when a condition holds, and when it is stopped', async () => {
  const outside = new Outside();
  let isSo = false;
  outside.engine.at(5000, () => (isSo = true), 'a call');
  expect(await outside.run(100, () => isSo)).toBe(false);
  expect(outside.engine.nowUs).toBe(5000);
  outside.at(20, () => outside.time.stop());
  expect(await outside.run(100)).toBe(true);
  expect(outside.engine.nowUs).toBeLessThan(25_000);
});

it('rejects with what the run throws, and can go on', async () => {
  const outside = new Outside();
  outside.engine.at(5000, () => { throw new Error('on purpose'); }, 'a call');
  await expect(outside.run(100)).rejects.toThrow('on purpose');
  expect(await outside.run(10)).toBe(false);
});

it('tells how late it woke', async () => {
  const outside = new Outside();
  for (let ms = 1; ms <= 100; ms++) {
    outside.engine.at(ms * 1000, () => {}, 'a call');
    // Each alarm is heard half a millisecond late.
    outside.at(ms - 0.01, () => (outside.nowMs += 0.51));
  }
  await outside.run(200);
  const { lateness } = outside.time;
  expect(lateness.count).toBeGreaterThanOrEqual(100);
  expect(lateness.worstMs).toBeCloseTo(0.5, 1);
});
