/**
 * Virtual time in step with real time, for a world that is joined to a real one: woken by what is due, and by what
 * arrives. Real time comes in as an argument, so that a test can give it any.
 */

import type { Clock } from '../../hal/clock.ts';
import type { Engine } from './engine.ts';
import { Lateness } from './lateness.ts';

/** Longest sleep: short enough for those who want to end the run, long enough to cost nothing. */
const SLEEP_MS_MAX = 10;

/**
 * Longest leap of device time. If the process was away for longer, device time lags, and catches up at twice the speed
 * of real time. Otherwise every timer of every device would expire before the packets that arrived meanwhile are read,
 * and all devices would retransmit what was never lost.
 */
const LEAP_US_MAX = 20_000;
const SPEED_MAX = 2;

/** While it lags, it looks around so often. */
const CATCH_UP_MS = 1;

/** Largest lag that device time catches up. Beyond it, device time stands still, as the whole machine may have. */
const LAG_US_MAX = 1_000_000;

/** Number of events between two looks for arrivals. */
const EVENTS_A_LOOK = 250;
const WORK_MS_MAX = 5;

export class RealTime {
  /** Lateness of its wake-ups. */
  readonly lateness = new Lateness();
  /** Largest lag of device time so far: the process was away, or had more work than time. */
  lagMsMax = 0;
  /** Time for which device time has stood still and that it has not caught up. */
  stoodStillMs = 0;
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #onTurn: () => void;
  /** The real time at which the virtual one would have been 0. */
  #originMs: number;
  /** Time at which device time was last brought up to real time, as far as allowed. */
  #turnedMs = 0;
  #run: Run | undefined = undefined;
  readonly #wake = (): void => this.#turn();

  /**
   * `clock` is of real time, and its alarm is for nobody else. `onTurn` is called each time that something may have
   * been done.
   */
  constructor(engine: Engine, clock: Clock, onTurn: () => void) {
    this.#engine = engine;
    this.#clock = clock;
    this.#onTurn = onTurn;
    this.#originMs = clock.now() - engine.nowUs / 1000;
  }

  /**
   * Lets time pass until `condition` is true (it is checked after each turn), `endUs` has come, or `stop` is called.
   * Returns whether it was stopped. Rejects with what the run throws. Between two runs device time stands still.
   */
  async run(endUs: number, condition: () => boolean = () => false): Promise<boolean> {
    if (this.#run !== undefined) throw new Error('a run was begun while another was going on');
    this.#turnedMs = this.#clock.now();
    this.#originMs = this.#turnedMs - this.#engine.nowUs / 1000;
    return new Promise<boolean>((resolve, reject) => {
      this.#run = { endUs, condition, resolve, reject, dueMs: Infinity };
      this.#turn();
    });
  }

  /** Ends the run that is going on, if there is one. */
  stop(): void {
    this.#engine.stop();
    this.#end()?.resolve(true);
  }

  /** Something has arrived: device time is brought up to now, as far as it may leap, and `take` is called. */
  arrived(take: () => void): void {
    this.#turn(take);
  }

  #turn(take?: () => void): void {
    const run = this.#run;
    if (run === undefined) {
      take?.();
      return;
    }
    try {
      const outcome = this.#advance(run);
      take?.();
      this.#onTurn();
      if (outcome === 'stopped' || run.condition()) return this.#end()?.resolve(outcome === 'stopped');
      if (outcome === 'reached' && this.#engine.nowUs >= run.endUs) return this.#end()?.resolve(false);
      this.#sleep(run, outcome === 'more');
    } catch (error) {
      this.#end()?.reject(error);
    }
  }

  /** The run is over: gives it, to be settled. */
  #end(): Run | undefined {
    const run = this.#run;
    this.#clock.clearAlarm();
    this.#run = undefined;
    return run;
  }

  #advance(run: Run): 'reached' | 'stopped' | 'more' {
    const engine = this.#engine;
    const beginMs = this.#clock.now();
    if (beginMs >= run.dueMs) this.lateness.add(beginMs - run.dueMs);
    // Rounded, as a sum of fractions may fall just short of the time that it woke for.
    const wantedUs = Math.round((beginMs - this.#originMs) * 1000);
    const elapsedUs = (beginMs - this.#turnedMs) * 1000;
    this.#turnedMs = beginMs;
    const reachableUs = engine.nowUs + Math.round(Math.min(LEAP_US_MAX, SPEED_MAX * elapsedUs));
    const lostUs = wantedUs - reachableUs - LAG_US_MAX;
    if (lostUs > 0) {
      this.#originMs += lostUs / 1000;
      this.stoodStillMs += lostUs / 1000;
    }
    const dueUs = Math.max(engine.nowUs, Math.min(run.endUs, wantedUs, reachableUs));
    this.lagMsMax = Math.max(this.lagMsMax, Math.min(wantedUs - dueUs, LAG_US_MAX) / 1000);
    let outcome = engine.runSome(dueUs, EVENTS_A_LOOK);
    while (outcome === 'more' && this.#clock.now() - beginMs < WORK_MS_MAX) {
      outcome = engine.runSome(dueUs, EVENTS_A_LOOK);
    }
    return outcome;
  }

  #sleep(run: Run, hasMore: boolean): void {
    const nowMs = this.#clock.now();
    const nextUs = Math.min(this.#engine.nextUs, run.endUs);
    run.dueMs = this.#originMs + nextUs / 1000;
    const isLagging = nowMs - this.#originMs - this.#engine.nowUs / 1000 > CATCH_UP_MS;
    const sleepMs = isLagging ? CATCH_UP_MS : Math.min(SLEEP_MS_MAX, Math.max(0, run.dueMs - nowMs));
    this.#clock.setAlarm(hasMore ? nowMs : nowMs + sleepMs, this.#wake);
  }
}

interface Run {
  readonly endUs: number;
  readonly condition: () => boolean;
  readonly resolve: (wasStopped: boolean) => void;
  readonly reject: (error: unknown) => void;
  /** The real time at which something is due next. */
  dueMs: number;
}
