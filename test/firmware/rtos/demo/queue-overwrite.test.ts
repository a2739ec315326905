/**
 * After FreeRTOS's QueueOverwrite demo: a mailbox that is overwritten, peeked at, emptied, by a task and by an
 * interrupt.
 */

import { expect, test } from 'vitest';
import { Queue } from '../../../../firmware/rtos/index.ts';
import { device } from '../../../support/manual-clock.ts';

test('the last value is the one that is there', () => {
  const { clock, os } = device();
  const [mailbox, isrMailbox] = [new Queue<number>(os, 1), new Queue<number>(os, 1)];
  let loops = 0;
  os.createTask(function* () {
    for (let value = 10; ; value++) {
      mailbox.overwrite(value);
      expect(yield* mailbox.peek(0)).toBe(value);
      mailbox.overwrite(value + 1);
      expect(mailbox.messagesWaiting).toBe(1);
      expect(yield* mailbox.receive(0)).toBe(value + 1);
      expect(yield* mailbox.receive(0)).toBeUndefined();
      for (let n = 0; n < 5; n++) {
        mailbox.overwrite(n);
        expect([yield* mailbox.peek(0), mailbox.messagesWaiting]).toEqual([n, 1]);
      }
      expect(yield* mailbox.send(9, 0)).toBe(false);
      yield* mailbox.receive(0);
      loops++;
      yield* os.delay(10);
    }
  }, 'task', 0);
  os.start();
  for (let n = 0; n < 300; n++) {
    clock.advance(1);
    isrMailbox.overwriteFromIsr(n);
    expect(isrMailbox.peekFromIsr()).toBe(n);
    if (n % 3 === 2) {
      expect(isrMailbox.receiveFromIsr()).toBe(n);
      expect(isrMailbox.peekFromIsr()).toBeUndefined();
    }
  }
  expect(loops).toBe(31);
});
