/** The timer wheel: what is measured of a real kernel (Linux 6.18, HZ=250) is what it gives. */

import { describe, expect, it } from 'vitest';
import { type Timers, timersOf } from '../../../sim/tcpip/timer-wheel.ts';
import { Seeded } from '../../support/seeded.ts';

/** HZ=250. */
const TICK_S = 0.004;

/** Returns the greatest lateness of a timer that is set `delayS` ahead (the kernel's timer lateness, as measured). */
function latenessS(delayS: number): number {
  if (delayS < 0.256) return 0.004;
  if (delayS < 2.048) return 0.032;
  if (delayS < 16.384) return 0.256;
  return 2.048;
}

/** The ticks at which a chain of timers fires, each set when the one before fires. */
function chain(wheel: Timers, startTick: number, delays: readonly number[]): number[] {
  const ticks: number[] = [];
  let tick = startTick;
  for (const delay of delays) {
    tick = wheel.expiry(tick, delay);
    ticks.push(tick);
  }
  return ticks;
}

/** A measured time: [t_min, t_max] in seconds. */
type Window = readonly [min: number, max: number];

function expectWithin(ticks: readonly number[], delays: readonly number[], windows: readonly Window[]): void {
  expect(ticks).toHaveLength(windows.length);
  windows.forEach(([min, max], i) => {
    const at = (ticks[i] ?? NaN) * TICK_S;
    expect(at, `timer ${i}`).toBeGreaterThanOrEqual(min - latenessS((delays[i] ?? NaN) * TICK_S));
    expect(at, `timer ${i}`).toBeLessThanOrEqual(max);
  });
}

describe('as measured', () => {
  it('K01: a first keepalive of 3 s comes after 751 ticks, and each that is set when it comes after exactly 3.072 s', () => {
    const delays = [750, 750, 750, 750];
    const ticks = chain(timersOf({ timers: 'wheel' }), 0, delays);
    expect(ticks).toEqual([751, 751 + 768, 751 + 2 * 768, 751 + 3 * 768]);
    expectWithin(ticks, delays, [
      [3.0156, 3.2177],
      [6.0876, 6.2937],
      [9.1636, 9.3657],
      [12.2315, 12.4337],
    ]);
  });

  it('K12c: SYNs and the end of a connect with 2 retries', () => {
    const delays = [250, 500, 1000];
    expectWithin(chain(timersOf({ timers: 'wheel' }), 0, delays), delays, [
      [1.0046, 1.0287],
      [3.0206, 3.0464],
      [7.055, 7.3],
    ]);
  });

  it('K12d: SYNs and the end of a connect with 6 retries', () => {
    const delays = [250, 500, 1000, 2000, 4000, 8000, 16_000];
    expectWithin(chain(timersOf({ timers: 'wheel' }), 0, delays), delays, [
      [1.0103, 1.0302], [3.0263, 3.0462], [7.1102, 7.2539], [15.2982, 15.4499], [31.4262, 31.5779], [63.9382, 64.5979],
      [129.475, 130.138],
    ]);
  });

  it('K06: tail loss probe, retransmissions and the end of data that is written at 1.1 s', () => {
    const delays = [51, 51, 102, 204, 408, 816, 1632];
    expectWithin(chain(timersOf({ timers: 'wheel' }), 275, delays), delays, [
      [1.3068, 1.3124],
      [1.5148, 1.5244],
      [1.9323, 1.9535],
      [2.7643, 2.7855],
      [4.4283, 4.4494],
      [7.8028, 7.9514],
      [14.455, 14.608],
    ]);
  });
});

/** The first delay of each level, and how long its slots are (kernel/time/timer.c, its table for HZ=250). */
const LEVELS: readonly (readonly [first: number, slot: number])[] = [
  [0, 1],
  [63, 8],
  [504, 64],
  [4032, 512],
  [32_256, 4096],
  [258_048, 32_768],
  [2_064_384, 262_144],
  [16_515_072, 2_097_152],
  [132_120_576, 16_777_216],
];

