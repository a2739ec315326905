/**
 * Random programs on all objects at once, against models of what each must hold. Every call takes effect in the turn in
 * which it returns, so that a model kept beside each object must agree with it after every single call; and whenever
 * the device sleeps, nobody may wait for what is there, nor longer than it said.
 */

import { expect, test } from 'vitest';
import {
  EventGroup,
  type Kernel,
  MAX_DELAY,
  Mutex,
  Queue,
  RecursiveMutex,
  Semaphore,
  type Task,
  type TaskHandle,
} from '../../../firmware/rtos/index.ts';
import { check } from '../../support/check.ts';
import { device, type ManualClock } from '../../support/manual-clock.ts';
import { Seeded } from '../../support/seeded.ts';

const BITS = 0b1111;

/**
 * `calm`: no task suspends or aborts another, or changes its priority. Only in such programs is no wake-up wasted, as
 * in FreeRTOS.
 */
class Program {
  readonly clock: ManualClock;
  readonly os: Kernel;
  readonly random: Seeded;
  readonly calm: boolean;
  readonly tasks: TaskHandle[] = [];
  readonly queues: { queue: Queue<number>; model: number[] }[] = [];
  readonly semaphores: { semaphore: Semaphore; count: number }[] = [];
  readonly mutexes: { mutex: Mutex | RecursiveMutex; owner: TaskHandle | undefined; waiting: Set<TaskHandle> }[] = [];
  readonly group: EventGroup;
  /** For each waiting task, a function that returns whether the thing it waits for is there. */
  readonly waits = new Map<TaskHandle, () => boolean>();
  calls = 0;
  #items = 0;

  constructor(seed: number) {
    this.random = new Seeded(seed);
    this.calm = this.random.chance(2);
    const { clock, os } = device({ initialTickCount: this.random.pick([0, MAX_DELAY - 50]) });
    this.clock = clock;
    this.os = os;
    this.group = new EventGroup(os);
    for (let n = 0; n < 2; n++) {
      this.queues.push({ queue: new Queue<number>(os, 1 + this.random.below(3)), model: [] });
      this.semaphores.push({ semaphore: new Semaphore(os, 1 + this.random.below(3)), count: 0 });
    }
    for (let n = 0; n < 3; n++) {
      this.mutexes.push({
        mutex: n === 2 ? new RecursiveMutex(os) : new Mutex(os),
        owner: undefined,
        waiting: new Set(),
      });
    }
    const count = 3 + this.random.below(8);
    for (let n = 0; n < count; n++) {
      this.tasks.push(os.createTask(() => this.#task(), `task ${n}`, this.random.below(5)));
    }
  }

  *#task(): Task {
    for (;;) {
      const self = this.os.runningTask;
      if (self === undefined) throw new Error('a task runs that is not the running task');
      this.calls++;
      yield* this.#step(self);
      check(self.mutexesHeld > 0 || self.priority === self.basePriority, 'who holds no mutex has its own priority');
    }
  }

  *#step(self: TaskHandle): Task {
    const { random, os } = this;
    switch (random.below(this.calm ? 9 : 12)) {
      case 0: case 1: return yield* this.#send(self);
      case 2: case 3: return yield* this.#receive(self);
      case 4: return yield* this.#take(self);
      case 5: return this.#give();
      case 6: return yield* this.#exclude(self);
      case 7: return yield* this.#bits(self);
      case 8: return yield* os.delay(random.below(6));
      case 9: return random.pick(this.tasks).setPriority(random.below(5));
      case 10: return void random.pick(this.tasks).abortDelay();
      default: return this.#suspendOrResume(random.pick(this.tasks), self);
    }
  }

