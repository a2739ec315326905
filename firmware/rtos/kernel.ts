/**
 * The kernel: FreeRTOS's scheduler with configUSE_PREEMPTION 0. Which task runs next, who sleeps until
 * when, and what happens when the clock or the hardware interrupts. One instance is one device.
 *
 * The highest-priority ready task runs until it blocks or yields; those of one priority take turns. A
 * task that readies a higher one goes on until then: nothing is taken from a running task. Between two
 * passes of the scheduler no task runs; a pass is started by the clock's alarm or by an interrupt.
 */

import type { Clock } from '../../hal/clock.ts';
import { BLOCKED, type Blocking, type Operation, type Waitable } from './blocking.ts';
import { checkKernelConfig, DEFAULT_PRIORITIES, type KernelConfig } from './kernel-config.ts';
import { KernelLists } from './kernel-lists.ts';
import { ReadyLists } from './ready-lists.ts';
import type { TimerService } from './software-timer.ts';
import { checkNotificationIndex, TaskHandle, type TaskFunction } from './task.ts';
import { addTicks, checkTicks, MAX_DELAY, ticksBetween } from './ticks.ts';
import { WaitList } from './wait-list.ts';

/**
 * A pass ends after so many switches, or so many milliseconds, even if tasks are ready, so that the host's
 * other work and the interrupts it brings get their turn; the next pass follows at once.
 */
const PASS_SWITCHES = 4096;
const PASS_MS = 5;

/** Reading the clock costs more than a switch: a busy pass reads it once in so many, unless a task waits for it. */
const SWITCHES_PER_CLOCK_READ = 16;

/** The clock as `wakeTick` for "no alarm". */
const NO_ALARM = -1;

/**
 * Last step of every blocking call, of all kernels: `yield*` reads it at once. The type of the result stands at the
 * call; `never` fits every caller of `done`.
 */
const DONE: { done: true; value: never } = { done: true, value: undefined as never };

/** The previous wake time of a periodic task, as vTaskDelayUntil's pointer. */
export interface WakeTime {
  tick: number;
}

export class Kernel extends KernelLists {
  readonly clock: Clock;
  /** xTaskGetCurrentTaskHandle; undefined between the passes. */
  runningTask: TaskHandle | undefined = undefined;

  /** @internal */ readonly config: KernelConfig;
  /** @internal Made with the first software timer. */
  timerService: TimerService | undefined = undefined;

  readonly #tickRateHz: number;
  readonly #initialTick: number;
  #state: 'new' | 'running' | 'stopped' = 'new';

  /** Ticks since the scheduler started. A plain number, so that only what users see wraps around. */
  #ticks = 0;
  #startMs = 0;
  #startRunTime = 0;
  #alarmTick = NO_ALARM;
  readonly #onAlarm: () => void;

  readonly #ready = new ReadyLists();
  /** xPendingReadyList: who was woken while the scheduler is suspended; undefined until it was suspended once. */
  #pending: WaitList | undefined = undefined;
  /**
   * The task that runs next, even if others are ready: before the scheduler starts, pxCurrentTCB; while the scheduler
   * is suspended, the task that suspended it, again and again until it resumes it.
   */
  #chosen: TaskHandle | undefined = undefined;
  #tasksMade = 0;

  #inPass = false;
  #isrDepth = 0;
  #suspendDepth = 0;

  constructor(clock: Clock, config: KernelConfig = {}) {
    super();
    checkKernelConfig(config);
    const { tickRateHz = 1000, initialTickCount = 0 } = config;
    this.clock = clock;
    this.config = config;
    this.#tickRateHz = tickRateHz;
    this.#initialTick = initialTickCount;
    // Not an arrow function: that would hold a context besides, in each of 100,000 devices.
    this.#onAlarm = this.alarm.bind(this);
  }

  /** configMAX_PRIORITIES. */
  get maxPriorities(): number {
    return this.config.maxPriorities ?? DEFAULT_PRIORITIES;
  }

  // ---- tasks ----

