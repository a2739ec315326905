/** Cost of the kernel: a task switch, a queue, a notification, a wake-up by the clock, and the memory for them. */

import { performance } from 'node:perf_hooks';
import { Kernel, MAX_DELAY, Queue, type Task } from 'cablepull/firmware';
import type { Clock } from 'cablepull/hal';
import { nodeClock } from 'cablepull/hal/node';
import { figure, type Figure, type Round } from './figure.ts';
import { collectGarbage, heldBytes } from './memory.ts';
import type { Asked } from './part.ts';

const ROUNDS = 15;
const YIELDS = 400_000;
const ROUND_TRIPS = 100_000;

const WAKE_UP_ROUNDS = 5;
const WAKE_UPS = 1_000_000;
const TASKS = [1000, 10_000, 100_000];
const DELAY_TICKS = 10;

const MEMORY_ROUNDS = 5;
const KERNELS = 20_000;

export async function kernelFigures({ all }: Asked): Promise<Figure[]> {
  return [...(await switches(all ? ROUNDS : 5)), ...wakeUps(all ? WAKE_UP_ROUNDS : 3), memory()];
}

// ---- switches ----

/**
 * All kinds take turns, so that the engine knows the kernel as it does in firmware, which uses all of it, and not tuned
 * to one call.
 */
async function switches(roundCount: number): Promise<Figure[]> {
  const yields: Round[] = [];
  const queues: Round[] = [];
  const notifications: Round[] = [];
  // The first round is for the engine to compile.
  for (let round = 0; round <= roundCount; round++) {
    const bareNs = resume([outer(), outer()], YIELDS);
    const yieldNs = await timed(2 * YIELDS, (os, done) => {
      os.createTask(yielder, 'one', 1, YIELDS, done);
      os.createTask(yielder, 'two', 1, YIELDS, done);
    });
    const queueNs = await timed(ROUND_TRIPS, (os, done) => {
      const ping = new Queue<number>(os, 1);
      const pong = new Queue<number>(os, 1);
      os.createTask(asker, 'asker', 1, ping, pong, done);
      os.createTask(answerer, 'answerer', 1, ping, pong, done);
    });
    const notifyNs = await timed(ROUND_TRIPS, (os, done) => {
      os.createTask(giver, 'first', 1, 'second', true, done);
      os.createTask(giver, 'second', 1, 'first', false, done);
    });
    if (round === 0) continue;
    yields.push({ measured: yieldNs, floor: bareNs });
    // A round trip is two switches.
    queues.push({ measured: queueNs, floor: 2 * bareNs });
    notifications.push({ measured: notifyNs, floor: 2 * bareNs });
  }
  return [
    figure(
      {
        what: 'yield between two tasks',
        unit: 'ns',
        budget: { of: 'ratio', max: 2.5 },
        note: 'FreeRTOS POSIX port: 0.54 M/s',
      },
      yields,
    ),
    figure(
      {
        what: 'queue ping-pong, round trip',
        unit: 'ns',
        budget: { of: 'measured', max: 1000 / 1.5 },
        note: 'FreeRTOS POSIX port: 0.12 M/s',
      },
      queues,
    ),
    figure(
      {
        what: 'notification ping-pong, round trip',
        unit: 'ns',
        budget: { of: 'measured', max: 1000 / 2.5 },
        note: 'FreeRTOS POSIX port: 0.17 M/s',
      },
      notifications,
    ),
  ];
}

/** Runs a kernel on this machine's clock until two tasks are `done`; gives the time for one of `count`, in ns. */
function timed(count: number, start: (os: Kernel, done: () => void) => void): Promise<number> {
  return new Promise((resolve) => {
    const os = new Kernel(nodeClock());
    let left = 2;
    start(os, () => {
      if (--left > 0) return;
      os.stop();
      resolve(((performance.now() - startMs) * 1e6) / count);
    });
    const startMs = performance.now();
    os.start();
  });
}

function* yielder(os: Kernel, count: number, done: () => void): Task {
  for (let i = 0; i < count; i++) yield* os.yield();
  done();
}

function* asker(_os: Kernel, ping: Queue<number>, pong: Queue<number>, done: () => void): Task {
  for (let i = 0; i < ROUND_TRIPS; i++) {
    yield* ping.send(i);
    yield* pong.receive();
  }
  done();
}

function* answerer(_os: Kernel, ping: Queue<number>, pong: Queue<number>, done: () => void): Task {
  for (let i = 0; i < ROUND_TRIPS; i++) {
    yield* ping.receive();
    yield* pong.send(i);
  }
  done();
}

