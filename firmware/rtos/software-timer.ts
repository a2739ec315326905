/**
 * Software timers: functions that are called when their time has come, once or every period, by one task for all of
 * them, the timer service task. Starting and stopping are commands in that task's queue, as in FreeRTOS, so they take
 * effect when it runs.
 */

import type { Blocking } from './blocking.ts';
import type { Kernel } from './kernel.ts';
import { Queue } from './queue.ts';
import type { Task, TaskHandle } from './task.ts';
import { MAX_DELAY } from './ticks.ts';
import { OUT, TimedHeap } from './timed-heap.ts';

/** Settings of a timer. */
export interface TimerOptions {
  readonly name: string;
  /** Period in ticks, at least 1. */
  readonly period: number;
  /** True: again every period. False: once. */
  readonly autoReload: boolean;
  /** Called by the timer service task. It MUST NOT block, so the timer calls it may use are the `...FromIsr` ones. */
  readonly callback: (timer: SoftwareTimer) => void;
}

type Command =
  | { readonly kind: 'start'; readonly timer: SoftwareTimer; readonly tick: number }
  | { readonly kind: 'stop'; readonly timer: SoftwareTimer }
  | { readonly kind: 'change-period'; readonly timer: SoftwareTimer; readonly period: number }
  | { readonly kind: 'delete'; readonly timer: SoftwareTimer }
  | { readonly kind: 'call'; readonly call: () => void };

/** TimerHandle_t. A call that gives a boolean gives false when the command queue stayed full. */
export class SoftwareTimer {
  /** pcTimerGetName. */
  readonly name: string;
  /** vTimerSetReloadMode, xTimerGetReloadMode. */
  autoReload: boolean;
  /** @internal */ readonly callback: (timer: SoftwareTimer) => void;
  /** @internal */ periodTicks: number;
  /** @internal */ active = false;
  /** @internal */ wakeTick = 0;
  /** @internal */ wakeOrder = 0;
  /** @internal */ heapIndex = OUT;
  /** @internal */ lineNext: SoftwareTimer | undefined = undefined;
  /** @internal */ linePrev: SoftwareTimer | undefined = undefined;
  readonly #os: Kernel;
  readonly #service: TimerService;

  /** xTimerCreate. The timer is dormant until it is started. */
  constructor(os: Kernel, options: TimerOptions) {
    checkPeriod(options.period);
    this.#os = os;
    this.name = options.name;
    this.periodTicks = options.period;
    this.autoReload = options.autoReload;
    this.callback = options.callback;
    this.#service = timerService(os);
  }

  /** xTimerIsTimerActive. */
  get isActive(): boolean {
    return this.active;
  }

  /** xTimerGetPeriod. */
  get period(): number {
    return this.periodTicks;
  }

  /** xTimerGetExpiryTime: the tick count at which it is due next; of a dormant timer, when it was due last. */
  get expiryTime(): number {
    return this.#os.tickCountAt(this.wakeTick);
  }

  /** xTimerStart: due one period from this call, not from when the service task gets to it. Starts again if it runs. */
  start(timeout = 0): Blocking<boolean> {
    return this.#service.commands.send(this.#startCommand(), timeout);
  }

  /** xTimerReset: the same as `start`. */
  reset(timeout = 0): Blocking<boolean> {
    return this.start(timeout);
  }

  /** xTimerStop. */
  stop(timeout = 0): Blocking<boolean> {
    return this.#service.commands.send({ kind: 'stop', timer: this }, timeout);
  }

  /** xTimerChangePeriod: also starts it; the new period counts from when the service task gets to it. */
  changePeriod(period: number, timeout = 0): Blocking<boolean> {
    checkPeriod(period);
    return this.#service.commands.send({ kind: 'change-period', timer: this, period }, timeout);
  }

  /** xTimerDelete: here the same as `stop`, since the memory is the host's. */
  delete(timeout = 0): Blocking<boolean> {
    return this.#service.commands.send({ kind: 'delete', timer: this }, timeout);
  }

  /** xTimerStartFromISR; also for before the scheduler starts, and for timer callbacks. */
  startFromIsr(): boolean {
    return this.#service.commands.sendFromIsr(this.#startCommand());
  }

  /** xTimerResetFromISR. */
  resetFromIsr(): boolean {
    return this.startFromIsr();
  }

  /** xTimerStopFromISR. */
  stopFromIsr(): boolean {
    return this.#service.commands.sendFromIsr({ kind: 'stop', timer: this });
  }

  /** xTimerChangePeriodFromISR. */
  changePeriodFromIsr(period: number): boolean {
    checkPeriod(period);
    return this.#service.commands.sendFromIsr({ kind: 'change-period', timer: this, period });
  }

  /** xTimerDelete from an interrupt or a timer's callback. */
  deleteFromIsr(): boolean {
    return this.#service.commands.sendFromIsr({ kind: 'delete', timer: this });
  }

  #startCommand(): Command {
    return { kind: 'start', timer: this, tick: this.#os.uptimeTicks() };
  }
}

