/** Stream and message buffers: what fits, what is waited for, and that no byte is lost or swapped. */

import { describe, expect, test } from 'vitest';
import { MessageBuffer, StreamBuffer } from '../../../firmware/rtos/index.ts';
import { device } from '../../support/manual-clock.ts';
import { Seeded } from '../../support/seeded.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('stream', () => {
  test('bytes come out as they went in, in any portions', () => {
    const { os } = device();
    const buffer = new StreamBuffer(os, 5);
    const into = new Uint8Array(3);
    expect([buffer.isEmpty, buffer.isFull, buffer.spacesAvailable]).toEqual([true, false, 5]);
    expect(buffer.sendFromIsr(bytes(1, 2, 3, 4))).toBe(4);
    expect(buffer.receiveFromIsr(into)).toBe(3);
    expect([...into]).toEqual([1, 2, 3]);
    expect(buffer.sendFromIsr(bytes(5, 6, 7, 8, 9))).toBe(4);
    expect([buffer.isEmpty, buffer.isFull, buffer.bytesAvailable, buffer.spacesAvailable]).toEqual([false, true, 5, 0]);
    expect(buffer.sendFromIsr(bytes(9))).toBe(0);
    expect(buffer.receiveFromIsr(into)).toBe(3);
    expect([...into]).toEqual([4, 5, 6]);
    expect(buffer.receiveFromIsr(into)).toBe(2);
    expect([...into]).toEqual([7, 8, 6]);
    expect(buffer.receiveFromIsr(into)).toBe(0);
  });

  test('a sender waits until all bytes fit; after the timeout it sends the bytes that fit', () => {
    const { clock, os, log } = device();
    const buffer = new StreamBuffer(os, 4);
    buffer.sendFromIsr(bytes(1, 2, 3));
    os.createTask(
      function* () {
        log.push(`${yield* buffer.send(bytes(4, 5, 6), 10)} at ${os.getTickCount()}`);
      },
      'task',
      1,
    );
    os.start();
    buffer.receiveFromIsr(new Uint8Array(1));
    clock.advance(9.9);
    expect(log).toEqual([]);
    clock.advance(0.1);
    expect(log).toEqual(['2 at 10']);
    expect(buffer.isFull).toBe(true);
  });

  test('a sender of more than it can ever hold waits for all of its room, and sends that', () => {
    const { clock, os, log } = device();
    const buffer = new StreamBuffer(os, 4);
    buffer.sendFromIsr(bytes(1, 2));
    os.createTask(
      function* () {
        log.push(`${yield* buffer.send(bytes(3, 4, 5, 6, 7, 8), 10)} at ${os.getTickCount()}`);
      },
      'task',
      1,
    );
    os.start();
    clock.advance(5);
    buffer.receiveFromIsr(new Uint8Array(2));
    expect(log).toEqual(['4 at 5']);
  });

  test('a waiting reader is woken at the trigger level; after the timeout it gets the bytes that came', () => {
    for (const level of [1, 2, 3, 4, 5, 6]) {
      const { clock, os, log } = device();
      const buffer = new StreamBuffer(os, 8, level);
      os.createTask(
        function* () {
          log.push(`${yield* buffer.receive(new Uint8Array(8), 35)} at ${os.getTickCount()}`);
        },
        'task',
        1,
      );
      os.start();
      for (let n = 0; n < 5; n++) {
        clock.advance(10);
        buffer.sendFromIsr(bytes(n));
      }
      expect(log).toEqual([level <= 3 ? `${level} at ${level * 10}` : '3 at 35']);
    }
  });

  test('a reader does not wait if there is any byte, at any trigger level', () => {
    const { os, log } = device();
    const buffer = new StreamBuffer(os, 8, 8);
    buffer.sendFromIsr(bytes(1));
    os.createTask(function* () { log.push(`${yield* buffer.receive(new Uint8Array(8))}`); }, 'task', 1);
    os.start();
    expect(log).toEqual(['1']);
  });

  test('the trigger level may be 0, taken as 1, up to the capacity', () => {
    const { os, log } = device();
    expect(() => new StreamBuffer(os, 4, 5)).toThrow('triggerLevelBytes must be from 0 to the capacity 4, not 5');
    const buffer = new StreamBuffer(os, 4, 0);
    expect([
      buffer.setTriggerLevel(5),
      buffer.setTriggerLevel(-1),
      buffer.setTriggerLevel(4),
      buffer.setTriggerLevel(0),
    ]).toEqual([false, false, true, true]);
    os.createTask(function* () { log.push(`${yield* buffer.receive(new Uint8Array(8))}`); }, 'task', 1);
    os.start();
    buffer.sendFromIsr(bytes());
    expect(log).toEqual([]);
    buffer.sendFromIsr(bytes(1));
    expect(log).toEqual(['1']);
  });

  test('reset empties it, unless a task waits at it', () => {
    const { os } = device();
    const buffer = new StreamBuffer(os, 4);
    buffer.sendFromIsr(bytes(1, 2));
    expect([buffer.reset(), buffer.isEmpty]).toEqual([true, true]);
    os.createTask(function* () { yield* buffer.receive(new Uint8Array(8)); }, 'task', 1);
    os.start();
    expect(buffer.reset()).toBe(false);
  });

  test('reset has to wait until a task whose wait is over has run; one that was deleted waits for nothing', () => {
    const { clock, os } = device();
    const buffer = new StreamBuffer(os, 4);
    const reader = os.createTask(function* () { yield* buffer.receive(new Uint8Array(8), 10); }, 'reader', 2);
    os.createTask(function* () {
      clock.spend(10);
      expect([reader.state, buffer.reset()]).toEqual(['Ready', false]);
      yield;
      expect(buffer.reset()).toBe(true);
    }, 'task', 1);
    os.start();
    buffer.sendFromIsr(bytes(1, 2, 3, 4));
    const writer = os.createTask(function* () { yield* buffer.send(bytes(1)); }, 'writer', 1);
    clock.advance(0);
    expect([writer.state, buffer.reset()]).toEqual(['Blocked', false]);
    writer.delete();
    os.createTask(function* () { yield* buffer.send(bytes(1)); }, 'next writer', 1);
    clock.advance(0);
    expect(buffer.reset()).toBe(false);
    os.getTask('next writer')?.delete();
    expect(buffer.reset()).toBe(true);
  });

  test('after a timeout a sender sends the bytes that had room before its wait, if there were any', () => {
    for (const [before, sent] of [[3, 1], [4, 3]] as const) {
      const { clock, os, log } = device();
      const buffer = new StreamBuffer(os, 4);
      buffer.sendFromIsr(new Uint8Array(before));
      os.createTask(function* () { log.push(`${yield* buffer.send(bytes(1, 2, 3), 10)}`); }, 'writer', 2);
      os.createTask(function* () {
        clock.spend(10);
        buffer.receiveFromIsr(new Uint8Array(4));
      }, 'late reader', 1);
      os.start();
      expect(log).toEqual([`${sent}`]);
    }
  });

  test.each([31, 32, 33])('a writer and a reader of random portions lose and swap nothing (seed %i)', (seed) => {
    const random = new Seeded(seed);
    const { clock, os } = device();
    const buffer = new StreamBuffer(os, 17, 1 + random.below(17));
    const total = 20_000;
    let received = 0;
    let wrong = 0;
    os.createTask(function* () {
      for (let sent = 0; sent < total;) {
        const portion = Uint8Array.from(
          { length: Math.min(1 + random.below(40), total - sent) },
          (_, i) => (sent + i) & 0xff,
        );
        sent += yield* buffer.send(portion, random.below(4));
      }
    }, 'writer', 1 + random.below(2));
    os.createTask(function* () {
      const into = new Uint8Array(30);
      while (received < total) {
        const portion = into.subarray(0, 1 + random.below(30));
        const count = yield* buffer.receive(portion, random.below(4));
        for (let i = 0; i < count; i++) if (portion[i] !== ((received + i) & 0xff)) wrong++;
        received += count;
      }
    }, 'reader', 1);
    os.start();
    clock.runUntilIdle();
    expect([received, wrong]).toEqual([total, 0]);
  });
});

