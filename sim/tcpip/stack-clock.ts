/**
 * A stack's clock, and the one timer of the engine that each connection has: the timers of a connection are ticks, and
 * the engine's is armed for the first of them.
 */

import type { Timeline } from '../time/event.ts';
import type { Profile } from './profile.ts';
import { ARMED, type Tcb, type TcpClock, type TimerKind } from './tcp/tcb.ts';
import { hasTimer, nextTick } from './tcp/timers.ts';
import { type Timers, timersOf } from './timer-wheel.ts';

const US_PER_MS = 1000;

export class StackClock implements TcpClock {
  nowTick = 0;
  nowUs = 0;
  readonly #timeline: Timeline;
  readonly #tickUs: number;
  /** Boot time of the host, from which its ticks are counted. */
  readonly #bootUs: number;
  /**
   * Linux has one wheel, but how it stands is open, as it is open when the host was switched on: so for each kind of
   * timers the first is as little late as can be, whatever the other kind was.
   */
  readonly #sendWheel: Timers;
  readonly #otherWheel: Timers;

  constructor(timeline: Timeline, profile: Profile) {
    this.#timeline = timeline;
    this.#tickUs = profile.tickUs;
    this.#bootUs = timeline.nowUs;
    this.#sendWheel = timersOf(profile);
    this.#otherWheel = timersOf(profile);
  }

  /** Reads the time, before anything is done to a connection. */
  read(): void {
    const { nowUs } = this.#timeline;
    this.nowUs = nowUs | 0;
    this.nowTick = Math.floor((nowUs - this.#bootUs) / this.#tickUs) | 0;
  }

  expiry(delayTicks: number, kind: TimerKind): number {
    return (kind === 'send' ? this.#sendWheel : this.#otherWheel).expiry(this.nowTick, delayTicks);
  }

  get timestamp(): number {
    // 0 means that the option is not there. Linux adds a secret number of each connection's.
    return (Math.floor(this.#timeline.nowUs / US_PER_MS) | 0) + 1 | 0 || 1;
  }

  /** Returns the time from now until a tick begins. */
  usUntil(tick: number): number {
    const elapsedUs = this.#timeline.nowUs - this.#bootUs;
    const elapsedTicks = Math.floor(elapsedUs / this.#tickUs);
    return Math.max((elapsedTicks + ((tick - (elapsedTicks | 0)) | 0)) * this.#tickUs - elapsedUs, 0);
  }

  /** Arms the engine's timer of a connection for the first of the connection's own, or disarms it where none runs. */
  arm(tcb: Tcb): void {
    if (!hasTimer(tcb)) {
      this.disarm(tcb);
      return;
    }
    const tick = nextTick(tcb);
    if ((tcb.flags & ARMED) !== 0 && tcb.dueTick === tick) return;
    if (tcb.timerHandle < 0) tcb.timerHandle = this.#timeline.open(tcb);
    tcb.flags |= ARMED;
    tcb.dueTick = tick;
    this.#timeline.set(tcb.timerHandle, this.#timeline.nowUs + this.usUntil(tick));
  }

  disarm(tcb: Tcb): void {
    if ((tcb.flags & ARMED) === 0) return;
    tcb.flags &= ~ARMED;
    this.#timeline.clear(tcb.timerHandle);
  }

  /** The connection is over: its place in the engine's queue is given back. */
  release(tcb: Tcb): void {
    if (tcb.timerHandle >= 0) this.#timeline.close(tcb.timerHandle);
    tcb.timerHandle = -1;
    tcb.flags &= ~ARMED;
  }
}