/** xTimerPendFunctionCall: has the timer service task call a function. False when its queue stayed full. */
export function timerPendFunctionCall(os: Kernel, call: () => void, timeout = 0): Blocking<boolean> {
  return timerService(os).commands.send({ kind: 'call', call }, timeout);
}

/** xTimerPendFunctionCallFromISR. */
export function timerPendFunctionCallFromIsr(os: Kernel, call: () => void): boolean {
  return timerService(os).commands.sendFromIsr({ kind: 'call', call });
}

/** The timer service ("daemon") task of one kernel, and its queue. It is made with the first timer. */
export class TimerService {
  readonly commands: Queue<Command>;
  readonly task: TaskHandle;
  readonly #os: Kernel;
  readonly #active = new TimedHeap<SoftwareTimer>();
  /** Next tick at which the tick count wraps around, counted since the scheduler started. */
  #wrapTick: number;

  constructor(os: Kernel) {
    this.#os = os;
    this.#wrapTick = nextWrap(os);
    this.commands = new Queue<Command>(os, os.config.timerQueueLength ?? 10, (command) => command);
    const isLate = os.schedulerState !== 'not-started';
    this.task = os.createTask(() => this.#run(isLate), 'Tmr Svc', os.config.timerTaskPriority ?? os.maxPriorities - 1);
  }

  *#run(isLate: boolean): Task {
    const os = this.#os;
    // Made while the scheduler runs, it goes on as if it had waited for commands since the start.
    if (isLate) this.#obeyAll();
    for (;;) {
      const next = this.#active.first;
      const now = os.uptimeTicks();
      if (now >= this.#wrapTick) {
        // The callbacks run with the scheduler suspended then, as prvProcessTimerOrBlockTask samples the time so.
        os.suspendAll();
        this.#wrap();
        os.resumeAll();
      } else if (next !== undefined && next.wakeTick <= now) {
        this.#expire(next, next.wakeTick, now);
      } else if (this.commands.messagesWaiting > 0) {
        // vQueueWaitForMessageRestricted does not wait then, but prvProcessTimerOrBlockTask yields all the same.
        yield* os.yield();
      } else {
        const command =
          yield* this.commands.receive(next === undefined ? MAX_DELAY : Math.min(next.wakeTick, this.#wrapTick) - now);
        if (command !== undefined) this.#obey(command);
      }
      this.#obeyAll();
    }
  }

  /** prvProcessReceivedCommands: all that wait, before the next timer is looked at. */
  #obeyAll(): void {
    for (
      let command = this.commands.receiveFromIsr();
      command !== undefined;
      command = this.commands.receiveFromIsr()
    ) {
      this.#obey(command);
    }
  }

  /**
   * prvSwitchTimerLists: what was due before the tick count wrapped around comes first, and makes up for the periods
   * until then.
   */
  #wrap(): void {
    for (
      let next = this.#active.first;
      next !== undefined && next.wakeTick < this.#wrapTick;
      next = this.#active.first
    ) {
      this.#expire(next, next.wakeTick, this.#wrapTick - 1);
    }
    this.#wrapTick = nextWrap(this.#os);
  }

  #obey(command: Command): void {
    if (command.kind === 'call') return command.call();
    const { timer } = command;
    this.#active.remove(timer);
    if (this.#os.uptimeTicks() >= this.#wrapTick) this.#wrap();
    switch (command.kind) {
      case 'start':
        this.#schedule(timer, command.tick + timer.periodTicks);
        break;
      case 'change-period':
        timer.periodTicks = command.period;
        this.#schedule(timer, this.#os.uptimeTicks() + command.period);
        break;
      case 'stop':
      case 'delete':
        timer.active = false;
        break;
    }
  }

  /** Makes the timer due at `tick`; where that has passed, as when the command waited long, it expires now. */
  #schedule(timer: SoftwareTimer, tick: number): void {
    timer.active = true;
    this.#active.add(timer, tick);
    const now = this.#os.uptimeTicks();
    if (tick <= now) this.#expire(timer, tick, now);
  }

  /** prvProcessExpiredTimer, prvReloadTimer: calls it, once for each period that has passed. */
  #expire(timer: SoftwareTimer, dueTick: number, now: number): void {
    this.#active.remove(timer);
    if (timer.autoReload) {
      let due = dueTick + timer.periodTicks;
      for (; due <= now; due += timer.periodTicks) {
        timer.wakeTick = due;
        timer.callback(timer);
      }
      this.#active.add(timer, due);
    } else {
      timer.active = false;
    }
    timer.callback(timer);
  }
}

function timerService(os: Kernel): TimerService {
  return (os.timerService ??= new TimerService(os));
}

/** The tick since the start at which the tick count is 0 again. */
function nextWrap(os: Kernel): number {
  const now = os.uptimeTicks();
  return now + MAX_DELAY + 1 - os.tickCountAt(now);
}

function checkPeriod(period: number): void {
  if (!Number.isInteger(period) || period < 1 || period > MAX_DELAY) {
    throw new RangeError(`a timer's period must be a whole number of ticks, at least 1, not ${period}`);
  }
}