describe('messages', () => {
  test('come out whole, one by one, and cost 4 bytes more each', () => {
    const { os } = device();
    const buffer = new MessageBuffer(os, 20);
    expect(buffer.sendFromIsr(bytes(1, 2, 3))).toBe(3);
    expect(buffer.sendFromIsr(bytes(4))).toBe(1);
    expect([buffer.spacesAvailable, buffer.nextMessageLengthBytes]).toEqual([8, 3]);
    expect(buffer.sendFromIsr(bytes(1, 2, 3, 4, 5))).toBe(0);
    expect([buffer.isFull, buffer.sendFromIsr(bytes(1, 2, 3, 4)), buffer.isFull]).toEqual([false, 4, true]);
    const into = new Uint8Array(4);
    expect(buffer.receiveFromIsr(into)).toBe(3);
    expect(buffer.receiveFromIsr(into)).toBe(1);
    expect([...into]).toEqual([4, 2, 3, 0]);
    expect(buffer.nextMessageLengthBytes).toBe(4);
    expect(buffer.receiveFromIsr(into)).toBe(4);
    expect([buffer.isEmpty, buffer.nextMessageLengthBytes]).toEqual([true, 0]);
  });

  test("a message longer than the reader's room stays, and the reader gets 0", () => {
    const { os } = device();
    const buffer = new MessageBuffer(os, 20);
    buffer.sendFromIsr(bytes(1, 2, 3));
    expect(buffer.receiveFromIsr(new Uint8Array(2))).toBe(0);
    expect(buffer.receiveFromIsr(new Uint8Array(3))).toBe(3);
  });

  test('a message that can never fit is refused at once, with any timeout', () => {
    const { os, log } = device();
    const buffer = new MessageBuffer(os, 20);
    os.createTask(function* () {
      log.push(`${yield* buffer.send(new Uint8Array(17))}`);
      log.push(`${yield* buffer.send(new Uint8Array(16))}`);
    }, 'task', 1);
    os.start();
    expect(log).toEqual(['0', '16']);
  });

  test('an empty message is not sent', () => {
    const { os } = device();
    const buffer = new MessageBuffer(os, 20);
    expect(buffer.sendFromIsr(bytes())).toBe(0);
    expect(buffer.isEmpty).toBe(true);
  });

  test('a sender that times out has sent nothing', () => {
    const { clock, os, log } = device();
    const buffer = new MessageBuffer(os, 12);
    buffer.sendFromIsr(bytes(1, 2, 3, 4));
    os.createTask(function* () { log.push(`${yield* buffer.send(bytes(5), 10)}`); }, 'task', 1);
    os.start();
    clock.advance(10);
    expect(log).toEqual(['0']);
    expect(buffer.bytesAvailable).toBe(8);
  });

  test('a long message keeps its length across the end of the ring', () => {
    const { os } = device();
    const buffer = new MessageBuffer(os, 1000);
    for (let n = 0; n < 50; n++) {
      const message = Uint8Array.from({ length: 300 + n }, (_, i) => (n * i) & 0xff);
      const into = new Uint8Array(400);
      expect(buffer.sendFromIsr(message)).toBe(message.length);
      expect(buffer.receiveFromIsr(into)).toBe(message.length);
      expect(into.subarray(0, message.length)).toEqual(message);
    }
  });
});

