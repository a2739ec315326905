/** After FreeRTOS's BlockQ demo: producers and consumers of every relation of priority, with and without blocking. */

import { expect, test } from 'vitest';
import { type Kernel, Queue, type Task } from '../../../../firmware/rtos/index.ts';
import { device } from '../../../support/manual-clock.ts';

test.each([
  ['the consumer is higher and blocks', 1, 2, 1, 0, 1000],
  ['the producer is higher and blocks', 1, 1, 2, 1000, 0],
  ['they are equal and both block', 5, 1, 1, 1000, 1000],
] as const)('%s', (_, length, consumerPriority, producerPriority, producerBlock, consumerBlock) => {
  const { clock, os } = device();
  const queue = new Queue<number>(os, length);
  let produced = 0;
  let errors = 0;
  let consumed = 0;
  function* producer(kernel: Kernel): Task {
    for (;;) {
      clock.spend(0.05);
      if (!(yield* queue.send(produced & 0xffff, producerBlock))) errors++;
      produced++;
      yield* kernel.yield();
    }
  }
  function* consumer(kernel: Kernel): Task {
    for (;;) {
      const item = yield* queue.receive(consumerBlock);
      if (item === undefined ? consumerBlock > 0 : item !== (consumed++ & 0xffff)) errors++;
      // One that polls must let the lower producer of the pair, and time, go on.
      if (consumerBlock === 0) clock.spend(0.05);
      yield* kernel.yield();
    }
  }
  os.createTask(consumer, 'consumer', consumerPriority);
  os.createTask(producer, 'producer', producerPriority);
  os.start();
  clock.advance(10_000);
  expect(errors).toBe(0);
  expect(produced).toBeGreaterThan(65_536);
  expect(produced - consumed).toBeLessThanOrEqual(length + 1);
});