describe('the wheel', () => {
  it.each(LEVELS)('from %i ticks ahead has slots of %i', (first, slot) => {
    const delaysOfLevel = first === 0 ? [0, 62] : [first, first * 8 - 1];
    for (const delay of delaysOfLevel) {
      const wheel = timersOf({ timers: 'wheel' });
      const fires = wheel.expiry(0, delay);
      expect(fires).toBe(delay + 1);
      // Timers set in one slot fire at the same end of a slot. The next tick belongs to the next slot.
      expect(wheel.expiry(1, delay)).toBe(fires + slot);
      expect(wheel.expiry(slot, delay)).toBe(fires + slot);
      expect(wheel.expiry(slot + 1, delay)).toBe(fires + 2 * slot);
    }
  });

  it('has no level above the ninth', () => {
    const wheel = timersOf({ timers: 'wheel' });
    const delay = 63 * 8 ** 8;
    const fires = wheel.expiry(0, delay);
    expect(wheel.expiry(1, delay)).toBe(fires + 16_777_216);
  });

  it('is settled by the first timer of a level for that level and those below, and leaves the coarser ones open', () => {
    const wheel = timersOf({ timers: 'wheel' });
    expect(wheel.expiry(0, 1000)).toBe(1001);
    // 1001 is the end of a slot of 64, so of 8 too: 101 is not (900 before), 105 is.
    expect(wheel.expiry(0, 100)).toBe(105);
    // The next coarser level is late by what is settled, 64, and no more.
    expect(wheel.expiry(0, 5000)).toBe(1001 + 63 * 64);
    expect(wheel.expiry(0, 1000)).toBe(1001);
  });

  it('is never early, and never later than its slot', () => {
    const random = new Seeded(3);
    for (let round = 0; round < 200; round++) {
      const wheel = timersOf({ timers: 'wheel' });
      let now = random.below(2 ** 32) | 0;
      for (let i = 0; i < 50; i++) {
        const level = random.pick(LEVELS);
        const delay = level[0] + random.below(level[0] * 7 || 63);
        const late = (wheel.expiry(now, delay) - now - delay) | 0;
        expect(late).toBeGreaterThan(0);
        expect(late).toBeLessThanOrEqual(level[1]);
        now = (now + random.below(10_000)) | 0;
      }
    }
  });

  it('goes on over the wrap of its ticks as anywhere else', () => {
    const delays = [51, 250, 100, 500, 750, 1000, 4000, 62, 63, 8000, 16_000, 300_000];
    const here = chain(timersOf({ timers: 'wheel' }), 0, delays);
    for (const start of [0x7fff_ffff, 0x7fff_ffff - 300, 0x7fff_ffff - 20_000, -1, -400, -0x8000_0000]) {
      const there = chain(timersOf({ timers: 'wheel' }), start, delays);
      expect(there.map((tick) => (tick - start) | 0)).toEqual(here);
      for (const tick of there) expect(tick).toBe(tick | 0);
    }
  });
});

describe('stacks without a wheel', () => {
  it('tick: fires at the first tick that is not early, set at any time within a tick', () => {
    const wheel = timersOf({ timers: 'tick' });
    expect(wheel.expiry(10, 5)).toBe(16);
    expect(wheel.expiry(0x7fff_ffff, 1000)).toBe(-0x8000_0000 + 1000);
  });

  it('slow-tick: fires with the slow timer that makes the count full, and so a slow tick early at most', () => {
    const wheel = timersOf({ timers: 'slow-tick' });
    // 3 s of lwIP: 12 ticks of 250 ms, 6 calls of its slow timer. Set within tick 0 or 1, the first of them is at tick
    // 2.
    expect(wheel.expiry(0, 12)).toBe(12);
    expect(wheel.expiry(1, 12)).toBe(12);
    expect(wheel.expiry(2, 12)).toBe(14);
    expect(wheel.expiry(0, 11)).toBe(12);
    expect(wheel.expiry(0, 13)).toBe(14);
    expect(wheel.expiry(1, 0)).toBe(2);
    expect(chain(wheel, 1, [12, 24, 48])).toEqual([12, 36, 84]);
    expect(wheel.expiry(0x7fff_ffff, 12)).toBe(-0x8000_0000 + 10);
  });
});
