/**
 * After FreeRTOS's StreamBufferDemo: one task alone, pairs that pass a text on in portions, an echo, and trigger
 * levels.
 */

import { expect, test } from 'vitest';
import { type Kernel, MAX_DELAY, StreamBuffer, type Task } from '../../../../firmware/rtos/index.ts';
import { check } from '../../../support/check.ts';
import { device } from '../../../support/manual-clock.ts';

const CAPACITY = 30;
const TEXT = Uint8Array.from('One day a stream of fifty-five bytes went to sea again.', (letter) =>
  letter.charCodeAt(0),
);

test('one task: full and empty, the times of both, and the wrap', () => {
  const { clock, os } = device();
  let done = false;
  os.createTask(function* () {
    const buffer = new StreamBuffer(os, CAPACITY);
    const into = new Uint8Array(2 * CAPACITY);
    for (let n = 0; n < CAPACITY / 6; n++) {
      expect(buffer.isFull).toBe(false);
      expect(buffer.sendFromIsr(new Uint8Array(6).fill(n))).toBe(6);
      expect([buffer.bytesAvailable, buffer.spacesAvailable]).toEqual([(n + 1) * 6, CAPACITY - (n + 1) * 6]);
    }
    expect(buffer.isFull).toBe(true);
    for (const timeout of [0, 15]) {
      const from = os.getTickCount();
      expect(yield* buffer.send(Uint8Array.of(1), timeout)).toBe(0);
      expect(os.getTickCount() - from).toBe(timeout);
    }
    for (let n = 0; n < CAPACITY / 6; n++) {
      expect(buffer.receiveFromIsr(into.subarray(0, 6))).toBe(6);
      expect(into.subarray(0, 6)).toEqual(new Uint8Array(6).fill(n));
    }
    expect(buffer.isEmpty).toBe(true);
    for (const timeout of [0, 15]) {
      const from = os.getTickCount();
      expect(yield* buffer.receive(into, timeout)).toBe(0);
      expect(os.getTickCount() - from).toBe(timeout);
    }
    for (let n = 0; n < 100; n++) {
      expect(yield* buffer.send(new Uint8Array(17).fill(n), 0)).toBe(17);
      expect([buffer.bytesAvailable, buffer.isFull, buffer.isEmpty]).toEqual([17, false, false]);
      expect(yield* buffer.receive(into.subarray(0, 17), 0)).toBe(17);
      expect(into.subarray(0, 17)).toEqual(new Uint8Array(17).fill(n));
    }
    for (let n = 0; n < CAPACITY; n++) expect(yield* buffer.send(TEXT.subarray(n, n + 1), MAX_DELAY)).toBe(1);
    expect(buffer.isFull).toBe(true);
    expect(yield* buffer.receive(into, MAX_DELAY)).toBe(CAPACITY);
    expect(into.subarray(0, CAPACITY)).toEqual(TEXT.subarray(0, CAPACITY));
    expect(yield* buffer.send(TEXT.subarray(0, CAPACITY), MAX_DELAY)).toBe(CAPACITY);
    for (let n = 0; n < CAPACITY; n++) {
      expect(yield* buffer.receive(into.subarray(0, 1), MAX_DELAY)).toBe(1);
      expect(into[0]).toBe(TEXT[n]);
    }
    // More than it can hold: what fits, at once where it is empty, and nothing once it is full.
    expect(yield* buffer.send(TEXT, 2)).toBe(CAPACITY);
    expect(yield* buffer.send(TEXT, 2)).toBe(0);
    expect(yield* buffer.receive(into, 2)).toBe(CAPACITY);
    yield* buffer.send(TEXT.subarray(0, 15), 0);
    expect(buffer.reset()).toBe(true);
    expect(buffer.isEmpty).toBe(true);
    done = true;
  }, 'task', 1);
  os.start();
  clock.advance(100);
  expect(done).toBe(true);
});

