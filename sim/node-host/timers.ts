/**
 * Every timer of a program, made in any way: `setTimeout`, `timers/promises`, `socket.setTimeout`, the
 * intervals of http. Node arms each of them by setting its `_idleStart`; the setter here takes it out of Node's lists
 * and into the process's.
 */

import { AsyncResource } from 'node:async_hooks';
import { asNobody, enter, isInCallback, owner } from './owner.ts';
import type { SimulatedProcess } from './process.ts';

/** node::Timeout, lib/internal/timers.js. */
export interface NodeTimer {
  _idleTimeout: number;
  _idleStart: number | null;
  _idleNext: NodeTimer | null;
  _idlePrev: NodeTimer | null;
  _onTimeout: ((...args: unknown[]) => void) | null | undefined;
  _timerArgs: unknown[] | undefined;
  _repeat: number | null;
  _destroyed: boolean;
  hasRef(): boolean;
  refresh(): unknown;
  [OWN]?: Armed;
}

/** The state of a program's timer. */
interface Armed {
  process: SimulatedProcess;
  startMs: number;
  dueMs: number;
  /** Counts how often it was armed: of timers due at one time the first armed is the first. */
  order: number;
  /** The place in the heap that is its own; others of it are stale. */
  queuedMs: number;
}

interface Entry {
  readonly timer: NodeTimer;
  readonly dueMs: number;
  readonly order: number;
}

const OWN = Symbol('cablepull timer');
const START = Symbol('cablepull start');
/** Below so many entries the heap is not looked through for timers that were cleared. */
const SWEEP_MIN = 1024;

/**
 * The timer of undici, with which it keeps all timeouts of more than a second. The timer belongs to the process that
 * has fetched last.
 */
let fetchTimer: NodeTimer | undefined;

/** Somebody fetches: where the timer's process has gone, it is his from now on. */
export function reviveFetchTimers(): void {
  if (fetchTimer?.[OWN]?.process.isOver === true) fetchTimer.refresh();
}

/** The timers of one process, by when they are due. */
export class ProgramTimers {
  readonly #process: SimulatedProcess;
  readonly #heap: Entry[] = [];
  /** Node has just armed them, and will link them into its lists. */
  readonly #fresh: NodeTimer[] = [];
  #orders = 0;
  #sweepAt = SWEEP_MIN;
  #alarmMs = Infinity;

  constructor(process: SimulatedProcess) {
    this.#process = process;
  }

