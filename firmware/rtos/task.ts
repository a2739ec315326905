/**
 * A task: a generator with a priority, and what the kernel knows of it (FreeRTOS's TCB). The methods
 * here act on a task from outside, by its handle; what a task does to itself (delay, wait, yield) are
 * methods of the kernel.
 */

import { BLOCKED, PARKED, type Operation, type Waitable } from './blocking.ts';
import type { Kernel } from './kernel.ts';
import { OUT, QUEUED } from './timed-heap.ts';
import type { WaitList } from './wait-list.ts';

/** The body of a task. A bare `yield` is taskYIELD. */
export type Task = Generator<void, void, void>;

/** A task's function, which `kernel.createTask` starts. Returning from it deletes the task (FreeRTOS forbids that). */
export type TaskFunction<Args extends readonly unknown[]> = (os: Kernel, ...args: Args) => Task;

/** eTaskState. */
export type TaskState = 'Running' | 'Ready' | 'Blocked' | 'Suspended' | 'Deleted';

/** Running is not stored: the kernel knows which task that is. */
type RestingState = Exclude<TaskState, 'Running'>;

/**
 * eNotifyAction: what a notification does to the value it finds.
 * - `none` leaves it (eNoAction); `set-bits` ors into it (eSetBits); `increment` adds one (eIncrement);
 * - `overwrite` sets it (eSetValueWithOverwrite);
 * - `set-if-empty` sets it unless a notification is pending, then it fails (eSetValueWithoutOverwrite).
 */
export type NotifyAction = 'none' | 'set-bits' | 'increment' | 'overwrite' | 'set-if-empty';

/**
 * One entry of a task's notification array (configTASK_NOTIFICATION_ARRAY_ENTRIES). Here it is a list of those that are
 * used: most tasks use none, and the others one.
 */
class NotificationSlot {
  readonly index: number;
  /** A 32-bit value, kept signed, as the engine stores such numbers without a box. */
  value = 0;
  state: 'idle' | 'waiting' | 'pending' = 'idle';
  /** ulBitsToClearOnExit of the task that waits. */
  clearOnExit = 0;
  readonly next: NotificationSlot | undefined;

  constructor(index: number, next: NotificationSlot | undefined) {
    this.index = index;
    this.next = next;
  }
}

/** The index of the notification that only buffers know. */
const OF_BUFFERS = -1;

/** State that few tasks ever have. */
class Rarities {
  basePriority: number;
  eventPriority: number;
  mutexesHeld = 0;
  delayAborted = false;

  constructor(priority: number) {
    this.basePriority = priority;
    this.eventPriority = priority;
  }
}

/** Applies a notification to its slot. Returns false if a notification is pending already, which then stays. */
function setNotification(slot: NotificationSlot, value: number, action: NotifyAction): boolean {
  switch (action) {
    case 'none':
      break;
    case 'set-bits':
      slot.value |= value;
      break;
    case 'increment':
      slot.value = (slot.value + 1) | 0;
      break;
    case 'overwrite':
      slot.value = value | 0;
      break;
    case 'set-if-empty':
      if (slot.state === 'pending') return false;
      slot.value = value | 0;
      break;
  }
  slot.state = 'pending';
  return true;
}

/** TaskHandle_t. Made by `kernel.createTask`. */
export class TaskHandle {
  // Fields that every wake-up reads lie together, because of 100,000 tasks none is in the processor's cache.
  // `lineNext` and `linePrev` are neighbours in the ready list, or among tasks with the same delay (xStateListItem).
  /** @internal */ lineNext: TaskHandle | undefined = undefined;
  /** @internal */ linePrev: TaskHandle | undefined = undefined;
  /** @internal */ readonly body: Task;
  /** @internal */ currentPriority: number;
  #restingState: RestingState = 'Suspended';
  /** @internal The event it waits for. */
  waitList: WaitList | undefined = undefined;
  /** @internal The tick at which its wait is over, -1 for never. */
  wakeTick = -1;
  /** @internal */ wakeOrder = 0;
  /** @internal */ heapIndex = OUT;

