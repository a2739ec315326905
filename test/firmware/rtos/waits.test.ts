/**
 * Every call that can wait, and everything that can end a wait: the event, the time, abortDelay, suspend and resume,
 * delete.
 */

import { describe, expect, test } from 'vitest';
import {
  type Blocking, EventGroup, type Kernel, MAX_DELAY, MessageBuffer, Mutex, Queue, QueueSet, RecursiveMutex, Semaphore,
  SoftwareTimer, StreamBuffer, type TaskHandle,
} from '../../../firmware/rtos/index.ts';
import { device, type ManualClock } from '../../support/manual-clock.ts';

interface Wait {
  call(timeout: number): Blocking<unknown>;
  /** Brings what is waited for, as an interrupt or a task would. */
  come(waiter: TaskHandle): void;
  readonly came: unknown;
  readonly nothing: unknown;
  /** After a resume it looks again, and goes on waiting. False: it is over with the resume, as vTaskDelay is. */
  readonly waitsOn: boolean;
  /** After an abort, too, for which xStreamBufferSend does not look. */
  readonly outlastsAbort?: boolean;
}

const HOLDER = 'holder';

/** A mutex that another task holds until it is notified. */
function held(os: Kernel, mutex: Mutex | RecursiveMutex): (waiter: TaskHandle) => void {
  const holder = os.createTask(function* () {
    yield* mutex.take();
    yield* os.notifyTake(true, MAX_DELAY);
    mutex.give();
    yield* os.suspend();
  }, HOLDER, 7);
  return () => holder.notifyGiveFromIsr();
}

const STUBBORN = { waitsOn: true, outlastsAbort: true };

const KINDS: Readonly<Record<string, (os: Kernel) => Wait>> = {
  'queue.receive': (os) => {
    const queue = new Queue<number>(os, 1);
    return {
      call: (t) => queue.receive(t),
      come: () => queue.sendFromIsr(5),
      came: 5,
      nothing: undefined,
      waitsOn: true,
    };
  },
  'queue.peek': (os) => {
    const queue = new Queue<number>(os, 1);
    return { call: (t) => queue.peek(t), come: () => queue.sendFromIsr(5), came: 5, nothing: undefined, waitsOn: true };
  },
  'queue.send': (os) => {
    const queue = new Queue<number>(os, 1);
    queue.sendFromIsr(1);
    return {
      call: (t) => queue.send(2, t),
      come: () => queue.receiveFromIsr(),
      came: true,
      nothing: false,
      waitsOn: true,
    };
  },
  'queue.sendToFront': (os) => {
    const queue = new Queue<number>(os, 1);
    queue.sendFromIsr(1);
    return {
      call: (t) => queue.sendToFront(2, t),
      come: () => {
        os.enterIsr();
        queue.reset();
        os.exitIsr();
      },
      came: true,
      nothing: false,
      waitsOn: true,
    };
  },
  'queueSet.select': (os) => {
    const set = new QueueSet(os, 1);
    const semaphore = new Semaphore(os);
    set.add(semaphore);
    return {
      call: (t) => set.select(t),
      come: () => semaphore.giveFromIsr(),
      came: semaphore,
      nothing: undefined,
      waitsOn: true,
    };
  },
  'semaphore.take': (os) => {
    const semaphore = new Semaphore(os);
    return {
      call: (t) => semaphore.take(t),
      come: () => semaphore.giveFromIsr(),
      came: true,
      nothing: false,
      waitsOn: true,
    };
  },
  'mutex.take': (os) => {
    const mutex = new Mutex(os);
    return { call: (t) => mutex.take(t), come: held(os, mutex), came: true, nothing: false, waitsOn: true };
  },
  'recursiveMutex.take': (os) => {
    const mutex = new RecursiveMutex(os);
    return { call: (t) => mutex.take(t), come: held(os, mutex), came: true, nothing: false, waitsOn: true };
  },
  'eventGroup.waitBits': (os) => {
    const group = new EventGroup(os);
    return {
      call: (timeout) => group.waitBits(4, { timeout }),
      come: () => group.setBitsFromIsr(5),
      came: 5,
      nothing: 0,
      waitsOn: false,
    };
  },
  'eventGroup.sync': (os) => {
    const group = new EventGroup(os);
    return {
      call: (t) => group.sync(1, 3, t),
      come: () => group.setBitsFromIsr(2),
      came: 3,
      nothing: 1,
      waitsOn: false,
    };
  },
  notifyTake: (os) => ({
    call: (t) => os.notifyTake(true, t),
    come: (waiter) => waiter.notifyGiveFromIsr(),
    came: 1,
    nothing: 0,
    waitsOn: false,
  }),
  'notifyTake at index 3': (os) => ({
    call: (t) => os.notifyTake(true, t, 3),
    come: (waiter) => waiter.notifyGiveFromIsr(3),
    came: 1,
    nothing: 0,
    waitsOn: false,
  }),
  notifyWait: (os) => ({
    call: (t) => os.notifyWait(0, 0, t),
    come: (waiter) => waiter.notifyFromIsr(9, 'overwrite'),
    came: 9,
    nothing: undefined,
    waitsOn: false,
  }),
  'streamBuffer.receive': (os) => {
    const buffer = new StreamBuffer(os, 8);
    return {
      call: (t) => buffer.receive(new Uint8Array(8), t),
      come: () => buffer.sendFromIsr(new Uint8Array(3)),
      came: 3,
      nothing: 0,
      waitsOn: false,
    };
  },
  'streamBuffer.send': (os) => {
    const buffer = new StreamBuffer(os, 8);
    buffer.sendFromIsr(new Uint8Array(8));
    return {
      call: (t) => buffer.send(new Uint8Array(4), t),
      come: () => buffer.receiveFromIsr(new Uint8Array(4)),
      came: 4,
      nothing: 0,
      ...STUBBORN,
    };
  },
  'messageBuffer.receive': (os) => {
    const buffer = new MessageBuffer(os, 20);
    return {
      call: (t) => buffer.receive(new Uint8Array(8), t),
      come: () => buffer.sendFromIsr(new Uint8Array(3)),
      came: 3,
      nothing: 0,
      waitsOn: false,
    };
  },
  'messageBuffer.send': (os) => {
    const buffer = new MessageBuffer(os, 20);
    buffer.sendFromIsr(new Uint8Array(16));
    return {
      call: (t) => buffer.send(new Uint8Array(4), t),
      come: () => buffer.receiveFromIsr(new Uint8Array(16)),
      came: 4,
      nothing: 0,
      ...STUBBORN,
    };
  },
};

