/** Runs a program on this kernel, and writes the log that the real one would: see README.md here. */

import {
  EventGroup,
  Kernel,
  MAX_DELAY,
  MessageBuffer,
  Mutex,
  type NotifyAction,
  Queue,
  QueueSet,
  type QueueSetMember,
  RecursiveMutex,
  Semaphore,
  SoftwareTimer,
  StreamBuffer,
  type Task,
  type TaskHandle,
  type TaskState,
  timerPendFunctionCall,
  timerPendFunctionCallFromIsr,
  type WakeTime,
} from '../../../../firmware/rtos/index.ts';
import type { Clock } from '../../../../hal/clock.ts';
import type { Op, Program } from './program.ts';

const WRAP_TICK = 2 ** 32 - 40;
const ACTIONS: readonly NotifyAction[] = ['none', 'set-bits', 'increment', 'overwrite', 'set-if-empty'];
const LETTER: Readonly<Record<TaskState, string>> = {
  Running: 'X',
  Ready: 'R',
  Blocked: 'B',
  Suspended: 'S',
  Deleted: 'D',
};

/** Greatest number of ticks that a program may run beyond the end of its device. More ticks mean an endless loop. */
const OVERTIME_TICKS = 100;

/** A clock of ticks, which the interpreter moves; a tick is a millisecond. */
class TickClock implements Clock {
  tick = 0;
  alarmTick = Infinity;
  #isr = (): void => {};

  now(): number {
    return this.tick;
  }

  setAlarm(atMs: number, isr: () => void): void {
    this.alarmTick = atMs;
    this.#isr = isr;
  }

  clearAlarm(): void {
    this.alarmTick = Infinity;
  }

  /** Returns false if no alarm was due. */
  fire(): boolean {
    if (this.alarmTick > this.tick) return false;
    this.alarmTick = Infinity;
    this.#isr();
    return true;
  }
}

interface Slot {
  handle: TaskHandle | undefined;
  deleted: boolean;
  /** The operation that the task is in, and its number. */
  current: Op | undefined;
  step: number;
  wake: WakeTime | undefined;
}

function yes(ok: boolean): string {
  return ok ? '1' : '0';
}

function value(got: number | undefined): string {
  return got === undefined ? '-' : String(got);
}

function letter(i: number): string {
  return i < 0 ? '?' : String.fromCharCode(65 + i);
}

/** Returns the object that a program names by its number. Throws if there is no such object. */
function at<T>(things: readonly T[], i: number): T {
  const thing = things[i];
  if (thing === undefined) throw new Error(`the program names a number ${i} of ${things.length} things`);
  return thing;
}

export function interpret(program: Program): string[] {
  return new Interpreter(program).run();
}

class Interpreter {
  readonly #lines: string[] = [];
  readonly #program: Program;
  readonly #clock = new TickClock();
  readonly #os: Kernel;
  readonly #firstTick: number;
  readonly #tasks: Slot[];
  readonly #queues: Queue<number>[];
  readonly #semaphores: Semaphore[];
  readonly #mutexes: Mutex[];
  readonly #recursives: RecursiveMutex[];
  readonly #groups: { readonly group: EventGroup; deleted: boolean }[];
  readonly #streams: StreamBuffer[];
  readonly #messages: MessageBuffer[];
  readonly #timers: SoftwareTimer[];
  readonly #sets: QueueSet[];
  #lastState: string[] = [];
  /** Number of times that the running task has suspended the scheduler. */
  #suspended = 0;
  #bytes = 0;
  #nextIsr = 0;

