/**
 * A stack's clock, and the one timer of the engine that each connection has: the timers of a connection are ticks, and
 * the engine's is armed for the first of them.
 */

import type { Host } from './host.ts';
import { Ports } from './ports.ts';
import type { Profile } from './profile.ts';
import { ARMED, type Tcb, type TcpClock, type TimerKind } from './tcp/tcb.ts';
import { hasTimer, nextTick } from './tcp/timers.ts';
import { OPEN_PHASE, settledPhase, SLOW_TICK, TICK, wheelExpiry } from './timer-wheel.ts';

const US_PER_MS = 1000;

/** The object is its own table of ports, to save memory: there is one for each of 100,000 devices. */
export class StackClock extends Ports implements TcpClock {
  readonly host: Host;
  nowTick = 0;
  nowUs = 0;
  /** Boot time of the host, from which its ticks are counted. */
  readonly #bootUs: number;
  /**
   * Linux has one wheel, but how it stands is open, as it is open when the host was switched on: so for each kind of
   * timers the first is as little late as can be, whatever the other kind was.
   */
  #sendPhase = OPEN_PHASE;
  #otherPhase = OPEN_PHASE;

  constructor(host: Host) {
    const { world, profile, random } = host;
    super(profile, (random.uint32() ^ world.salt) >>> 0);
    this.host = host;
    this.#bootUs = world.timeline.nowUs;
  }

  get profile(): Profile {
    return this.host.profile;
  }

  /** Reads the time, before anything is done to a connection. */
  read(): void {
    const { world, profile } = this.host;
    const { nowUs } = world.timeline;
    this.nowUs = nowUs | 0;
    this.nowTick = Math.floor((nowUs - this.#bootUs) / profile.tickUs) | 0;
  }

  expiry(delayTicks: number, kind: TimerKind): number {
    const { nowTick } = this;
    switch (this.host.profile.timers) {
      case 'wheel': {
        const phase = settledPhase(kind === 'send' ? this.#sendPhase : this.#otherPhase, nowTick, delayTicks);
        if (kind === 'send') this.#sendPhase = phase;
        else this.#otherPhase = phase;
        return wheelExpiry(phase, nowTick, delayTicks);
      }
      case 'tick':
        return TICK.expiry(nowTick, delayTicks);
      case 'slow-tick':
        return SLOW_TICK.expiry(nowTick, delayTicks);
    }
  }

  get timestamp(): number {
    // 0 means that the option is not there. Linux adds a secret number of each connection's.
    return (Math.floor(this.host.world.timeline.nowUs / US_PER_MS) | 0) + 1 | 0 || 1;
  }

  usUntil(tick: number): number {
    const { world, profile: { tickUs } } = this.host;
    const elapsedUs = world.timeline.nowUs - this.#bootUs;
    const elapsedTicks = Math.floor(elapsedUs / tickUs);
    return Math.max((elapsedTicks + ((tick - (elapsedTicks | 0)) | 0)) * tickUs - elapsedUs, 0);
  }

  /**
   * Arms the engine's timer of a connection for the first of the connection's own, or disarms it where none runs. A
   * connection has a place in the engine's queue only while it is armed: most are not, most of the time.
   */
  arm(tcb: Tcb): void {
    if (!hasTimer(tcb)) {
      this.disarm(tcb);
      return;
    }
    const tick = nextTick(tcb);
    if ((tcb.flags & ARMED) !== 0 && tcb.dueTick === tick) return;
    const { timeline } = this.host.world;
    if (tcb.timerHandle < 0) tcb.timerHandle = timeline.open(tcb);
    tcb.flags |= ARMED;
    tcb.dueTick = tick;
    timeline.set(tcb.timerHandle, timeline.nowUs + this.usUntil(tick));
  }

  disarm(tcb: Tcb): void {
    if (tcb.timerHandle < 0) return;
    this.host.world.timeline.close(tcb.timerHandle);
    tcb.timerHandle = -1;
    tcb.flags &= ~ARMED;
  }
}