/** A task of priority 1 that waits from tick 0 on; `results` gets what its wait gave, and when. */
function waiting(
  kind: string,
  timeout: number,
  leftOver = false,
): { clock: ManualClock; os: Kernel; wait: Wait; waiter: TaskHandle; results: { tick: number; gave: unknown }[] } {
  const { clock, os } = device();
  const wait = KINDS[kind]?.(os);
  if (wait === undefined) throw new Error(`no kind ${kind}`);
  const results: { tick: number; gave: unknown }[] = [];
  const waiter = os.createTask(
    function* () {
      const gave = yield* wait.call(timeout);
      results.push({ tick: os.getTickCount(), gave });
      // A second wait of another kind: nothing of the first is left over in it, unless the mark of an abort is.
      const semaphore = new Semaphore(os);
      const from = os.getTickCount();
      if (leftOver) expect(yield* semaphore.take(20)).toBe(false);
      expect(os.getTickCount()).toBe(from);
      expect(yield* semaphore.take(20)).toBe(false);
      expect(os.getTickCount()).toBe(from + 20);
    },
    'waiter',
    1,
  );
  os.start();
  return { clock, os, wait, waiter, results };
}

describe.each(Object.keys(KINDS))('%s', (kind) => {
  test('with a timeout of 0 it does not wait', () => {
    const { wait, results, waiter } = waiting(kind, 0);
    expect(results).toEqual([{ tick: 0, gave: wait.nothing }]);
    expect(waiter.state).toBe('Blocked');
  });

  test('ends without a result when the time is over, and not before', () => {
    const { clock, wait, waiter, results } = waiting(kind, 100);
    clock.advance(99.999);
    expect(waiter.state).toBe('Blocked');
    expect(results).toEqual([]);
    clock.advance(0.001);
    expect(results).toEqual([{ tick: 100, gave: wait.nothing }]);
    clock.advance(1000);
    expect(waiter.state).toBe('Deleted');
  });

  test('returns its result when that comes in the last tick', () => {
    const { clock, wait, waiter, results } = waiting(kind, 100);
    clock.advance(99.999);
    wait.come(waiter);
    expect(results).toEqual([{ tick: 99, gave: wait.came }]);
    clock.advance(1000);
    expect(waiter.state).toBe('Deleted');
  });

  test('MAX_DELAY has no end', () => {
    const { clock, wait, waiter, results } = waiting(kind, MAX_DELAY);
    expect(clock.alarmMs).toBeUndefined();
    clock.advance(2 ** 32 + 10);
    expect(waiter.state).toBe('Blocked');
    wait.come(waiter);
    expect(results.map(({ gave }) => gave)).toEqual([wait.came]);
  });

  test('the longest timeout that has an end, ends', () => {
    const { clock, wait, waiter, results } = waiting(kind, MAX_DELAY - 1);
    clock.advance(MAX_DELAY - 1 - 0.5);
    expect(waiter.state).toBe('Blocked');
    clock.advance(0.5);
    expect(results).toEqual([{ tick: MAX_DELAY - 1, gave: wait.nothing }]);
  });

  test.each([100, MAX_DELAY])(
    'abortDelay ends it as a timeout does, but not a wait for room in a buffer (timeout %i)',
    (timeout) => {
      const { clock, wait, waiter, results } = waiting(kind, timeout, kind.startsWith('eventGroup'));
      clock.advance(40);
      expect(waiter.abortDelay()).toBe(true);
      expect(waiter.abortDelay()).toBe(false);
      clock.advance(0);
      if (wait.outlastsAbort === true) {
        expect(waiter.state).toBe('Blocked');
        clock.advance(59.999);
        expect(results).toEqual([]);
        clock.advance(0.001);
        expect(results).toEqual(timeout === 100 ? [{ tick: 100, gave: wait.nothing }] : []);
        return;
      }
      expect(results).toEqual([{ tick: 40, gave: wait.nothing }]);
      clock.advance(20);
      expect(waiter.state).toBe('Deleted');
    },
  );

  test('suspended, it does not see the event; resumed, it finds it', () => {
    const { clock, wait, waiter, results } = waiting(kind, 100);
    clock.advance(10);
    waiter.suspend();
    expect(waiter.state).toBe('Suspended');
    wait.come(waiter);
    clock.advance(10);
    expect(results).toEqual([]);
    expect(waiter.abortDelay()).toBe(false);
    waiter.resume();
    clock.advance(0);
    expect(results.map(({ tick }) => tick)).toEqual([20]);
    // The bits of a sync were set while it was not in the line, so nobody cleared them for it: it reads them itself.
    expect(results.map(({ gave }) => gave)).toEqual([wait.came]);
  });

  test('resumed within its time, it looks again and waits for the rest', () => {
    const { clock, wait, waiter, results } = waiting(kind, 100);
    clock.advance(10);
    waiter.suspend();
    clock.advance(20);
    waiter.resumeFromIsr();
    if (!wait.waitsOn) {
      expect(results).toEqual([{ tick: 30, gave: wait.nothing }]);
      return;
    }
    expect(waiter.state).toBe('Blocked');
    clock.advance(69.999);
    expect(results).toEqual([]);
    clock.advance(0.001);
    expect(results).toEqual([{ tick: 100, gave: wait.nothing }]);
  });

  test('resumed after its time, it is over', () => {
    const { clock, wait, waiter, results } = waiting(kind, 100);
    clock.advance(10);
    waiter.suspend();
    clock.advance(500);
    expect(results).toEqual([]);
    waiter.resumeFromIsr();
    expect(results).toEqual([{ tick: 510, gave: wait.nothing }]);
  });

  test('deleted, it never comes back', () => {
    const { clock, os, wait, waiter, results } = waiting(kind, 100);
    clock.advance(10);
    waiter.delete();
    wait.come(waiter);
    waiter.resume();
    clock.advance(1000);
    expect(results).toEqual([]);
    expect(waiter.state).toBe('Deleted');
    expect(waiter.abortDelay()).toBe(false);
    expect(os.tasks().filter((task) => task.name !== HOLDER)).toEqual([]);
  });

  test('a timeout that is no number of ticks is refused where it would wait', () => {
    for (const timeout of [-1, 1.5, Number.NaN, 2 ** 32]) {
      expect(() => waiting(kind, timeout)).toThrow(/^a timeout must be a whole number of ticks from 0 to MAX_DELAY/);
    }
  });
});