function* giver(os: Kernel, otherName: string, begins: boolean, done: () => void): Task {
  const other = os.getTask(otherName);
  if (other === undefined) throw new Error(`there is no task ${otherName}`);
  for (let i = 0; i < ROUND_TRIPS; i++) {
    if (begins) other.notifyGive();
    yield* os.notifyTake(true, MAX_DELAY);
    if (!begins) other.notifyGive();
  }
  done();
}

// ---- the floor: generators, each in another by `yield*`, as a task is in its blocking call ----

function* inner(): Generator<void, void, void> {
  for (;;) yield;
}

function* outer(): Generator<void, void, void> {
  yield* inner();
}

/** Resumes generators in turn, each `times` times; gives the time for one resumption, in ns. */
function resume(generators: readonly Generator[], times: number): number {
  const startMs = performance.now();
  for (let i = 0; i < times; i++) {
    for (const generator of generators) generator.next();
  }
  return ((performance.now() - startMs) * 1e6) / (generators.length * times);
}

// ---- wake-ups ----

/** A clock that jumps to its alarm. */
class JumpingClock implements Clock {
  #nowMs = 0;
  #alarmMs = 0;
  #isr: (() => void) | undefined;

  now(): number {
    return this.#nowMs;
  }

  setAlarm(atMs: number, isr: () => void): void {
    this.#alarmMs = atMs;
    this.#isr = isr;
  }

  clearAlarm(): void {
    this.#isr = undefined;
  }

  jump(): void {
    this.#nowMs = Math.max(this.#nowMs, this.#alarmMs);
    this.#isr?.();
  }
}

let wokenCount = 0;

function* sleeper(os: Kernel): Task {
  for (;;) {
    yield* os.delay(DELAY_TICKS);
    wokenCount++;
  }
}

/**
 * The time for one wake-up among so many tasks; its floor pays for the caches, too, as so many generators do not fit
 * into them either.
 */
function wakeUp(tasks: number): Round {
  const clock = new JumpingClock();
  const os = new Kernel(clock);
  for (let i = 0; i < tasks; i++) os.createTask(sleeper, 'sleeper', 1);
  os.start();
  const wake = (count: number): void => {
    wokenCount = 0;
    while (wokenCount < count) clock.jump();
  };
  const generators = Array.from({ length: tasks }, outer);
  // One round is not measured: afterwards all tasks exist and sleep.
  wake(tasks);
  resume(generators, 1);
  collectGarbage();

  const floor = resume(generators, WAKE_UPS / tasks);
  const startMs = performance.now();
  wake(WAKE_UPS);
  return { measured: ((performance.now() - startMs) * 1e6) / wokenCount, floor };
}

function wakeUps(roundCount: number): Figure[] {
  const rounds = TASKS.map((): Round[] => []);
  for (let round = 0; round <= roundCount; round++) {
    for (const [i, tasks] of TASKS.entries()) {
      const costs = wakeUp(tasks);
      if (round > 0) rounds[i]?.push(costs);
    }
  }
  const figures: Figure[] = [];
  for (const [i, tasks] of TASKS.entries()) {
    const first = figures[0];
    const question = {
      what: `wake-up among ${tasks.toLocaleString('en')} tasks in delay(${DELAY_TICKS})`,
      unit: 'ns',
    } as const;
    figures.push(
      first === undefined
        ? figure(question, rounds[i] ?? [])
        : figure({
            ...question,
            budget: { of: 'ratio', max: (first.ratio * Math.log(tasks)) / Math.log(TASKS[0] ?? tasks) },
            note: 'budget: log n times what the fewest cost',
            why: 'nothing is compared or sorted any more, and a task is fetched only when it runs; but then it is in no cache',
          }, rounds[i] ?? []),
    );
  }
  return figures;
}

// ---- memory ----

function* suspended(os: Kernel): Task {
  yield* os.suspend();
}

function memory(): Figure {
  const clock = new JumpingClock();
  const newKernel = (): unknown => {
    const os = new Kernel(clock);
    os.createTask(suspended, 'one', 1);
    os.createTask(suspended, 'two', 1);
    os.start();
    return os;
  };
  const newGenerators = (): unknown => {
    const generators = [outer(), outer()];
    for (const generator of generators) generator.next();
    return generators;
  };
  const rounds: Round[] = [];
  for (let round = 0; round <= MEMORY_ROUNDS; round++) {
    const floor = heldBytes(KERNELS, newGenerators);
    const measured = heldBytes(KERNELS, newKernel);
    if (round > 0) rounds.push({ measured, floor });
  }
  const question = {
    what: 'memory of a kernel with two suspended tasks',
    unit: 'bytes',
    note: 'floor: two suspended generators',
  } as const;
  return figure({ ...question, budget: { of: 'measured', max: 2048 } }, rounds);
}
