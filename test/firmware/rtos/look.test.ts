/**
 * There is no tick interrupt: the running task looks at the clock before it does what others see. So a task whose time
 * came during its turn is ready before the tasks that it wakes, and an event that comes after the time is too late.
 */

import { expect, test } from 'vitest';
import { EventGroup, type Kernel, Semaphore, type Task } from '../../../firmware/rtos/index.ts';
import { device } from '../../support/manual-clock.ts';

/** Operations of a task that make another task ready. `wait` is the other task's call, `wake` the operation. */
const WAKERS: Readonly<Record<string, (os: Kernel) => { wait(): Generator<void, unknown, void>; wake(): void }>> = {
  give: (os) => {
    const semaphore = new Semaphore(os);
    return { wait: function* () { yield* semaphore.take(); }, wake: () => semaphore.give() };
  },
  setBits: (os) => {
    const group = new EventGroup(os);
    return { wait: function* () { yield* group.waitBits(1); }, wake: () => group.setBits(1) };
  },
  'deleting an event group': (os) => {
    const group = new EventGroup(os);
    return { wait: function* () { yield* group.waitBits(1); }, wake: () => group.delete() };
  },
  notify: (os) => ({
    wait: function* () { yield* os.notifyTake(true, 1000); },
    wake: () => os.getTask('woken')?.notifyGive(),
  }),
  resume: (os) => ({
    wait: function* () { yield* os.suspend(); },
    wake: () => os.getTask('woken')?.resume(),
  }),
  abortDelay: (os) => ({
    wait: function* () { yield* os.delay(1000); },
    wake: () => os.getTask('woken')?.abortDelay(),
  }),
};

test.each(Object.keys(WAKERS))('a task that slept until now is before a task that is woken now: %s', (how) => {
  const { clock, os, log } = device();
  const waker = WAKERS[how]?.(os);
  if (waker === undefined) throw new Error(`there is no waker ${how}`);
  os.createTask(function* () {
    yield* waker.wait();
    log.push('woken');
  }, 'woken', 1);
  os.createTask(function* () {
    yield* os.delay(10);
    log.push('slept');
  }, 'sleeper', 1);
  os.createTask(function* () {
    yield* os.delay(1);
    clock.spend(9);
    waker.wake();
  }, 'busy', 2);
  os.start();
  clock.advance(1);
  expect(log).toEqual(['slept', 'woken']);
});

test('a task that slept until now is before a task that is made now', () => {
  const { clock, os, log } = device();
  os.createTask(function* () {
    yield* os.delay(10);
    log.push('slept');
  }, 'sleeper', 1);
  os.createTask(function* () {
    clock.spend(10);
    os.createTask(function* (): Task { log.push('made'); }, 'made', 1);
    yield* os.suspend();
  }, 'busy', 1);
  os.start();
  expect(log).toEqual(['slept', 'made']);
});

test('bits that come after the time do not end the wait, but the task finds them when it wakes up', () => {
  const { clock, os, log } = device();
  const group = new EventGroup(os);
  const how = { clearOnExit: true, timeout: 10 };
  os.createTask(function* () { log.push(`${yield* group.waitBits(1, how)}`); }, 'late', 2);
  os.createTask(function* () {
    clock.spend(10);
    // Had they ended the wait, they would have been cleared here.
    log.push(`${group.setBits(1)}`);
  }, 'busy', 1);
  os.start();
  expect(log).toEqual(['1', '1']);
  expect(group.bits).toBe(0);
});

test('an abort finds no wait whose time has passed, and the state is Ready', () => {
  const { clock, os } = device();
  const sleeper = os.createTask(function* () { yield* os.delay(10); }, 'sleeper', 2);
  os.createTask(function* () {
    clock.spend(9);
    expect(sleeper.state).toBe('Blocked');
    clock.spend(1);
    expect(sleeper.abortDelay()).toBe(false);
    expect(sleeper.state).toBe('Ready');
  }, 'busy', 1);
  os.start();
  expect(sleeper.state).toBe('Deleted');
});