test('a timer command that waits for room in the queue ends like every other wait', () => {
  const { clock, os, log } = device({ timerQueueLength: 1 });
  const timer = new SoftwareTimer(os, { name: 'timer', period: 10, autoReload: false, callback: () => {} });
  const service = os.getTask('Tmr Svc');
  os.createTask(function* () {
    service?.suspend();
    expect(yield* timer.start(50)).toBe(true);
    log.push(`${yield* timer.stop(50)} at ${os.getTickCount()}`);
    log.push(`${yield* timer.stop(0)} at ${os.getTickCount()}`);
    log.push(`${yield* timer.stop(50)} at ${os.getTickCount()}`);
  }, 'waiter', 1);
  os.start();
  clock.advance(49.9);
  expect(log).toEqual([]);
  clock.advance(0.1);
  expect(log).toEqual(['false at 50', 'false at 50']);
  clock.advance(20);
  service?.resumeFromIsr();
  expect(log).toEqual(['false at 50', 'false at 50', 'true at 70']);
});

test('an abort of a wait for event bits also ends the next wait for a queue or semaphore before it begins, and no other', () => {
  const { clock, os, log } = device();
  const [group, semaphore] = [new EventGroup(os), new Semaphore(os)];
  const waiter = os.createTask(
    function* () {
      yield* group.waitBits(1);
      // Without a timeout it does not look.
      log.push(`${yield* semaphore.take(0)}`);
      log.push(`${yield* semaphore.take(50)} at ${os.getTickCount()}`);
      log.push(`${yield* semaphore.take(50)} at ${os.getTickCount()}`);
    },
    'waiter',
    1,
  );
  os.start();
  waiter.abortDelay();
  clock.advance(0);
  expect(log).toEqual(['false', 'false at 0']);
  clock.advance(10);
  os.enterIsr();
  semaphore.give();
  semaphore.takeFromIsr();
  os.exitIsr();
  expect(log).toHaveLength(2);
  clock.advance(40);
  expect(log).toEqual(['false', 'false at 0', 'false at 50']);
});

