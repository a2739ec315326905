/**
 * After FreeRTOS's AbortDelay demo: three waits each, the second ended half way by another task. Sending to a stream
 * buffer is not to be ended so: xStreamBufferSend waits on.
 */

import { expect, test } from 'vitest';
import {
  EventGroup,
  type Kernel,
  MAX_DELAY,
  MessageBuffer,
  Mutex,
  Queue,
  RecursiveMutex,
  Semaphore,
  StreamBuffer,
  type TaskHandle,
} from '../../../../firmware/rtos/index.ts';
import { device } from '../../../support/manual-clock.ts';

const BLOCK = 100;
const HALF = 50;

/** Each waits in vain for `timeout` ticks, and tells whether what it gave is what it gives after a timeout. */
const WAITS: Readonly<Record<string, (os: Kernel, timeout: number) => Generator<void, boolean, void>>> = {
  *notifyWait(os, timeout) { return (yield* os.notifyWait(0, 0, timeout)) === undefined; },
  *notifyTake(os, timeout) { return (yield* os.notifyTake(false, timeout)) === 0; },
  *delay(os, timeout) {
    yield* os.delay(timeout);
    return true;
  },
  *delayUntil(os, timeout) { return yield* os.delayUntil({ tick: os.getTickCount() }, timeout); },
  *semaphore(os, timeout) { return !(yield* new Semaphore(os).take(timeout)); },
  *eventGroup(os, timeout) {
    return (yield* new EventGroup(os).waitBits(1, { clearOnExit: true, waitForAll: true, timeout })) === 0;
  },
  *sync(os, timeout) { return (yield* new EventGroup(os).sync(2, 3, timeout)) === 2; },
  *queueSend(os, timeout) {
    const queue = new Queue<number>(os, 1);
    expect(yield* queue.send(1, timeout)).toBe(true);
    return !(yield* queue.send(2, timeout));
  },
  *queueReceive(os, timeout) { return (yield* new Queue<number>(os, 1).receive(timeout)) === undefined; },
  *queuePeek(os, timeout) { return (yield* new Queue<number>(os, 1).peek(timeout)) === undefined; },
  *streamReceive(os, timeout) { return (yield* new StreamBuffer(os, 5).receive(new Uint8Array(1), timeout)) === 0; },
  *streamSend(os, timeout) {
    const buffer = new StreamBuffer(os, 5);
    yield* buffer.send(new Uint8Array(4), 0);
    return (yield* buffer.send(new Uint8Array(5), timeout)) === 1;
  },
  *messageReceive(os, timeout) { return (yield* new MessageBuffer(os, 5).receive(new Uint8Array(1), timeout)) === 0; },
  *mutex(os, timeout) {
    const mutex = new Mutex(os);
    yield* mutex.take();
    return !(yield* mutex.take(timeout));
  },
  *recursiveMutex(os, timeout) {
    const mutex = new RecursiveMutex(os);
    const holder = os.createTask(function* () {
      yield* mutex.take();
      yield* os.suspend();
    }, 'holder', 7);
    yield* os.yield();
    const result = !(yield* mutex.take(timeout));
    holder.delete();
    return result;
  },
};

const OUTLASTS_ABORT = 'streamSend';

test('each kind of wait, round after round', () => {
  const { clock, os } = device();
  const kinds = Object.keys(WAITS);
  let controllingCycles = 0;
  let blockingCycles = 0;
  const blocking: TaskHandle = os.createTask(function* () {
    expect(blocking.abortDelay()).toBe(false);
    for (;;) {
      const test = yield* os.notifyWait(0, MAX_DELAY, MAX_DELAY);
      const name = kinds[test ?? -1] ?? '';
      for (const expected of [BLOCK, name === OUTLASTS_ABORT ? BLOCK : HALF, BLOCK]) {
        const from = os.getTickCount();
        expect(yield* WAITS[name]?.(os, BLOCK) ?? wrong(name), name).toBe(true);
        expect([name, os.getTickCount() - from]).toEqual([name, expected]);
      }
      controlling.notifyGive();
      blockingCycles++;
    }
  }, 'blocking', 5);
  const controlling = os.createTask(function* () {
    for (;;) {
      const start = os.getTickCount();
      const test = controllingCycles % kinds.length;
      blocking.notify(test, 'overwrite');
      yield* os.delay(BLOCK + HALF);
      expect(blocking.state).toBe('Blocked');
      expect(blocking.abortDelay()).toBe(true);
      yield* os.notifyTake(true, MAX_DELAY);
      expect(os.getTickCount() - start).toBe(2 * BLOCK + (kinds[test] === OUTLASTS_ABORT ? BLOCK : HALF));
      controllingCycles++;
    }
  }, 'controlling', 4);
  os.start();
  clock.advance((250 * kinds.length + HALF) * 3 + 10);
  expect(controllingCycles).toBe(kinds.length * 3);
  expect(blockingCycles).toBe(controllingCycles);
});

function wrong(name: string): never {
  throw new Error(`no wait named ${name}`);
}