  /** Node arms a timer. */
  arm(timer: NodeTimer): void {
    const startMs = Math.floor(this.#process.nowMs());
    const dueMs = startMs + Math.trunc(timer._idleTimeout);
    timer[OWN] = {
      process: this.#process,
      startMs,
      dueMs,
      order: ++this.#orders,
      queuedMs: timer[OWN]?.process === this.#process ? timer[OWN].queuedMs : Infinity,
    };
    this.#fresh.push(timer);
    // Otherwise `afterCallback` does so. Node's loop must not come to the timer before.
    if (!isInCallback()) asNobody(() => queueMicrotask(() => this.unlink()));
    this.#queue(timer, timer[OWN]);
    // undici, lib/util/timers.js.
    if (timer._idleTimeout < 1000 && timer._onTimeout?.name === 'onTick') fetchTimer = timer;
  }

  #queue(timer: NodeTimer, armed: Armed): void {
    if (armed.queuedMs <= armed.dueMs) return;
    armed.queuedMs = armed.dueMs;
    if (this.#heap.length > this.#sweepAt) this.#sweep();
    push(this.#heap, { timer, dueMs: armed.dueMs, order: armed.order });
    this.#appoint();
  }

  /**
   * Takes out of Node's lists what Node has linked there since: clearTimeout does its book-keeping, and what it
   * empties is put back.
   */
  unlink(): void {
    for (let timer = this.#fresh.pop(); timer !== undefined; timer = this.#fresh.pop()) {
      if (timer._destroyed || !timer._onTimeout) continue;
      const { _onTimeout, _idleTimeout, _timerArgs } = timer;
      keepContext(timer);
      clearTimeout(asTimeout(timer));
      timer._onTimeout = _onTimeout;
      timer._idleTimeout = _idleTimeout;
      timer._timerArgs = _timerArgs;
    }
  }

  /** Calls the callbacks that are due. If a callback throws, the rest waits for the next alarm. */
  ring(): void {
    this.#alarmMs = Infinity;
    const nowMs = Math.floor(this.#process.nowMs());
    try {
      for (
        let first = this.#heap[0];
        first !== undefined && first.dueMs <= nowMs && !this.#process.isOver;
        first = this.#heap[0]
      ) {
        pop(this.#heap);
        this.#take(first);
      }
    } finally {
      this.#appoint();
    }
  }

  #take({ timer, dueMs, order }: Entry): void {
    const armed = timer[OWN];
    if (armed === undefined || armed.process !== this.#process || armed.queuedMs !== dueMs) return;
    if (!timer._onTimeout) {
      armed.queuedMs = Infinity;
      return;
    }
    if (armed.dueMs > dueMs || armed.order !== order) {
      // The timer was armed again since.
      armed.queuedMs = Infinity;
      this.#queue(timer, armed);
      return;
    }
    armed.queuedMs = Infinity;
    enter(this.#process, () => fire(timer));
  }

  /** Number of armed timers. */
  get armedCount(): number {
    return this.#heap.filter(isArmed).length;
  }

  /** True if an armed timer keeps the process alive, as timers do that were not unref'd. */
  get isHolding(): boolean {
    return this.#heap.some((entry) => isArmed(entry) && entry.timer.hasRef());
  }

  #appoint(): void {
    const next = this.#heap[0];
    if (next === undefined || next.dueMs >= this.#alarmMs) return;
    this.#alarmMs = next.dueMs;
    this.#process.appoint(next.dueMs);
  }

  /** Time at which the next timer is due. */
  get nextMs(): number {
    return this.#heap[0]?.dueMs ?? Infinity;
  }

  /**
   * Timers that were cleared leave only when they would have been due: long ones of many connections would pile up.
   */
  #sweep(): void {
    const left = this.#heap.filter(isArmed);
    for (const { timer, dueMs } of this.#heap) {
      // One that was cleared may be armed again: from Node 24 on a socket keeps its timer for that.
      if (timer[OWN]?.queuedMs === dueMs && !timer._onTimeout) timer[OWN].queuedMs = Infinity;
    }
    this.#heap.length = 0;
    for (const entry of left) push(this.#heap, entry);
    this.#sweepAt = Math.max(SWEEP_MIN, 2 * left.length);
  }
}

/** Returns whether the entry's timer is still to ring: it was not cleared. */
function isArmed({ timer, dueMs }: Entry): boolean {
  return timer[OWN]?.queuedMs === dueMs && !!timer._onTimeout;
}

/** lib/internal/timers.js, listOnTimeout. */
function fire(timer: NodeTimer): void {
  const { _onTimeout: callback, _timerArgs: args } = timer;
  const armed = timer[OWN];
  if (!callback || armed === undefined) return;
  const { order } = armed;
  try {
    inItsContext(timer, () => {
      if (args === undefined) callback.call(timer);
      else callback.apply(timer, args);
    });
  } finally {
    if (timer._repeat && timer._onTimeout && timer._idleTimeout !== -1 && timer[OWN]?.order === order) {
      timer._idleTimeout = timer._repeat;
      timer._idleStart = 0;
    }
  }
}

// ---- async context: what an AsyncResource has under symbols of its own, a timer has under others ----

const sample = new AsyncResource('CABLEPULL');
const sampleTimer = setTimeout(() => undefined, 1);
clearTimeout(sampleTimer);

const COPIES: readonly (readonly [symbol, symbol])[] = [
  /^(?!.*trigger).*async_?id/i,
  /trigger/i,
  /context_?frame/i,
].flatMap((description) => {
  const of = (thing: object): symbol | undefined =>
    Object.getOwnPropertySymbols(thing).find((symbol) => description.test(symbol.description ?? ''));
  const from = of(sampleTimer);
  const to = of(sample);
  return from === undefined || to === undefined ? [] : [[from, to] as const];
});

/** Keeps the timer's async context: from Node 24 on, clearTimeout drops the stores. */
function keepContext(timer: NodeTimer): void {
  for (const [from, to] of COPIES) Reflect.set(timer, to, Reflect.get(timer, from));
}

/** Runs a timer's callback as Node would: with the stores of AsyncLocalStorage, and the ids, of who armed it. */
function inItsContext(timer: NodeTimer, callback: () => void): void {
  // One that Node had taken out of its lists itself, before it was armed again.
  if (COPIES.some(([, to]) => !Reflect.has(timer, to))) keepContext(timer);
  if (COPIES.some(([from]) => !Reflect.has(timer, from))) return callback();
  AsyncResource.prototype.runInAsyncScope.call(timer, callback);
}

// ---- the hook ----

const prototype: object = Object.getPrototypeOf(sampleTimer);

/** Catches every timer that a program arms, from now on until what this gives is called. */
export function hookTimers(): () => void {
  Object.defineProperty(prototype, '_idleStart', {
    configurable: true,
    get(this: NodeTimer & { [START]?: number | null }) {
      return this[START];
    },
    set(this: NodeTimer & { [START]?: number | null }, start: number | null) {
      const process = start === null ? undefined : owner();
      if (process === undefined) {
        // Of nobody's: its own from now on, as without the hook.
        if (start !== null && this[OWN] === undefined)
          Object.defineProperty(this, '_idleStart', {
            value: start,
            writable: true,
            enumerable: true,
            configurable: true,
          });
        else this[START] = start;
        return;
      }
      this[START] = start;
      process.timers.arm(this);
    },
  });
  return () => void Reflect.deleteProperty(prototype, '_idleStart');
}

function asTimeout(timer: NodeTimer): NodeJS.Timeout {
  return Object.assign(timer) as unknown as NodeJS.Timeout;
}

// ---- a heap ----

function isBefore(one: Entry, other: Entry): boolean {
  return one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.order < other.order);
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || !isBefore(entry, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    let child = heap[below];
    const right = heap[below + 1];
    if (child !== undefined && right !== undefined && isBefore(right, child)) {
      child = right;
      below++;
    }
    if (child === undefined || !isBefore(child, last)) break;
    heap[at] = child;
    at = below;
  }
  heap[at] = last;
}