test.each([
  ['neither blocks', 0, 0, 1, 1],
  ['the sender is higher', MAX_DELAY, MAX_DELAY, 2, 1],
  ['the receiver is higher', MAX_DELAY, MAX_DELAY, 1, 2],
] as const)('a text sent again and again: %s', (_, sendTimeout, receiveTimeout, senderPriority, receiverPriority) => {
  const { clock, os } = device();
  const buffer = new StreamBuffer(os, CAPACITY, 5);
  let received = 0;
  os.createTask(function* () {
    for (let next = 0, portion = 1; ; portion = (portion % 11) + 1) {
      const end = Math.min(next + (sendTimeout === 0 ? TEXT.length : portion), TEXT.length);
      next += yield* buffer.send(TEXT.subarray(next, end), sendTimeout);
      if (next === TEXT.length) next = 0;
      clock.spend(0.01);
      if (sendTimeout === 0) yield* os.yield();
    }
  }, 'sender', senderPriority);
  os.createTask(function* () {
    const into = new Uint8Array(12);
    for (;;) {
      const count = yield* buffer.receive(into, receiveTimeout);
      check(count > 0 || receiveTimeout === 0, 'only a poll finds nothing');
      for (let n = 0; n < count; n++) check(into[n] === TEXT[received++ % TEXT.length], 'the text goes on');
      if (receiveTimeout === 0) yield* os.yield();
    }
  }, 'receiver', receiverPriority);
  os.start();
  clock.advance(100);
  expect(received).toBeGreaterThan(20_000);
});

test.each([
  [1, 2],
  [2, 1],
])('an echo between a client of priority %i and a server of priority %i', (clientPriority, serverPriority) => {
  const { clock, os } = device();
  const [there, back] = [new StreamBuffer(os, CAPACITY), new StreamBuffer(os, CAPACITY)];
  let echoes = 0;
  function* exactly(buffer: StreamBuffer, into: Uint8Array): Task {
    for (let got = 0; got < into.length;) got += yield* buffer.receive(into.subarray(got), MAX_DELAY);
  }
  os.createTask(
    function* () {
      for (;;) {
        const length = Uint8Array.of(0);
        yield* exactly(there, length);
        const message = new Uint8Array(length[0] ?? 0);
        yield* exactly(there, message);
        expect(yield* back.send(message, MAX_DELAY)).toBe(message.length);
        yield* os.delay(0);
      }
    },
    'server',
    serverPriority,
  );
  os.createTask(
    function* () {
      for (let length = 1; ; length = (length % (CAPACITY - 1)) + 1) {
        const message = Uint8Array.from({ length }, (_, n) => (n * 7 + length) & 0xff);
        yield* there.send(Uint8Array.of(length), MAX_DELAY);
        yield* there.send(message, MAX_DELAY);
        const echo = new Uint8Array(length);
        yield* exactly(back, echo);
        check(
          echo.every((byte, n) => byte === message[n]),
          'the echo is what was sent',
        );
        check(there.isEmpty && back.isEmpty, 'nothing is left');
        echoes++;
        yield* os.delay(1);
      }
    },
    'client',
    clientPriority,
  );
  os.start();
  clock.advance(1000);
  expect(echoes).toBeGreaterThan(900);
});

test('an interrupt that sends a byte a tick wakes the reader at its trigger level, or its time does', () => {
  const BLOCK_TICKS = 5;
  for (let level = 1; level <= 10; level++) {
    const { clock, os } = device();
    const buffer = new StreamBuffer(os, 20, level);
    let loops = 0;
    os.createTask(function* (kernel: Kernel): Task {
      const into = new Uint8Array(20);
      for (;;) {
        yield* kernel.delay(1);
        buffer.reset();
        const from = kernel.getTickCount();
        const count = yield* buffer.receive(into, BLOCK_TICKS);
        const ticks = kernel.getTickCount() - from;
        // A byte comes in the middle of each tick.
        expect([count, ticks]).toEqual(level <= BLOCK_TICKS ? [level, level - 1] : [BLOCK_TICKS, BLOCK_TICKS]);
        loops++;
      }
    }, 'reader', 1);
    os.start();
    clock.advance(0.5);
    for (let n = 0; n < 100; n++) {
      buffer.sendFromIsr(Uint8Array.of(n));
      clock.advance(1);
    }
    expect(loops).toBeGreaterThan(10);
  }
});
