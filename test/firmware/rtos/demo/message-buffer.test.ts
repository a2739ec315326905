/**
 * After FreeRTOS's MessageBufferDemo: one task alone, a pair that passes messages, and an echo with messages of every
 * length.
 */

import { expect, test } from 'vitest';
import { MAX_DELAY, MessageBuffer } from '../../../../firmware/rtos/index.ts';
import { check } from '../../../support/check.ts';
import { device } from '../../../support/manual-clock.ts';

const CAPACITY = 50;

test('one task: how many fit, what each costs, and the times', () => {
  const { clock, os } = device();
  let done = false;
  os.createTask(function* () {
    const buffer = new MessageBuffer(os, CAPACITY);
    const into = new Uint8Array(CAPACITY);
    for (let n = 0; n < 5; n++) {
      expect(yield* buffer.send(new Uint8Array(6).fill(n), 0)).toBe(6);
      expect(buffer.spacesAvailable).toBe(CAPACITY - (n + 1) * 10);
    }
    expect(buffer.isFull).toBe(true);
    for (const timeout of [0, 15]) {
      const from = os.getTickCount();
      expect(yield* buffer.send(Uint8Array.of(1), timeout)).toBe(0);
      expect(os.getTickCount() - from).toBe(timeout);
    }
    for (let n = 0; n < 5; n++) {
      expect(buffer.nextMessageLengthBytes).toBe(6);
      expect(yield* buffer.receive(into.subarray(0, 5), 0)).toBe(0);
      expect(yield* buffer.receive(into, 0)).toBe(6);
      expect(into.subarray(0, 6)).toEqual(new Uint8Array(6).fill(n));
    }
    for (const timeout of [0, 15]) {
      const from = os.getTickCount();
      expect(yield* buffer.receive(into, timeout)).toBe(0);
      expect(os.getTickCount() - from).toBe(timeout);
    }
    for (let n = 0; n < 100; n++) {
      expect(yield* buffer.send(new Uint8Array(17).fill(n), 0)).toBe(17);
      expect(yield* buffer.receive(into, 0)).toBe(17);
      expect(into.subarray(0, 17)).toEqual(new Uint8Array(17).fill(n));
    }
    expect(yield* buffer.send(new Uint8Array(CAPACITY - 3), MAX_DELAY)).toBe(0);
    expect(yield* buffer.send(new Uint8Array(CAPACITY - 4), MAX_DELAY)).toBe(CAPACITY - 4);
    expect([buffer.isFull, buffer.reset(), buffer.isEmpty]).toEqual([true, true, true]);
    done = true;
  }, 'task', 1);
  os.start();
  clock.advance(100);
  expect(done).toBe(true);
});

test.each([
  ['neither blocks', 0, 1, 1],
  ['the sender is higher', MAX_DELAY, 2, 1],
  ['the receiver is higher', MAX_DELAY, 1, 2],
] as const)(
  'numbered messages of changing length arrive whole and in order: %s',
  (_, timeout, senderPriority, receiverPriority) => {
    const { clock, os } = device();
    const buffer = new MessageBuffer(os, CAPACITY);
    let received = 0;
    const message = (n: number): Uint8Array => new Uint8Array(1 + (n % 20)).fill(n & 0xff);
    os.createTask(
      function* () {
        for (let n = 0; ;) {
          if ((yield* buffer.send(message(n), timeout)) > 0) n++;
          clock.spend(0.01);
          if (timeout === 0) yield* os.yield();
        }
      },
      'sender',
      senderPriority,
    );
    os.createTask(
      function* () {
        const into = new Uint8Array(20);
        for (;;) {
          const length = yield* buffer.receive(into, timeout);
          if (length > 0) {
            const expected = message(received++);
            check(
              length === expected.length && into.subarray(0, length).every((byte) => byte === expected[0]),
              'the next one, whole',
            );
          }
          if (timeout === 0) yield* os.yield();
        }
      },
      'receiver',
      receiverPriority,
    );
    os.start();
    clock.advance(100);
    expect(received).toBeGreaterThan(4500);
  },
);

test('an echo of messages of every length up to the longest', () => {
  const { clock, os } = device();
  const [there, back] = [new MessageBuffer(os, CAPACITY), new MessageBuffer(os, CAPACITY)];
  let echoes = 0;
  os.createTask(function* () {
    const into = new Uint8Array(CAPACITY);
    for (;;) {
      const length = yield* there.receive(into, MAX_DELAY);
      yield* back.send(into.subarray(0, length), MAX_DELAY);
    }
  }, 'server', 2);
  os.createTask(function* () {
    const into = new Uint8Array(CAPACITY);
    for (let length = 1; ; length = (length % (CAPACITY - 4)) + 1) {
      yield* there.send(new Uint8Array(length).fill(length), MAX_DELAY);
      check((yield* back.receive(into, 100)) === length && into[length - 1] === length, 'the echo is what was sent');
      echoes++;
      yield* os.delay(1);
    }
  }, 'client', 1);
  os.start();
  clock.advance(1000);
  expect(echoes).toBeGreaterThan(900);
});
