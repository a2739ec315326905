/**
 * Idle timers fire as Netty's IdleStateHandler does: after the period, and again each period, until something happens.
 */

import { describe, expect, it } from 'vitest';
import { type IdlePeriods, IdleTimers } from '../../../firmware/tasks/idle-timers.ts';

/** Returns the timers that fire until `endMs`, if the connection is read and written at these times. */
function fired(
  periods: Partial<IdlePeriods>, endMs: number, reads: readonly number[] = [], writes: readonly number[] = [],
): string[] {
  const timers = new IdleTimers({ readerIdleMs: 0, writerIdleMs: 0, allIdleMs: 0, ...periods });
  timers.start(0);
  const log: string[] = [];
  for (let nowMs = 0; nowMs <= endMs; nowMs++) {
    if (reads.includes(nowMs)) timers.read(nowMs);
    if (writes.includes(nowMs)) timers.wrote(nowMs);
    const isDue = timers.nextMs() <= nowMs;
    const kinds: string[] = [];
    for (let idle = timers.take(nowMs); idle !== undefined; idle = timers.take(nowMs)) kinds.push(`${nowMs} ${idle}`);
    expect(isDue).toBe(kinds.length > 0);
    log.push(...kinds);
  }
  return log;
}

describe('each', () => {
  it('is off with 0', () => {
    expect(fired({}, 1000)).toEqual([]);
    expect(new IdleTimers({ readerIdleMs: 0, writerIdleMs: 0, allIdleMs: 0 }).nextMs()).toBe(Infinity);
  });

  it('fires when its period is over, not before, and again after each period', () => {
    expect(fired({ readerIdleMs: 30 }, 100)).toEqual(['30 reader', '60 reader', '90 reader']);
    expect(fired({ writerIdleMs: 40 }, 100)).toEqual(['40 writer', '80 writer']);
    expect(fired({ allIdleMs: 50 }, 100)).toEqual(['50 all', '100 all']);
  });

  it('counts from its own kind of activity only', () => {
    expect(fired({ readerIdleMs: 30 }, 80, [20], [25, 45])).toEqual(['50 reader', '80 reader']);
    expect(fired({ writerIdleMs: 30 }, 80, [25, 45], [20])).toEqual(['50 writer', '80 writer']);
    expect(fired({ allIdleMs: 30 }, 90, [20], [25])).toEqual(['55 all', '85 all']);
  });

  it('counts from when it fired, or from activity after that', () => {
    expect(fired({ readerIdleMs: 30 }, 100, [31])).toEqual(['30 reader', '61 reader', '91 reader']);
    expect(fired({ readerIdleMs: 30 }, 100, [50])).toEqual(['30 reader', '80 reader']);
  });
});

it('the three timers are independent', () => {
  expect(fired({ readerIdleMs: 40, writerIdleMs: 20, allIdleMs: 30 }, 60, [10], [15])).toEqual([
    '35 writer', '45 all', '50 reader', '55 writer',
  ]);
});