  // The blocking call it is in.
  /** @internal A call was made and waits for its `yield*`. */
  called = false;
  /** @internal */ target: Waitable;
  /** @internal */ operation: Operation = 'yield';
  /** @internal In ticks, as given. */
  timeout = 0;
  /** @internal What a call carries: bits, an index, an item. */
  item: unknown = undefined;
  /** @internal */ argument = 0;
  readonly os: Kernel;
  /** @internal */ waitNext: TaskHandle | undefined = undefined;
  /** @internal */ waitPrev: TaskHandle | undefined = undefined;

  /** pcTaskGetName. */
  readonly name: string;
  /** The order of creation, from 1: what vTaskList prints in its last column. */
  readonly number: number;
  /** Time this task has run, in the unit of the kernel's run-time counter; stays 0 when there is none. */
  runTime = 0;
  // The list of all tasks.
  /** @internal */ allNext: TaskHandle | undefined = undefined;
  /** @internal */ allPrev: TaskHandle | undefined = undefined;

  #notifications: NotificationSlot | undefined = undefined;
  #rarities: Rarities | undefined = undefined;

  /** @internal Tasks are made by `kernel.createTask`. */
  constructor(os: Kernel, body: Task, name: string, number: number, priority: number) {
    this.os = os;
    this.body = body;
    this.name = name;
    this.number = number;
    this.currentPriority = priority;
    this.target = os;
  }

  /** @internal For `yield*`. */
  [Symbol.iterator](): this {
    return this;
  }

  /** @internal For `yield*`: one turn of the loop in which a blocking call waits. */
  next(): IteratorResult<void, never> {
    const first = this.called;
    this.called = false;
    const result = this.target.attempt(this, first);
    return result === BLOCKED ? PARKED : this.os.done(result);
  }

  /** @internal */
  get restingState(): RestingState {
    this.settle();
    return this.#restingState;
  }

  set restingState(state: RestingState) {
    this.#restingState = state;
  }

  /** @internal Takes note that it has woken, if it has since somebody looked at it. */
  settle(): void {
    if (this.heapIndex === QUEUED && this.os.hasWoken(this)) {
      this.heapIndex = OUT;
      this.#restingState = 'Ready';
    }
  }

  /** eTaskGetState. A task that waits for an event without a timeout is Blocked, as in FreeRTOS. */
  get state(): TaskState {
    if (this.os.runningTask === this) return 'Running';
    this.os.look();
    return this.os.isPending(this) ? 'Ready' : this.restingState;
  }

  /** uxTaskPriorityGet: its own, or the higher one it has inherited from a task that waits for its mutex. */
  get priority(): number {
    return this.currentPriority;
  }

  /** uxTaskBasePriorityGet: its own priority, without an inherited one. */
  get basePriority(): number {
    return this.#rarities === undefined ? this.currentPriority : this.#rarities.basePriority;
  }

  set basePriority(priority: number) {
    if (priority !== this.basePriority) this.rarities.basePriority = priority;
  }

  /**
   * @internal By which it is sorted into event lists (xEventListItem's value): its priority, but see `setPriority`.
   */
  get eventPriority(): number {
    return this.#rarities === undefined ? this.currentPriority : this.#rarities.eventPriority;
  }

  set eventPriority(priority: number) {
    if (priority !== this.eventPriority) this.rarities.eventPriority = priority;
  }

  /** @internal uxMutexesHeld. */
  get mutexesHeld(): number {
    return this.#rarities === undefined ? 0 : this.#rarities.mutexesHeld;
  }

  set mutexesHeld(count: number) {
    this.rarities.mutexesHeld = count;
  }

  /** @internal ucDelayAborted: the next look at the time finds it over. */
  get delayAborted(): boolean {
    return this.#rarities === undefined ? false : this.#rarities.delayAborted;
  }

  set delayAborted(aborted: boolean) {
    if (aborted !== this.delayAborted) this.rarities.delayAborted = aborted;
  }