  /** xTaskCreate. The task is Ready at once; it runs when the scheduler gets to it. */
  createTask<Args extends readonly unknown[]>(
    entry: TaskFunction<Args>,
    name: string,
    priority: number,
    ...args: Args
  ): TaskHandle {
    this.checkPriority(priority);
    const task = new TaskHandle(this, entry(this, ...args), name, ++this.#tasksMade, priority);
    this.enlist(task);
    // prvAddNewTaskToReadyList: of equals made before the start, the last one made runs first.
    if (this.#state === 'new' && priority >= (this.#chosen?.priority ?? 0)) this.#chosen = task;
    this.look();
    this.makeReady(task);
    return task;
  }

  /** vTaskStartScheduler. Runs what is ready, and returns when the device would go to sleep. */
  start(): void {
    if (this.#state !== 'new') throw new Error('the scheduler was started before; a kernel starts once');
    this.#state = 'running';
    this.#startMs = this.clock.now();
    this.#startRunTime = this.config.runTimeCounter?.() ?? 0;
    this.#ready.addIdle();
    // The timer service task is made now, behind all others. Where there is no timer, all that it would do is wait.
    const { timerTaskPriority = this.maxPriorities - 1 } = this.config;
    const timerTask = this.timerService?.task;
    if (timerTask !== undefined) this.makeReady(timerTask);
    if (timerTaskPriority >= (this.#chosen?.priority ?? 0)) this.#chosen = timerTask;
    this.pass();
  }

  /** vTaskEndScheduler: no task runs any more, and the alarm is disarmed. */
  stop(): void {
    this.#state = 'stopped';
    this.#alarmTick = NO_ALARM;
    this.clock.clearAlarm();
  }

  // ---- what a task does to itself ----

  /** taskYIELD: to the end of the line of its priority. */
  yield(): Blocking<void> {
    return this.call(this, 'yield', 0);
  }

  /** vTaskDelay: sleeps for so many ticks. 0 only yields. */
  delay(ticks: number): Blocking<void> {
    checkTicks(ticks, 'a delay');
    return this.sleep(ticks);
  }

  /**
   * xTaskDelayUntil: sleeps until `previous.tick + increment`, and moves `previous` there, so that a loop keeps its
   * period with any work in between. False when that time had passed already: then it only yields.
   */
  delayUntil(previous: WakeTime, increment: number): Blocking<boolean> {
    checkTicks(increment, 'an increment');
    if (increment === 0) throw new RangeError('an increment must be at least 1 tick');
    // The elapsed ticks are compared, not the counts, so the counts may wrap in between.
    const remaining = increment - ticksBetween(previous.tick, this.getTickCount());
    previous.tick = addTicks(previous.tick, increment);
    return this.sleep(Math.max(remaining, 0));
  }

  /** vTaskSuspend(NULL): until another task, or an interrupt, resumes it. */
  suspend(): Blocking<void> {
    return this.call(this, 'suspend', 0);
  }

  /** vTaskDelete(NULL): does not come back. Returning from the task's function does the same. */
  delete(): Blocking<never> {
    return this.call(this, 'delete', 0);
  }

  /**
   * ulTaskNotifyTake: waits until the task's notification value is not 0, then subtracts 1, or clears it if
   * `clearOnExit`. Returns the value from before; 0 after a timeout.
   */
  notifyTake(clearOnExit: boolean, timeout: number, index = 0): Blocking<number> {
    const call = this.call(this, 'notify-take', timeout, index);
    this.running('notifyTake').argument = clearOnExit ? 1 : 0;
    return call;
  }

  /**
   * xTaskNotifyWait: waits for a notification. If none is pending, the bits `clearOnEntry` of the value are cleared
   * first; when one came, the bits `clearOnExit` are cleared afterwards. Returns the value from before that last step;
   * undefined after a timeout.
   */
  notifyWait(clearOnEntry: number, clearOnExit: number, timeout: number, index = 0): Blocking<number | undefined> {
    checkNotificationIndex(index);
    const call = this.call(this, 'notify-wait', timeout, index);
    const task = this.running('notifyWait');
    task.argument = clearOnEntry | 0;
    task.clearOnExit(index, clearOnExit);
    return call;
  }

  /** @internal */
  attempt(task: TaskHandle, first: boolean): unknown {
    switch (task.operation) {
      case 'yield':
        return first ? BLOCKED : undefined;
      case 'delay':
        if (!first) return task.timeout > 0;
        if (task.timeout > 0) this.putToSleep(task, undefined);
        return BLOCKED;
      case 'suspend':
        if (!first) return undefined;
        this.mustNotBeSuspended(task);
        this.remove(task, 'Suspended');
        return BLOCKED;
      case 'delete':
        this.mustNotBeSuspended(task);
        this.remove(task, 'Deleted');
        return BLOCKED;
      case 'notify-take':
        return task.attemptNotifyTake(first);
      case 'notify-wait':
        return task.attemptNotifyWait(first);
      default:
        throw new Error(`${task.operation} is not a call of the kernel itself`);
    }
  }

  // ---- time ----

  /** xTaskGetTickCount: 32 bits, wraps around. Stands still while the scheduler is suspended. */
  getTickCount(): number {
    return this.tickCountAt(this.readClock());
  }

  /** pdMS_TO_TICKS: rounded down. */
  msToTicks(ms: number): number {
    // In this order, as the macro has it: a rate in ticks a millisecond would be rounded, and 3 s at 9 Hz be 26 ticks.
    return Math.floor((ms * this.#tickRateHz) / 1000);
  }

  /** pdTICKS_TO_MS. */
  ticksToMs(ticks: number): number {
    return (ticks * 1000) / this.#tickRateHz;
  }

  /** pulTotalRunTime of uxTaskGetSystemState: by the run-time counter, since the start; undefined without a counter. */
  get totalRunTime(): number | undefined {
    const now = this.config.runTimeCounter?.();
    return now === undefined ? undefined : now - this.#startRunTime;
  }

  // ---- the scheduler ----

  /**
   * vTaskSuspendAll: the running task stays the running task, and the tick count stands still; nests. Until `resumeAll`
   * it must not block, end or delete itself; a yield gives it the processor back.
   */
  suspendAll(): void {
    this.#chosen = this.running('suspendAll');
    this.#pending ??= new WaitList('arrival');
    this.readClock();
    this.#suspendDepth++;
  }

  /** xTaskResumeAll. Tasks whose time came meanwhile are ready after it, behind those that an event woke. */
  resumeAll(): void {
    if (this.#suspendDepth === 0) throw new Error('resumeAll without a suspendAll before it');
    if (--this.#suspendDepth > 0) return;
    this.#chosen = undefined;
    for (let task = this.#pending?.first; task !== undefined; task = this.#pending?.first) this.makeReady(task);
    this.readClock();
  }

  /** xTaskGetSchedulerState. */
  get schedulerState(): 'not-started' | 'running' | 'suspended' | 'stopped' {
    if (this.#state === 'running') return this.#suspendDepth > 0 ? 'suspended' : 'running';
    return this.#state === 'new' ? 'not-started' : 'stopped';
  }

  /** An interrupt begins; nests. Every interrupt that calls `...FromIsr` more than once is put between these two. */
  enterIsr(): void {
    this.#isrDepth++;
  }

  /** portYIELD_FROM_ISR: the interrupt ends, and unless it interrupted a task, the tasks it woke run. */
  exitIsr(): void {
    if (this.#isrDepth === 0) throw new Error('exitIsr without an enterIsr before it');
    if (--this.#isrDepth === 0) this.pass();
  }

  // ---- for the other files of this folder ----

  /** @internal Ticks since the scheduler started, which do not wrap around. */
  uptimeTicks(): number {
    return this.readClock();
  }

  /** @internal The tick count of a moment given in ticks since the start. */
  tickCountAt(ticks: number): number {
    return addTicks(this.#initialTick, ticks);
  }

  /** @internal Begins a blocking call of the running task. */
  call(target: Waitable, operation: Operation, timeout: number, item?: unknown): Blocking<never> {
    const task = this.runningTask;
    if (task === undefined) {
      throw new Error(`${operation} may block, so only a task can call it; interrupts have the FromIsr calls`);
    }
    if (task.called) throw new Error(`task ${task.name} called ${task.operation} without yield*`);
    task.called = true;
    task.target = target;
    task.operation = operation;
    task.timeout = timeout;
    task.item = item;
    return task;
  }

  /** @internal The end of a blocking call, as the iterator protocol says it. */
  done(result: unknown): IteratorReturnResult<never> {
    DONE.value = result as never;
    return DONE;
  }

  /** @internal Puts the running task to sleep, on `list` if it waits for an event, until its timeout. */
  block(task: TaskHandle, list: WaitList | undefined, first: boolean): void {
    if (first) {
      checkTicks(task.timeout, 'a timeout');
      task.wakeTick = task.timeout === MAX_DELAY ? -1 : this.readClock() + task.timeout;
    }
    this.putToSleep(task, list);
  }

  /**
   * @internal xTaskCheckForTimeOut: whether the wait is over without the event. Only this call forgets an abort, and
   * waits for event bits do without it: after such an abort the next wait for a queue or mutex is over at once.
   */
  timedOut(task: TaskHandle, first: boolean): boolean {
    if (first && task.timeout === 0) return true;
    if (task.delayAborted) {
      task.delayAborted = false;
      return true;
    }
    return !first && task.wakeTick >= 0 && task.wakeTick <= this.readClock();
  }

  /** @internal xTaskRemoveFromEventList: wakes the first task of the list. */
  wake(list: WaitList): void {
    if (list.first === undefined) return;
    this.look();
    if (list.first !== undefined) this.makeReadyOrPend(list.first);
  }

  /**
   * @internal While the scheduler is suspended, neither a queue nor an interrupt touches the ready lists: what it wakes
   * becomes ready with `resumeAll`, behind those that a task resumed, notified, aborted, or woke by bits.
   */
  makeReadyOrPend(task: TaskHandle): void {
    if (this.#suspendDepth === 0 || this.#pending === undefined) return this.makeReady(task);
    task.waitList?.remove(task);
    this.#pending.add(task);
  }

  /** @internal prvAddTaskToReadyList: to the end of the line of its priority, out of its wait list. */
  makeReady(task: TaskHandle): void {
    const wasReady = task.restingState === 'Ready';
    task.waitList?.remove(task);
    if (wasReady) this.#ready.remove(task);
    else this.removeSleeper(task);
    task.restingState = 'Ready';
    this.#ready.add(task);
    if (!wasReady) this.config.onTaskState?.(task, 'Ready');
    this.passSoon();
  }

  /** @internal Whether an event has woken it, and it becomes ready with `resumeAll`. */
  isPending(task: TaskHandle): boolean {
    return task.waitList !== undefined && task.waitList === this.#pending;
  }

  /** @internal The tick interrupt that would have come during this turn of a task, before it does what others see. */
  look(): void {
    if (this.runningTask !== undefined && this.firstSleeper !== undefined) this.readClock();
  }

  /** @internal Out of every line it stands in; a deleted task is not listed any more. */
  remove(task: TaskHandle, state: 'Blocked' | 'Suspended' | 'Deleted'): void {
    this.look();
    task.waitList?.remove(task);
    if (task.restingState === 'Ready') this.#ready.remove(task);
    else this.removeSleeper(task);
    task.restingState = state;
    if (state === 'Deleted') this.forget(task);
    this.config.onTaskState?.(task, state, state === 'Blocked' ? task.operation : undefined);
  }

  /**
   * @internal vTaskPrioritySet. A task that waits for an event keeps its place in that line. An inherited priority is
   * not lowered before the mutex is given; but the task counts with the new one in event lists, at the end of its line.
   */
  setPriority(task: TaskHandle, priority: number): void {
    this.checkPriority(priority);
    if (task.basePriority === priority) return;
    const inherits = task.currentPriority !== task.basePriority;
    task.basePriority = priority;
    this.changePriority(task, inherits ? Math.max(task.currentPriority, priority) : priority, priority);
  }

  /** @internal Sets the priorities for scheduler and event lists; a ready task goes to the end of its new line. */
  changePriority(task: TaskHandle, priority: number, eventPriority = priority): void {
    const ready = task.restingState === 'Ready';
    if (ready) this.#ready.remove(task);
    task.currentPriority = priority;
    if (ready) this.#ready.add(task);
    else this.disturbSleeper(task);
    task.eventPriority = eventPriority;
    task.waitList?.disturb();
  }

  /** A delay is a number of ticks, even MAX_DELAY (prvAddCurrentTaskToDelayedList, xCanBlockIndefinitely). */
  private sleep(ticks: number): Blocking<never> {
    const call = this.call(this, 'delay', ticks);
    if (this.runningTask !== undefined) this.runningTask.wakeTick = this.readClock() + ticks;
    return call;
  }

  private putToSleep(task: TaskHandle, list: WaitList | undefined): void {
    this.mustNotBeSuspended(task);
    // prvAddCurrentTaskToDelayedList: so that an abort can be told apart from now on.
    task.delayAborted = false;
    this.remove(task, 'Blocked');
    list?.add(task);
    if (task.wakeTick < 0) return;
    this.addSleeper(task);
    // The clock was read since the wake tick was computed, and may have passed it: no task sleeps past its wake tick.
    if (task.wakeTick <= this.#ticks) this.wakeSleepers();
  }

  private checkPriority(priority: number): void {
    if (!Number.isInteger(priority) || priority < 0 || priority >= this.maxPriorities) {
      throw new RangeError(`a priority must be a whole number from 0 to ${this.maxPriorities - 1}, not ${priority}`);
    }
  }

  private mustNotBeSuspended(task: TaskHandle): void {
    if (this.#suspendDepth > 0) {
      throw new Error(`task ${task.name} cannot ${task.operation}: it would block, and it has suspended the scheduler`);
    }
  }

  private running(call: string): TaskHandle {
    if (this.runningTask === undefined) throw new Error(`${call} is for tasks, and none is running`);
    return this.runningTask;
  }

  /** The tick interrupt, as often as somebody looks: brings the tick count up to date and wakes whose time has come. */
  private readClock(): number {
    if (this.#suspendDepth > 0 || this.#state !== 'running') return this.#ticks;
    const ticks = this.msToTicks(this.clock.now() - this.#startMs);
    if (ticks > this.#ticks) {
      this.#ticks = ticks;
      this.wakeSleepers();
    }
    return this.#ticks;
  }

  private wakeSleepers(): void {
    for (;;) {
      const task = this.firstSleeper;
      if (task === undefined || task.wakeTick > this.#ticks) return;
      if (this.wakesQueues && this.removeSleepersLike(task)) {
        // Of many tasks none is in the processor's cache: each is left as it is until it runs, or somebody looks.
        task.restingState = 'Ready';
        this.#ready.addRing(task);
        this.passSoon();
      } else {
        this.makeReady(task);
      }
    }
  }

  /** Tasks that sleep equally long wake together, unless somebody wants to be told of each. */
  private get wakesQueues(): boolean {
    return this.config.onTaskState === undefined;
  }

  /** @internal A task that stood behind another one, and woke with it. */
  hasWoken(task: TaskHandle): boolean {
    return task.wakeTick <= this.#ticks && this.wakesQueues;
  }

  /** Called from outside, by neither a task nor an interrupt: the pass that this needs comes with an alarm. */
  private passSoon(): void {
    if (!this.#inPass && this.#isrDepth === 0) this.armAlarm();
  }

  private alarm(): void {
    const tick = this.#alarmTick;
    this.#alarmTick = NO_ALARM;
    this.pass(tick);
  }

  private armAlarm(): void {
    if (this.#state !== 'running') return;
    const tick = !this.#ready.isEmpty ? this.#ticks : (this.firstSleeper?.wakeTick ?? NO_ALARM);
    if (tick === this.#alarmTick) return;
    this.#alarmTick = tick;
    if (tick === NO_ALARM) this.clock.clearAlarm();
    else this.clock.setAlarm(this.tickMs(tick), this.#onAlarm);
  }

  private tickMs(tick: number): number {
    return this.#startMs + this.ticksToMs(tick);
  }

  /** `alarmTick` is the tick whose alarm starts the pass, if one does. */
  private pass(alarmTick = NO_ALARM): void {
    if (this.#inPass || this.#state !== 'running') return;
    this.#inPass = true;
    // If a tick is not a whole number of milliseconds, a rounding error may let the clock show the tick before.
    if (alarmTick > this.readClock() && this.clock.now() >= this.tickMs(alarmTick)) {
      this.#ticks = alarmTick;
      this.wakeSleepers();
    }
    const lastTick = this.#ticks + Math.ceil((PASS_MS * this.#tickRateHz) / 1000);
    const { onTaskState, runTimeCounter } = this.config;
    let since = runTimeCounter?.() ?? 0;
    for (let switches = 1; !this.#ready.isEmpty; switches++) {
      const task = this.nextTask();
      this.runningTask = task;
      onTaskState?.(task, 'Running');
      let finished: boolean | undefined;
      try {
        finished = task.body.next().done;
      } catch (error) {
        this.crash(task, error);
        return;
      }
      if (runTimeCounter !== undefined) {
        const now = runTimeCounter();
        task.runTime += now - since;
        since = now;
      }
      if (finished || task.called) {
        const mistake = this.mistakeAtSwitch(task);
        if (mistake !== undefined) {
          this.crash(task, new Error(mistake));
          return;
        }
        this.remove(task, 'Deleted');
      } else if (this.#suspendDepth === 0 && task.restingState === 'Ready') {
        this.look();
        onTaskState?.(task, 'Ready');
      }
      if (this.#state !== 'running') break;
      const isRead = (switches & (SWITCHES_PER_CLOCK_READ - 1)) === 0;
      // While a task waits for a time, the clock was looked at as this one left.
      const ticks = this.firstSleeper !== undefined ? this.#ticks : isRead ? this.readClock() : 0;
      if (ticks >= lastTick || switches >= PASS_SWITCHES) break;
    }
    this.runningTask = undefined;
    // Still in the pass: an interrupt call of the hook readies its task and no more; the alarm below starts its pass.
    if (this.#ready.isEmpty && this.#state === 'running') this.config.onIdle?.();
    this.#inPass = false;
    this.armAlarm();
  }

  /** Returns a sentence if a task that has just left the processor has left something behind that it must not. */
  private mistakeAtSwitch(task: TaskHandle): string | undefined {
    if (task.called) return `task ${task.name} called ${task.operation} without yield*`;
    if (this.#suspendDepth > 0) return `task ${task.name} ended, and it has suspended the scheduler`;
    return undefined;
  }

  private nextTask(): TaskHandle {
    const chosen = this.#chosen;
    if (chosen !== undefined) {
      if (this.#suspendDepth > 0) return chosen;
      this.#chosen = undefined;
      if (chosen.restingState === 'Ready') return chosen;
    }
    const next = this.#ready.select();
    if (next === undefined) throw new Error('a priority is marked ready and has no task');
    next.settle();
    return next;
  }

  private crash(task: TaskHandle, error: unknown): void {
    this.remove(task, 'Deleted');
    this.runningTask = undefined;
    this.stop();
    if (this.config.onCrash === undefined) throw error;
    const isError = error instanceof Error;
    this.config.onCrash({
      task: task.name,
      reason: isError ? error.message : String(error),
      stack: (isError ? error.stack : undefined) ?? '',
    });
  }
}
