/**
 * The clock of a device on this machine. A process may hold thousands of devices, so the alarms of all
 * clocks wait in one heap, and one timer of the process waits for the earliest.
 */

import { performance } from 'node:perf_hooks';
import type { Clock } from '../clock.ts';

/** The longest delay that setTimeout takes, 2^31 - 1 ms; a longer one would fire at once. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

const NOT_WAITING = -1;
/** No place in the heap. */
const NONE = -1;

/** Each place in the heap has so many below it. */
const BRANCHES = 4;

/** A heap, the earliest first; each alarm knows its place in it. */
const waiting: NodeClock[] = [];
/**
 * When the alarm at each place is due, on the process's clock; Infinity where there is none. Apart from the clocks,
 * because these lie all over the memory: of thousands none is in the processor's cache.
 */
let dueMs = new Float64Array(64).fill(Infinity);
/** Alarms that have come due and are being rung, the earliest first; the first `rungCount` were. */
const ringing: NodeClock[] = [];
let rungCount = 0;

let timer: NodeJS.Timeout | undefined;
/** Time at which the timer fires, on the process's clock; Infinity without a timer, -Infinity while alarms ring. */
let timerDueMs = Infinity;
let immediate: NodeJS.Immediate | undefined;

/** A device's clock; it is switched on now. An armed alarm keeps the process alive. */
export function nodeClock(): Clock {
  return new NodeClock();
}

/** A clock and its alarm. A class, as a device has several: no closures for each. */
class NodeClock implements Clock {
  /** Time at which the device was switched on, on the process's clock. */
  readonly originMs = performance.now();
  /** On the device's clock, as the firmware gave it. */
  atMs = 0;
  /** Handler of the alarm; undefined if the alarm is not armed. */
  isr: (() => void) | undefined = undefined;
  /** The place in the heap; NOT_WAITING when the alarm is not armed, or is being rung. */
  index = NOT_WAITING;

  now(): number {
    return performance.now() - this.originMs;
  }

  setAlarm(atMs: number, isr: () => void): void {
    if (Number.isNaN(atMs)) throw new Error('setAlarm: the time is not a number');
    this.atMs = atMs;
    this.isr = isr;
    place(this, this.index === NOT_WAITING ? waiting.length : this.index, this.originMs + atMs);
    if (this.index === 0 && dueAt(0) < timerDueMs) wait();
  }

  clearAlarm(): void {
    this.isr = undefined;
    if (this.index !== NOT_WAITING) remove(this);
    if (waiting.length === 0 && ringing.length === 0) stopWaiting();
  }
}

/** Makes the process wake up for the earliest alarm. */
function wait(): void {
  const delayMs = ringing.length > 0 ? 0 : dueAt(0) - performance.now();
  if (delayMs === Infinity) return;
  if (delayMs <= 0) {
    immediate ??= setImmediate(ring);
    return;
  }
  if (timer !== undefined) clearTimeout(timer);
  // A delay of less than 1 ms is taken as 1; a fraction would be cut off, and the timer fire early.
  const wholeMs = Math.min(Math.ceil(delayMs), TIMEOUT_MAX_MS);
  timer = setTimeout(ring, wholeMs);
  timerDueMs = performance.now() + wholeMs;
}

/** With no alarm armed, nothing keeps the process alive. */
function stopWaiting(): void {
  if (timer !== undefined) clearTimeout(timer);
  if (immediate !== undefined) clearImmediate(immediate);
  timer = undefined;
  immediate = undefined;
  timerDueMs = Infinity;
}

/**
 * Rings what is due. Node's timers count whole milliseconds from a time that is cut to one, and so may
 * fire up to 1 ms early: each alarm is held against its own device's clock, and may have to wait again.
 */
function ring(): void {
  stopWaiting();
  timerDueMs = -Infinity;
  const nowMs = performance.now();
  for (let first = waiting[0]; first !== undefined && nowMs - first.originMs >= first.atMs; first = waiting[0]) {
    remove(first);
    ringing.push(first);
  }
  // An alarm that is armed again while the others ring goes back to the heap, so this ends. An exception
  // in one device must not silence the others: what is left rings next time round.
  try {
    for (let alarm = ringing[rungCount]; alarm !== undefined; alarm = ringing[rungCount]) {
      rungCount += 1;
      if (alarm.index !== NOT_WAITING) continue;
      const isr = alarm.isr;
      alarm.isr = undefined;
      isr?.();
    }
  } finally {
    if (rungCount === ringing.length) {
      ringing.length = 0;
      rungCount = 0;
    }
    timerDueMs = Infinity;
    wait();
  }
}

function remove(alarm: NodeClock): void {
  const { index } = alarm;
  const last = waiting.pop();
  const lastDueMs = dueAt(waiting.length);
  dueMs[waiting.length] = Infinity;
  if (last !== undefined && last !== alarm) place(last, index, lastDueMs);
  alarm.index = NOT_WAITING;
}

/** Puts an alarm that is due at `atMs` at a place that is free, or where it belongs from there, up or down. */
function place(alarm: NodeClock, free: number, atMs: number): void {
  let index = free;
  for (let above = Math.floor((index - 1) / BRANCHES); index > 0 && dueAt(above) > atMs; above = Math.floor((index - 1) / BRANCHES)) {
    move(above, index);
    index = above;
  }
  for (let below = earliestBelow(index); below !== NONE && dueAt(below) < atMs; below = earliestBelow(index)) {
    move(below, index);
    index = below;
  }
  put(alarm, index, atMs);
}

function earliestBelow(index: number): number {
  const first = BRANCHES * index + 1;
  // Not beyond the end: what an array does not have makes each number that is read from it an object.
  const end = Math.min(first + BRANCHES, waiting.length);
  if (first >= end) return NONE;
  let earliest = first;
  for (let i = first + 1; i < end; i++) if (dueAt(i) < dueAt(earliest)) earliest = i;
  return earliest;
}

function move(from: number, to: number): void {
  const alarm = waiting[from];
  if (alarm !== undefined) put(alarm, to, dueAt(from));
}

function put(alarm: NodeClock, index: number, atMs: number): void {
  if (index === dueMs.length) {
    const roomier = new Float64Array(2 * index).fill(Infinity);
    roomier.set(dueMs);
    dueMs = roomier;
  }
  waiting[index] = alarm;
  dueMs[index] = atMs;
  alarm.index = index;
}

function dueAt(index: number): number {
  return dueMs[index] ?? Infinity;
}
