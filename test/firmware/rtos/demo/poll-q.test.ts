/** After FreeRTOS's PollQ demo: both ends poll, the consumer a little more often, and nothing is lost. */

import { expect, test } from 'vitest';
import { Queue } from '../../../../firmware/rtos/index.ts';
import { device } from '../../../support/manual-clock.ts';

test('three values a period arrive in order', () => {
  const { clock, os } = device();
  const queue = new Queue<number>(os, 10);
  let produced = 0;
  let consumed = 0;
  os.createTask(function* () {
    for (;;) {
      while (queue.messagesWaiting > 0) expect(yield* queue.receive(0)).toBe(consumed++);
      expect(yield* queue.receive(0)).toBeUndefined();
      yield* os.delay(180);
    }
  }, 'consumer', 1);
  os.createTask(function* () {
    for (;;) {
      for (let n = 0; n < 3; n++) expect(yield* queue.send(produced++, 0)).toBe(true);
      yield* os.delay(200);
    }
  }, 'producer', 1);
  os.start();
  clock.advance(200_000);
  expect(produced).toBe(3 * 1001);
  expect(produced - consumed).toBeLessThanOrEqual(3);
});