  #timeout(): number {
    return this.random.pick([0, 0, 1, 5, 20, MAX_DELAY]);
  }

  /** Runs a wait, and checks its time. No time passes while tasks run, so the time is exact. */
  *#wait<T>(
    self: TaskHandle, timeout: number, isThere: () => boolean, call: Generator<void, T, void>,
    inVain: (result: T) => boolean,
  ): Generator<void, T, void> {
    const from = this.clock.now();
    this.waits.set(self, isThere);
    const result = yield* call;
    this.waits.delete(self);
    const waitedMs = this.clock.now() - from;
    if (this.calm) {
      check(waitedMs <= timeout, 'nobody waits longer than its timeout');
      if (inVain(result)) check(waitedMs === timeout, 'nobody gives up before its timeout');
    }
    return result;
  }

  *#send(self: TaskHandle): Task {
    const { queue, model } = this.random.pick(this.queues);
    const item = this.#items++;
    const timeout = this.#timeout();
    const toFront = this.random.chance(3);
    const sent =
      yield* this.#wait(
        self,
        timeout,
        () => model.length < queue.length,
        each(toFront ? () => queue.sendToFront(item, timeout) : () => queue.send(item, timeout)),
        (done) => !done,
      );
    check(sent === model.length < queue.length, 'it is sent when there is room, and only then');
    if (sent && toFront) model.unshift(item);
    else if (sent) model.push(item);
  }

  *#receive(self: TaskHandle): Task {
    const { queue, model } = this.random.pick(this.queues);
    const timeout = this.#timeout();
    const peek = this.random.chance(3);
    const item =
      yield* this.#wait(
        self,
        timeout,
        () => model.length > 0,
        each(() => (peek ? queue.peek(timeout) : queue.receive(timeout))),
        (got) => got === undefined,
      );
    check(item === model[0], 'the first item is received');
    if (!peek) model.shift();
    check(queue.messagesWaiting === model.length, 'no item is lost or doubled');
  }

  *#take(self: TaskHandle): Task {
    const one = this.random.pick(this.semaphores);
    const timeout = this.#timeout();
    const taken =
      yield* this.#wait(
        self,
        timeout,
        () => one.count > 0,
        each(() => one.semaphore.take(timeout)),
        (done) => !done,
      );
    check(taken === one.count > 0, 'it is taken when it is there, and only then');
    if (taken) one.count--;
  }

  #give(): void {
    const one = this.random.pick(this.semaphores);
    const given = one.semaphore.give();
    check(given === one.count < one.semaphore.maxCount, 'it is given when there is room, and only then');
    if (given) one.count++;
    check(one.semaphore.count === one.count, 'the count is the count');
  }

  /** Takes one mutex or more, always in the same order, does something in them, gives them in any order. */
  *#exclude(self: TaskHandle): Task {
    const { random, os } = this;
    const held: Program['mutexes'] = [];
    for (const one of this.mutexes) {
      if (!random.chance(2)) continue;
      const timeout = this.#timeout();
      one.waiting.add(self);
      const taken =
        yield* this.#wait(
          self,
          timeout,
          () => one.owner === undefined,
          each(() => one.mutex.take(timeout)),
          (done) => !done,
        );
      one.waiting.delete(self);
      if (!taken) continue;
      check(one.owner === undefined, 'one holder at a time');
      one.owner = self;
      held.push(one);
      if (random.chance(2)) yield* os.delay(random.below(4));
    }
    while (held.length > 0) {
      const [one] = held.splice(random.below(held.length), 1);
      if (one === undefined) continue;
      check(one.owner === self && one.mutex.holder === self, 'it is still the holder');
      one.owner = undefined;
      check(one.mutex.give(), 'the holder can give');
      if (random.chance(3)) yield* os.yield();
    }
  }

  *#bits(self: TaskHandle): Task {
    const { group, random } = this;
    const bits = 1 + random.below(BITS);
    if (random.chance(2)) return void (random.chance(3) ? group.clearBits(bits) : group.setBits(bits));
    const waitForAll = random.chance(2);
    const isThere = (): boolean => (waitForAll ? (group.bits & bits) === bits : (group.bits & bits) !== 0);
    const enough = (found: number): boolean => (waitForAll ? (found & bits) === bits : (found & bits) !== 0);
    const timeout = this.#timeout();
    yield* this.#wait(
        self,
        timeout,
        isThere,
        each(() => group.waitBits(bits, { waitForAll, clearOnExit: random.chance(2), timeout })),
        (found) => !enough(found),
      );
  }

  #suspendOrResume(other: TaskHandle, self: TaskHandle): void {
    if (other.state === 'Suspended') other.resume();
    else if (other !== self && this.random.chance(2)) other.suspend();
  }

  /** Runs an interrupt that makes a few calls. */
  interrupt(): void {
    const { os, random } = this;
    os.enterIsr();
    const { queue, model } = random.pick(this.queues);
    if (random.chance(2)) {
      const item = this.#items++;
      if (queue.sendFromIsr(item)) model.push(item);
    } else {
      check(queue.receiveFromIsr() === model.shift(), 'an interrupt receives the first item');
    }
    const one = random.pick(this.semaphores);
    if (one.semaphore.giveFromIsr()) one.count++;
    this.group.setBitsFromIsr(random.below(BITS + 1));
    for (const task of this.tasks) task.resume();
    os.exitIsr();
  }

  /** Checks the rules that hold whenever the device sleeps. */
  checkAsleep(): void {
    for (const task of this.tasks) {
      check(task.state !== 'Ready', 'every task that is ready runs before the device sleeps');
      const isThere = this.waits.get(task);
      if (this.calm && isThere !== undefined) check(!isThere(), 'nobody waits for what is there');
    }
    if (!this.calm) return;
    for (const { owner, waiting } of this.mutexes) {
      for (const task of waiting) {
        check(
          owner === undefined || owner.priority >= task.basePriority,
          'the holder runs at the priority of who waits',
        );
      }
    }
  }
}

/** A blocking call as a generator, called when it is first asked for. */
function* each<T>(
  call: () => Iterable<void> & { [Symbol.iterator](): Iterator<void, T, void> },
): Generator<void, T, void> {
  return yield* call();
}

test.each(Array.from({ length: 60 }, (_, n) => 1000 + n))('seed %i', (seed) => {
  const program = new Program(seed);
  program.os.start();
  for (let step = 0; step < 150; step++) {
    program.clock.advance(program.random.below(8));
    program.checkAsleep();
    program.interrupt();
  }
  expect(program.calls).toBeGreaterThan(200);
});
