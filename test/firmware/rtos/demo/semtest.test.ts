/** After FreeRTOS's semtest demo: a variable that two tasks count up, each alone at it while it holds the semaphore. */

import { expect, test } from 'vitest';
import { Semaphore } from '../../../../firmware/rtos/index.ts';
import { check } from '../../../support/check.ts';
import { device } from '../../../support/manual-clock.ts';

test.each([['polls', 0], ['blocks', 100]] as const)('a pair that %s', (_, timeout) => {
  const { clock, os } = device();
  const semaphore = new Semaphore(os);
  semaphore.give();
  let shared = 0;
  const loops = [0, 0];
  for (const me of [0, 1]) {
    os.createTask(function* () {
      for (;;) {
        if (!(yield* semaphore.take(timeout))) {
          check(timeout === 0, 'only a poll goes without');
          clock.spend(0.01);
          yield* os.yield();
          continue;
        }
        for (let expected = shared = 0; expected < 50; expected++) {
          check(shared === expected, 'nobody else counts');
          shared++;
          clock.spend(0.01);
          yield* os.yield();
        }
        expect(semaphore.give()).toBe(true);
        expect(semaphore.count === 1 || timeout > 0).toBe(true);
        loops[me] = (loops[me] ?? 0) + 1;
        yield* os.delay(me + 1);
      }
    }, `${me}`, 1);
  }
  os.start();
  clock.advance(2000);
  expect(loops[0]).toBeGreaterThan(400);
  expect(loops[1]).toBeGreaterThan(400);
});
