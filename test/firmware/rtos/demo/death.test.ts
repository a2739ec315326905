/** After FreeRTOS's death demo: tasks that make tasks, that end each other and themselves; none is left over. */

import { expect, test } from 'vitest';
import { type Kernel, type Task, type TaskHandle } from '../../../../firmware/rtos/index.ts';
import { device } from '../../../support/manual-clock.ts';

test('every generation ends, and the kernel forgets it', () => {
  const { clock, os } = device();
  let generations = 0;
  let deaths = 0;
  /** A task that deletes its victim, if it has one, and then itself. */
  function* suicidal(kernel: Kernel, victim: TaskHandle | undefined): Task {
    yield* kernel.delay(200);
    if (victim !== undefined) {
      victim.delete();
      deaths++;
      expect(victim.state).toBe('Deleted');
    }
    deaths++;
    if (generations % 2 === 0) yield* kernel.delete();
  }
  os.createTask(function* () {
    for (;;) {
      yield* os.delay(1000);
      expect(os.tasks().map((task) => task.name)).toEqual(['creator']);
      const first = os.createTask(suicidal, 'suicidal 1', 1, undefined);
      os.createTask(suicidal, 'suicidal 2', 2, first);
      expect(os.tasks()).toHaveLength(3);
      generations++;
    }
  }, 'creator', 3);
  os.start();
  clock.advance(1_000_500);
  expect(generations).toBe(1000);
  expect(deaths).toBe(2000);
  expect(os.tasks()).toHaveLength(1);
});
