/**
 * The time at which a stack's timer fires: late, or even early, by the resolution of its clock. Linux's timer wheel
 * (kernel/time/timer.c) has levels, which are coarser for timers that are set farther ahead; lwIP counts the calls of
 * its slow timer. Ticks are signed 32-bit integers that wrap, as jiffies and tcp_ticks do.
 */

import type { Profile } from './profile.ts';

/** LVL_CLK_SHIFT: a level's slots are 8 times as long as those of the level below. */
const LEVEL_SHIFT = 3;
/** LVL_START(1): 63 slots of a level can be used for sure; what is farther ahead goes one level up. */
const LEVEL_SLOTS = 63;
/** LVL_DEPTH - 1, with HZ above 100. */
const LEVEL_MAX = 8;

/** The rule for when a host's timers fire. */
export interface Timers {
  /** The tick at which a timer fires that is set, within tick `nowTick`, `delayTicks` (at least 0) ahead. */
  expiry(nowTick: number, delayTicks: number): number;
}

/** The timers of one host; those that know no phase are the same for all. */
export function timersOf({ timers }: Pick<Profile, 'timers'>): Timers {
  switch (timers) {
    case 'wheel':
      return new TimerWheel();
    case 'tick':
      return TICK;
    case 'slow-tick':
      return SLOW_TICK;
  }
}

export const TICK: Timers = {
  // The timer is set in the middle of a tick, which does not count.
  expiry: (nowTick, delayTicks) => (nowTick + delayTicks + 1) | 0,
};

export const SLOW_TICK: Timers = {
  // lwIP's tcp_slowtmr counts up to the timer's ticks, and the first comes whenever it comes: it is the fast timer's
  // every second.
  expiry: (nowTick, delayTicks) => ((nowTick & ~1) + Math.max((delayTicks + 1) & ~1, 2)) | 0,
};

class TimerWheel implements Timers {
  #phase = OPEN_PHASE;

  expiry(nowTick: number, delayTicks: number): number {
    this.#phase = settledPhase(this.#phase, nowTick, delayTicks);
    return wheelExpiry(this.#phase, nowTick, delayTicks);
  }
}

/**
 * Offset of a host's jiffies against the slots of its wheel. It depends on when the host was switched on, which nothing
 * in the simulation decides. So it stays open until timers need it, which keeps the first timer of a fresh host as
 * little late as possible: each timer that is coarser than all before settles as many low bits as it needs. Settled
 * bits do not change. One number holds both: the settled bits, and a 1 above them.
 */
export const OPEN_PHASE = 1;

/** Returns the phase of a wheel on which such a timer is set: settled, where the timer is the coarsest so far. */
export function settledPhase(phase: number, nowTick: number, delayTicks: number): number {
  const bits = slotBits(delayTicks);
  const settledBits = 31 - Math.clz32(phase);
  if (bits <= settledBits) return phase;
  const fires = slotEnd((nowTick + delayTicks) | 0, settledBits, phase);
  return (1 << bits) | (-fires & ((1 << bits) - 1));
}

/**
 * calc_wheel_index and calc_index: the end of the slot that the time is in, so that no timer is early. The phase is
 * settled for the timer.
 */
export function wheelExpiry(phase: number, nowTick: number, delayTicks: number): number {
  return slotEnd((nowTick + delayTicks) | 0, slotBits(delayTicks), phase);
}

/** The length of the slots that a timer so far ahead goes into, as a power of 2 in ticks. */
function slotBits(delayTicks: number): number {
  let bits = 0;
  let start = LEVEL_SLOTS;
  while (delayTicks >= start && bits < LEVEL_MAX * LEVEL_SHIFT) {
    bits += LEVEL_SHIFT;
    start <<= LEVEL_SHIFT;
  }
  return bits;
}

/** Returns the end of the slot that a tick is in. Bits of the phase above `bits` make no difference. */
function slotEnd(tick: number, bits: number, phase: number): number {
  return ((((((tick + phase) | 0) >> bits) + 1) << bits) - phase) | 0;
}