test('any other wait in between forgets the abort', () => {
  const { clock, os, log } = device();
  const [group, semaphore] = [new EventGroup(os), new Semaphore(os)];
  const waiter = os.createTask(function* () {
    yield* group.waitBits(1);
    yield* os.delay(1);
    log.push(`${yield* semaphore.take(50)} at ${os.getTickCount()}`);
  }, 'waiter', 1);
  os.start();
  waiter.abortDelay();
  clock.advance(51);
  expect(log).toEqual(['false at 51']);
});

test('a task that delays is over with the delay when resumed, as FreeRTOS has it', () => {
  const { clock, os, log } = device();
  const sleeper = os.createTask(function* () {
    yield* os.delay(100);
    log.push(`delay ${os.getTickCount()}`);
    const wake = { tick: os.getTickCount() };
    log.push(`${yield* os.delayUntil(wake, 100)} ${os.getTickCount()} ${wake.tick}`);
    yield* os.delay(100);
    log.push(`delay ${os.getTickCount()}`);
  }, 'sleeper', 1);
  os.start();
  clock.advance(10);
  sleeper.suspend();
  clock.advance(10);
  sleeper.resumeFromIsr();
  clock.advance(30);
  expect(sleeper.abortDelay()).toBe(true);
  clock.advance(0);
  expect(log).toEqual(['delay 20', 'true 50 120']);
  clock.advance(10);
  sleeper.delete();
  clock.advance(1000);
  expect(log).toHaveLength(2);
});