  private get rarities(): Rarities {
    return (this.#rarities ??= new Rarities(this.currentPriority));
  }

  /** vTaskPrioritySet. Takes effect on the choice of the next task; it takes the processor from nobody. */
  setPriority(priority: number): void {
    this.os.setPriority(this, priority);
  }

  /**
   * vTaskDelete of another task; a task deletes itself with `yield* os.delete()`. Its code does not go on,
   * its `finally` blocks do not run, and the mutexes it holds stay held.
   */
  delete(): void {
    this.mustBeAnother('delete');
    if (this.restingState === 'Deleted') return;
    this.os.remove(this, 'Deleted');
    this.stopWaitingForNotification();
  }

  /**
   * vTaskSuspend of another task; a task suspends itself with `yield* os.suspend()`. A wait that it was
   * in is left: once resumed, it looks again whether it has what it waits for, or is out of time.
   */
  suspend(): void {
    this.mustBeAnother('suspend');
    if (this.restingState === 'Deleted' || this.restingState === 'Suspended') return;
    this.os.remove(this, 'Suspended');
    this.stopWaitingForNotification();
  }

  /** vTaskResume. Does nothing to a task that is not Suspended; suspends are not counted. */
  resume(): void {
    if (this.restingState !== 'Suspended') return;
    this.os.look();
    this.os.makeReady(this);
  }

  /** xTaskResumeFromISR. */
  resumeFromIsr(): void {
    this.os.enterIsr();
    if (this.restingState === 'Suspended') this.os.makeReadyOrPend(this);
    this.os.exitIsr();
  }

  /** xTaskAbortDelay: ends its wait as a timeout would. False when it is not Blocked. */
  abortDelay(): boolean {
    if (this.state !== 'Blocked') return false;
    if (this.waitList !== undefined) this.delayAborted = true;
    this.os.makeReady(this);
    return true;
  }

  /**
   * xTaskNotify, xTaskNotifyIndexed: changes the notification value, and wakes the task if it waits
   * for it. False only when `set-if-empty` found a notification pending.
   */
  notify(value: number, action: NotifyAction, index = 0): boolean {
    return this.deliver(this.slotOf(index), value, action, false);
  }

  /** xTaskNotifyAndQuery: as `notify`, and tells the value from before, whether it succeeds or not. */
  notifyAndQuery(value: number, action: NotifyAction, index = 0): { done: boolean; previous: number } {
    const previous = this.notificationValue(index);
    return { done: this.notify(value, action, index), previous };
  }

  /** xTaskNotifyGive: adds one, so that a notification serves as a counting semaphore. */
  notifyGive(index = 0): void {
    this.notify(0, 'increment', index);
  }

  /** xTaskNotifyFromISR. */
  notifyFromIsr(value: number, action: NotifyAction, index = 0): boolean {
    return this.deliver(this.slotOf(index), value, action, true);
  }

  /** vTaskNotifyGiveFromISR. */
  notifyGiveFromIsr(index = 0): void {
    this.notifyFromIsr(0, 'increment', index);
  }

  /** The notification value as it stands. */
  notificationValue(index = 0): number {
    return this.slotOf(index).value >>> 0;
  }

  /** xTaskNotifyStateClear: forgets a pending notification, not its value. True if one was pending. */
  notifyStateClear(index = 0): boolean {
    const slot = this.slotOf(index);
    if (slot.state !== 'pending') return false;
    slot.state = 'idle';
    return true;
  }

  /** ulTaskNotifyValueClear: clears bits of the value; gives the value from before. */
  notifyValueClear(bits: number, index = 0): number {
    const slot = this.slotOf(index);
    const before = slot.value >>> 0;
    slot.value &= ~bits;
    return before;
  }

  /** @internal The bits that a wait for this notification clears when it is over. */
  clearOnExit(index: number, bits: number): void {
    this.slotOf(index).clearOnExit = bits | 0;
  }

  /** @internal ulTaskNotifyTake, one turn: the value, 0 after a timeout. */
  attemptNotifyTake(first: boolean): number | typeof BLOCKED {
    const slot = this.slotOf(this.waitIndex());
    if (first && slot.value === 0 && this.timeout !== 0) {
      slot.state = 'waiting';
      this.os.block(this, undefined, first);
      return BLOCKED;
    }
    const value = slot.value;
    if (value !== 0) slot.value = this.argument === 0 ? (value - 1) | 0 : 0;
    slot.state = 'idle';
    return value >>> 0;
  }

  /** @internal xTaskNotifyWait, one turn: the value, undefined after a timeout. */
  attemptNotifyWait(first: boolean): number | undefined | typeof BLOCKED {
    const slot = this.slotOf(this.waitIndex());
    // With timeout 0 no bits are cleared on entry: so since V11.2.0 (xTaskGenericNotifyWait).
    if (first && slot.state !== 'pending' && this.timeout !== 0) {
      slot.value &= ~this.argument;
      slot.state = 'waiting';
      this.os.block(this, undefined, first);
      return BLOCKED;
    }
    const value = slot.state === 'pending' ? slot.value >>> 0 : undefined;
    if (value !== undefined) slot.value &= ~slot.clearOnExit;
    slot.state = 'idle';
    return value;
  }

  /**
   * @internal xTaskNotifyStateClear and xTaskNotifyWait, as a buffer calls them: what was pending is forgotten. Without
   * an index it is a notification that only buffers know.
   */
  waitForBuffer(index: number | undefined, first: boolean): void {
    this.bufferSlot(index).state = 'waiting';
    this.os.block(this, undefined, first);
  }

  /** @internal The wait of `waitForBuffer` is over, for any reason. */
  leaveBuffer(index: number | undefined): void {
    this.bufferSlot(index).state = 'idle';
  }

  /** @internal sbSEND_COMPLETED, sbRECEIVE_COMPLETED. */
  notifyOfBuffer(index: number | undefined, fromIsr: boolean): void {
    this.deliver(this.bufferSlot(index), 0, 'none', fromIsr);
  }

  /** @internal A suspended or deleted task does not wait for notifications any more (vTaskSuspend). */
  stopWaitingForNotification(): void {
    for (let slot = this.#notifications; slot !== undefined; slot = slot.next) {
      if (slot.state === 'waiting') slot.state = 'idle';
    }
  }

  private deliver(slot: NotificationSlot, value: number, action: NotifyAction, fromIsr: boolean): boolean {
    const isWaiting = slot.state === 'waiting';
    if (!setNotification(slot, value, action)) return false;
    if (!isWaiting) return true;
    // Also where its time is over, and it has not run since: it goes to the end of its line again (xTaskGenericNotify).
    if (fromIsr) {
      this.os.enterIsr();
      this.os.makeReadyOrPend(this);
      this.os.exitIsr();
    } else {
      this.os.look();
      this.os.makeReady(this);
    }
    return true;
  }

  private bufferSlot(index: number | undefined): NotificationSlot {
    return index === undefined ? this.findSlot(OF_BUFFERS) : this.slotOf(index);
  }

  private waitIndex(): number {
    return typeof this.item === 'number' ? this.item : 0;
  }

  private slotOf(index: number): NotificationSlot {
    checkNotificationIndex(index);
    return this.findSlot(index);
  }

  private findSlot(index: number): NotificationSlot {
    for (let slot = this.#notifications; slot !== undefined; slot = slot.next) if (slot.index === index) return slot;
    return (this.#notifications = new NotificationSlot(index, this.#notifications));
  }

  private mustBeAnother(call: 'delete' | 'suspend'): void {
    if (this.os.runningTask === this) {
      throw new Error(`task ${this.name} cannot ${call} itself by its handle; that is: yield* os.${call}()`);
    }
  }
}

/** Refuses what is no index of a notification. */
export function checkNotificationIndex(index: number): void {
  if (!Number.isInteger(index) || index < 0 || index > 255) {
    throw new RangeError(`a notification index must be a whole number from 0 to 255, not ${index}`);
  }
}