  constructor(program: Program) {
    this.#program = program;
    this.#firstTick = program.wrap === 1 ? WRAP_TICK : 0;
    const os = new Kernel(this.#clock, {
      initialTickCount: this.#firstTick, maxPriorities: 8, timerTaskPriority: program.tp ?? 7, timerQueueLength: 3,
    });
    this.#os = os;
    this.#queues = (program.q ?? []).map((length) => new Queue<number>(os, length));
    this.#semaphores = (program.s ?? []).map(([max, initial]) => new Semaphore(os, max, initial));
    this.#mutexes = Array.from({ length: program.m ?? 0 }, () => new Mutex(os));
    this.#recursives = Array.from({ length: program.r ?? 0 }, () => new RecursiveMutex(os));
    this.#groups = Array.from({ length: program.g ?? 0 }, () => ({ group: new EventGroup(os), deleted: false }));
    this.#streams = (program.b ?? []).map(([size, trigger]) => new StreamBuffer(os, size, trigger));
    this.#messages = (program.x ?? []).map((size) => new MessageBuffer(os, size));
    const { bufferIndex } = program;
    if (bufferIndex !== undefined) {
      for (const buffer of [...this.#streams, ...this.#messages]) buffer.setNotificationIndex(bufferIndex);
    }
    this.#sets = (program.S ?? []).map(([length, members]) => {
      const set = new QueueSet(os, length);
      for (const member of members) set.add(this.#member(member));
      return set;
    });
    this.#tasks = program.tasks.map(() => {
      return { handle: undefined, deleted: false, current: undefined, step: 0, wake: undefined };
    });
    program.tasks.forEach(([, late], i) => {
      if (late === 0) this.#makeTask(i);
    });
    this.#timers = (program.t ?? []).map(([period, autoReload, ops], i) => new SoftwareTimer(os, {
      name: 't', period, autoReload: autoReload !== 0, callback: () => this.#callback(i, ops),
    }));
  }

  run(): string[] {
    const { end, isr = [], pre = [] } = this.#program;
    const clock = this.#clock;
    try {
      pre.forEach((op, k) => this.#lines.push(`0 pre${k} ${op[0]} ${this.#atOnce(op, false)}`));
      this.#os.start();
      for (;;) {
        if (clock.fire()) continue;
        const next = isr[this.#nextIsr];
        if (next !== undefined && next[0] <= clock.tick) {
          this.#interrupt(next[2]);
          continue;
        }
        if (clock.tick >= end) break;
        clock.tick = Math.min(clock.alarmTick, next?.[0] ?? Infinity, end);
        if (next !== undefined && next[0] === clock.tick && next[1] !== 0) this.#interrupt(next[2]);
      }
      this.#lastState = [];
      this.#lines.push(`${clock.tick} END${this.#state()}`);
    } catch {
      // This kernel throws where FreeRTOS has an assertion.
      this.#lines.push(`${clock.tick} ASSERT`);
    }
    return this.#lines;
  }

  // ---- the log ----

  #say(who: string, step: number, name: string, result: string): void {
    this.#lines.push(`${this.#clock.tick} ${who}${step} ${name} ${result}${this.#state()}`);
  }

  /** Returns the parts of the state that have changed since the last line. */
  #state(): string {
    const now = [
      ...this.#tasks.flatMap((task, i) => this.#taskState(task, letter(i))),
      ...this.#queues.map((queue, i) => `q${i}=${queue.messagesWaiting}`),
      ...this.#semaphores.map((semaphore, i) => `s${i}=${semaphore.count}`),
      ...this.#mutexes.map((mutex, i) => `m${i}=${this.#name(mutex.holder)}`),
      ...this.#recursives.map((mutex, i) => `r${i}=${this.#name(mutex.holder)}`),
      ...this.#groups.map(({ group, deleted }, i) => `g${i}=${deleted ? -1 : group.bits}`),
      ...this.#streams.map((buffer, i) => `b${i}=${buffer.bytesAvailable}`),
      ...this.#messages.map((buffer, i) => `x${i}=${buffer.bytesAvailable}`),
      ...this.#timers.map((timer, i) => `t${i}=${timer.isActive ? (timer.expiryTime - this.#firstTick) >>> 0 : '-'}`),
    ];
    // FreeRTOS wakes the timer task once at the wrap.
    if (this.#timers.length > 0 && this.#program.wrap !== 1) {
      now.push(`T:${LETTER[this.#os.getTask('Tmr Svc')?.state ?? 'Deleted']}`);
    }
    const changed = now.filter((token, n) => token !== this.#lastState[n]);
    this.#lastState = now;
    return changed.map((token) => ` ${token}`).join('');
  }

  #taskState({ handle, deleted }: Slot, name: string): [string, string] {
    if (handle === undefined || deleted) return [`${name}:${handle === undefined ? '-' : 'D'}`, `${name}=`];
    const { priority, basePriority } = handle;
    const own = priority === basePriority ? '' : `/${basePriority}`;
    return [`${name}:${LETTER[handle.state]}${priority}${own}`, `${name}=${handle.notificationValue()}`];
  }

  #name(holder: TaskHandle | undefined): string {
    return holder === undefined ? '-' : letter(this.#tasks.findIndex((task) => task.handle === holder));
  }

  // ---- tasks, timers, interrupts ----

  #makeTask(i: number): void {
    const [priority] = at(this.#program.tasks, i);
    at(this.#tasks, i).handle = this.#os.createTask(() => this.#body(i), letter(i), priority);
  }

  *#body(i: number): Task {
    const task = at(this.#tasks, i);
    const [, , ops] = at(this.#program.tasks, i);
    for (const [step, op] of ops.entries()) {
      task.current = op;
      task.step = step;
      if (op[0] === 'del' && op[1] === i && !this.#holdsMutex(task)) {
        this.#end(task, i);
        yield* this.#os.delete();
      }
      const result = (yield* this.#operation(i, op)) ?? this.#atOnce(op, false);
      task.current = undefined;
      this.#say(letter(i), step, op[0], result);
    }
    task.step = ops.length;
    this.#end(task, i);
  }

  /** Does the work that a task does before it ends. */
  #end(task: Slot, i: number): void {
    for (; this.#suspended > 0; this.#suspended--) this.#os.resumeAll();
    for (const mutex of this.#mutexes) if (mutex.holder === task.handle) mutex.give();
    for (const mutex of this.#recursives) while (mutex.holder === task.handle) mutex.give();
    task.deleted = true;
    this.#say(letter(i), task.step, 'end', '1');
  }

  #callback(i: number, ops: readonly Op[]): void {
    this.#say(`t${i}.`, 0, 'fire', '1');
    ops.forEach((op, k) => this.#say(`t${i}.`, k + 1, op[0], this.#atOnce(op, false)));
  }

  #interrupt(ops: readonly Op[]): void {
    this.#os.enterIsr();
    // The tick interrupt comes first.
    this.#os.getTickCount();
    const who = `i${this.#nextIsr++}.`;
    ops.forEach((op, k) => this.#say(who, k, op[0], this.#atOnce(op, true)));
    this.#os.exitIsr();
  }

  // ---- what operations need ----

  #member(id: number): QueueSetMember {
    return id >= 100 ? at(this.#semaphores, id - 100) : at(this.#queues, id);
  }

  /** Returns a task that exists. */
  #usable(i: number): TaskHandle | undefined {
    const { handle, deleted } = at(this.#tasks, i);
    return deleted ? undefined : handle;
  }

  #holdsMutex({ handle }: Slot): boolean {
    return [...this.#mutexes, ...this.#recursives].some(
      (mutex) => mutex.holder !== undefined && mutex.holder === handle,
    );
  }

  /** Whether a task is in a call of this name at this buffer: a buffer has one reader and one writer at a time. */
  #isBusy(name: string, buffer: number): boolean {
    return this.#tasks.some(({ handle, deleted, current }) => {
      if (handle === undefined || handle === this.#os.runningTask || deleted) return false;
      return current?.[0] === name && current[1] === buffer;
    });
  }

  /** The buffer of an operation that begins with s or m. */
  #buffer(name: string, i: number): StreamBuffer | MessageBuffer {
    return name.startsWith('s') ? at(this.#streams, i) : at(this.#messages, i);
  }

  /** Returns a timeout: 0 while the scheduler is suspended. */
  #ticks(timeout: number): number {
    if (this.#suspended > 0) return 0;
    return timeout < 0 ? MAX_DELAY : timeout;
  }

  /** Returns bytes that differ from all earlier ones. */
  #data(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => (this.#bytes++ * 7) & 0xff);
  }

  #received(bytes: Uint8Array, n: number): string {
    return `${n}:${bytes.subarray(0, n).reduce((sum, byte, i) => (sum + byte * (i + 1)) % 65521, 0)}`;
  }

  #setBits(g: number, bits: number, isIsr: boolean): string {
    const { group, deleted } = at(this.#groups, g);
    if (deleted) return 'skip';
    if (!isIsr) return String(group.setBits(bits));
    if (this.#program.pendBits === 1) {
      return yes(timerPendFunctionCallFromIsr(this.#os, () => void group.setBits(bits)));
    }
    group.setBitsFromIsr(bits);
    return String(group.bits);
  }

  // ---- operations ----

  /** Runs an operation that does not wait, for a task, a timer callback or an interrupt. Returns its result. */
  #atOnce(op: Op, isIsr: boolean): string {
    const [name, a = 0, b = 0, c = 0, d = 0] = op;
    switch (name) {
      case 'send':
        return yes(at(this.#queues, a).sendFromIsr(b));
      case 'front':
        return yes(at(this.#queues, a).sendToFrontFromIsr(b));
      case 'over': {
        const queue = at(this.#queues, a);
        if (queue.length !== 1) return 'skip';
        if (isIsr) queue.overwriteFromIsr(b);
        else queue.overwrite(b);
        return '1';
      }
      case 'recv':
        return value(at(this.#queues, a).receiveFromIsr());
      case 'peek':
        return value(at(this.#queues, a).peekFromIsr());
      case 'qreset':
        at(this.#queues, a).reset();
        return '1';
      case 'give':
        return yes(isIsr ? at(this.#semaphores, a).giveFromIsr() : at(this.#semaphores, a).give());
      case 'take':
        return yes(at(this.#semaphores, a).takeFromIsr());
      case 'eset':
        return this.#setBits(a, b, isIsr);
      case 'eclr': {
        const { group, deleted } = at(this.#groups, a);
        if (deleted) return 'skip';
        return String(isIsr ? group.clearBitsFromIsr(b) : group.clearBits(b));
      }
      case 'ssend':
      case 'msend':
        return this.#isBusy(name, a) ? 'skip' : String(this.#buffer(name, a).sendFromIsr(this.#data(b)));
      case 'srecv':
      case 'mrecv': {
        if (this.#isBusy(name, a)) return 'skip';
        const into = new Uint8Array(b);
        return this.#received(into, this.#buffer(name, a).receiveFromIsr(into));
      }
      case 'strig':
        return yes(at(this.#streams, a).setTriggerLevel(b));
      case 'sreset':
        return yes(at(this.#streams, a).reset());
      case 'mreset':
        return yes(at(this.#messages, a).reset());
      case 'mnext':
        return String(at(this.#messages, a).nextMessageLengthBytes);
      case 'tstart':
        return yes(at(this.#timers, a).startFromIsr());
      case 'treset':
        return yes(at(this.#timers, a).resetFromIsr());
      case 'tstop':
        return yes(at(this.#timers, a).stopFromIsr());
      case 'tdel':
        return yes(at(this.#timers, a).deleteFromIsr());
      case 'tperiod':
        return yes(at(this.#timers, a).changePeriodFromIsr(b));
      case 'tmode':
        at(this.#timers, a).autoReload = b !== 0;
        return '1';
      case 'tpend':
        return yes(timerPendFunctionCallFromIsr(this.#os, () => this.#say('p', a, 'call', '1')));
      case 'select': {
        const member = at(this.#sets, a).selectFromIsr();
        if (member === undefined) return '-';
        if (member instanceof Semaphore) return `s${this.#semaphores.indexOf(member)}:${yes(member.takeFromIsr())}`;
        const queue = this.#queues.findIndex((candidate) => candidate === member);
        return `q${queue}:${value(at(this.#queues, queue).receiveFromIsr())}`;
      }
      case 'sadd':
        return yes(at(this.#sets, a).add(this.#member(b)));
      case 'srem':
        return yes(at(this.#sets, a).remove(this.#member(b)));
      case 'now':
        return String((this.#os.getTickCount() - this.#firstTick) >>> 0);
      case 'spend':
        if (this.#clock.tick > this.#program.end + OVERTIME_TICKS) throw new Error('the device runs on and on');
        this.#clock.tick += a;
        if (this.#program.look !== 0) this.#os.getTickCount();
        return '1';
      default: {
        const task = this.#usable(a);
        return task === undefined ? 'skip' : this.#toTask(task, name, [b, c, d], isIsr);
      }
    }
  }

  /** Runs an operation that affects another task. Returns its result. */
  #toTask(task: TaskHandle, name: string, [b, c, d]: readonly [number, number, number], isIsr: boolean): string {
    switch (name) {
      case 'notify':
        return yes(isIsr ? task.notifyFromIsr(b, at(ACTIONS, c), d) : task.notify(b, at(ACTIONS, c), d));
      case 'notifyq': {
        const { done, previous } = task.notifyAndQuery(b, at(ACTIONS, c), d);
        return `${yes(done)}:${previous}`;
      }
      case 'ngive':
        if (isIsr) task.notifyGiveFromIsr(b);
        else task.notifyGive(b);
        return '1';
      case 'nsclr':
        return yes(task.notifyStateClear(b));
      case 'nvclr':
        return String(task.notifyValueClear(b, c));
      case 'resume':
        if (isIsr) task.resumeFromIsr();
        else task.resume();
        return '1';
      case 'abort':
        return yes(task.abortDelay());
      case 'prio':
        task.setPriority(b);
        return '1';
      case 'susp':
        task.suspend();
        return '1';
      default:
        throw new Error(`there is no operation ${name}`);
    }
  }

  /** Runs an operation that can wait, or that only a task may do. Returns undefined for any other operation. */
  *#operation(me: number, op: Op): Generator<void, string | undefined, void> {
    const os = this.#os;
    const task = at(this.#tasks, me);
    const [name, a = 0, b = 0, c = 0, d = 0, e = 0] = op;
    switch (name) {
      case 'send':
        return yes(yield* at(this.#queues, a).send(b, this.#ticks(c)));
      case 'front':
        return yes(yield* at(this.#queues, a).sendToFront(b, this.#ticks(c)));
      case 'recv':
        return value(yield* at(this.#queues, a).receive(this.#ticks(b)));
      case 'peek':
        return value(yield* at(this.#queues, a).peek(this.#ticks(b)));
      case 'take':
        return yes(yield* at(this.#semaphores, a).take(this.#ticks(b)));
      case 'lock':
        return yes(yield* at(this.#mutexes, a).take(this.#ticks(b)));
      case 'unlock': {
        const mutex = at(this.#mutexes, a);
        return mutex.holder !== undefined && mutex.holder !== task.handle ? 'skip' : yes(mutex.give());
      }
      case 'rlock':
        return yes(yield* at(this.#recursives, a).take(this.#ticks(b)));
      case 'runlock':
        return yes(at(this.#recursives, a).give());
      case 'ewait': {
        const { group, deleted } = at(this.#groups, a);
        if (deleted) return 'skip';
        const how = { waitForAll: c !== 0, clearOnExit: d !== 0, timeout: this.#ticks(e) };
        return String(yield* group.waitBits(b, how));
      }
      case 'esync': {
        const { group, deleted } = at(this.#groups, a);
        return deleted ? 'skip' : String(yield* group.sync(b, c, this.#ticks(d)));
      }
      case 'edel':
        return this.#deleteGroup(task, a);
      case 'ntake':
        return String(yield* os.notifyTake(a !== 0, this.#ticks(b), c));
      case 'nwait':
        return value(yield* os.notifyWait(a, b, this.#ticks(c), d));
      case 'ssend':
      case 'msend':
        if (this.#isBusy(name, a)) return 'skip';
        return String(yield* this.#buffer(name, a).send(this.#data(b), this.#ticks(c)));
      case 'srecv':
      case 'mrecv': {
        if (this.#isBusy(name, a)) return 'skip';
        const into = new Uint8Array(b);
        return this.#received(into, yield* this.#buffer(name, a).receive(into, this.#ticks(c)));
      }
      case 'tstart':
        return yes(yield* at(this.#timers, a).start(this.#ticks(b)));
      case 'treset':
        return yes(yield* at(this.#timers, a).reset(this.#ticks(b)));
      case 'tstop':
        return yes(yield* at(this.#timers, a).stop(this.#ticks(b)));
      case 'tdel':
        return yes(yield* at(this.#timers, a).delete(this.#ticks(b)));
      case 'tperiod':
        return yes(yield* at(this.#timers, a).changePeriod(b, this.#ticks(c)));
      case 'tpend':
        return yes(yield* timerPendFunctionCall(os, () => this.#say('p', a, 'call', '1'), this.#ticks(b)));
      case 'select': {
        const member = yield* at(this.#sets, a).select(this.#ticks(b));
        if (member === undefined) return '-';
        if (member instanceof Semaphore) return `s${this.#semaphores.indexOf(member)}:${yes(yield* member.take(0))}`;
        const queue = this.#queues.findIndex((candidate) => candidate === member);
        return `q${queue}:${value(yield* at(this.#queues, queue).receive(0))}`;
      }
      case 'delay':
        if (this.#suspended > 0) return 'skip';
        yield* os.delay(a);
        return '1';
      case 'until':
        if (this.#suspended > 0) return 'skip';
        task.wake ??= { tick: os.getTickCount() };
        return yes(yield* os.delayUntil(task.wake, a));
      case 'yield':
        yield* os.yield();
        return '1';
      case 'susp':
        if (a !== me) return undefined;
        if (this.#suspended > 0) return 'skip';
        yield* os.suspend();
        return '1';
      case 'sall':
        this.#suspended++;
        os.suspendAll();
        return '1';
      case 'rall':
        if (this.#suspended === 0) return 'skip';
        this.#suspended--;
        os.resumeAll();
        return '1';
      case 'create':
        if (at(this.#tasks, a).handle !== undefined) return 'skip';
        this.#makeTask(a);
        return '1';
      case 'del':
        return this.#deleteTask(a);
      default:
        return undefined;
    }
  }

  /**
   * The buffer cannot be deleted while another task that waited at it has not run yet, because FreeRTOS frees the
   * memory.
   */
  #deleteGroup(caller: Slot, g: number): string {
    const entry = at(this.#groups, g);
    const isLeaving = this.#tasks.some((other) => {
      if (other === caller || other.handle === undefined || other.deleted || other.current?.[1] !== g) return false;
      return ['ewait', 'esync'].includes(other.current[0]) && other.handle.state !== 'Blocked';
    });
    if (entry.deleted || isLeaving) return 'skip';
    entry.deleted = true;
    entry.group.delete();
    return '1';
  }

  /** The task must not hold a mutex or use a buffer, because neither would ever be released. */
  #deleteTask(i: number): string {
    const other = at(this.#tasks, i);
    const handle = this.#usable(i);
    const isAtBuffer = ['ssend', 'srecv', 'msend', 'mrecv'].includes(other.current?.[0] ?? '');
    if (handle === undefined || this.#holdsMutex(other) || isAtBuffer) return 'skip';
    other.deleted = true;
    handle.delete();
    return '1';
  }
}