test.each([0, 4, 1.5])('a message buffer of %d bytes could hold no message', (capacity) => {
  const { os } = device();
  expect(() => new MessageBuffer(os, capacity)).toThrow(
    `a buffer's capacityBytes must be a whole number above 4, not ${capacity}`,
  );
});

describe('the notification index', () => {
  /** A task waits at a stream; somebody else notifies it. */
  function notified(index: number | undefined) {
    const made = device();
    const buffer = new StreamBuffer(made.os, 4);
    if (index !== undefined) buffer.setNotificationIndex(index);
    const reader = made.os.createTask(function* () {
      made.log.push(`${yield* buffer.receive(new Uint8Array(4), 100)} at ${made.os.getTickCount()}`);
    }, 'reader', 1);
    // A notification that was pending before the wait does not end it.
    reader.notify(0, 'none', 3);
    made.os.start();
    made.clock.advance(10);
    reader.notifyFromIsr(0, 'none', 3);
    return { ...made, buffer, reader };
  }

  test('without an index no notification ends a wait at a buffer; with one, any of that index does, and the wait returns 0', () => {
    expect(notified(undefined).log).toEqual([]);
    expect(notified(0).log).toEqual([]);
    expect(notified(3).log).toEqual(['0 at 10']);
  });

  test('bytes still end the wait, and notify by that index', () => {
    for (const index of [undefined, 0]) {
      const { buffer, log, reader } = notified(index);
      buffer.sendFromIsr(bytes(1, 2));
      expect(log).toEqual(['2 at 10']);
      expect(reader.state).toBe('Deleted');
    }
  });

  test.each(['receive', 'send'] as const)('ends only the wait at the buffer (%s)', (call) => {
    const { clock, os, log } = device();
    const buffer = new StreamBuffer(os, 4);
    buffer.setNotificationIndex(0);
    if (call === 'send') buffer.sendFromIsr(new Uint8Array(4));
    const waiter = os.createTask(function* () {
      yield* buffer[call](new Uint8Array(4), 10);
      yield* os.delay(50);
      log.push(`at ${os.getTickCount()}`);
    }, 'waiter', 1);
    os.start();
    clock.advance(20);
    waiter.notifyGiveFromIsr();
    clock.advance(39);
    expect(log).toEqual([]);
    clock.advance(1);
    expect(log).toEqual(['at 60']);
  });

  test('a sender that is notified for nothing waits for the rest of its time', () => {
    const { clock, os, log } = device();
    const buffer = new StreamBuffer(os, 4);
    buffer.setNotificationIndex(0);
    buffer.sendFromIsr(bytes(1, 2, 3, 4));
    const writer = os.createTask(function* () {
      log.push(`${yield* buffer.send(bytes(5), 100)} at ${os.getTickCount()}`);
    }, 'writer', 1);
    os.start();
    clock.advance(10);
    writer.notifyGiveFromIsr();
    clock.advance(89);
    expect(log).toEqual([]);
    clock.advance(1);
    expect(log).toEqual(['0 at 100']);
  });

  test('cannot be changed while a task waits, and must be one', () => {
    const { buffer } = notified(undefined);
    const message = 'the notification index of a buffer cannot be changed while a task waits at it';
    expect(() => buffer.setNotificationIndex(1)).toThrow(message);
    buffer.sendFromIsr(bytes(1));
    expect(() => buffer.setNotificationIndex(256)).toThrow('a notification index must be a whole number from 0 to 255');
    buffer.setNotificationIndex(255);
    const { os } = device();
    const full = new StreamBuffer(os, 1);
    full.sendFromIsr(bytes(1));
    os.createTask(function* () { yield* full.send(bytes(1)); }, 'writer', 1);
    os.start();
    expect(() => full.setNotificationIndex(1)).toThrow(message);
  });
});
