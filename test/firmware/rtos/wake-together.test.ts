/**
 * Tasks that sleep equally long wake together, all at once; where somebody is told of each change of a task's state,
 * one by one. Both look the same from outside, even if a task changes between its tick and its turn.
 */

import { expect, test } from 'vitest';
import type { KernelConfig, Task, TaskHandle } from '../../../firmware/rtos/index.ts';
import { device } from '../../support/manual-clock.ts';
import { Seeded } from '../../support/seeded.ts';

const TASKS = 12;
const MAX_PRIORITY = 3;

/** Sleepers of few delays and priorities, one task above all that does things to them, and one below that looks. */
function run(seed: number, config: KernelConfig): string[] {
  const random = new Seeded(seed);
  const { clock, os, log } = device(config);
  const sleepers: TaskHandle[] = [];
  const looks = (who: string): void => {
    const states = sleepers.map(({ state, priority }) => `${state.slice(0, 1)}${priority}`);
    log.push(`${who} ${os.getTickCount()} ${states.join(' ')}`);
  };
  const upset = (): void => {
    const task = random.pick(sleepers);
    if (task === os.runningTask) return;
    switch (random.below(8)) {
      case 0:
        return task.suspend();
      case 1:
        return task.resume();
      case 2:
        return task.setPriority(random.below(MAX_PRIORITY));
      case 3:
        return task.notifyGive();
      case 4:
        log.push(`abort ${task.abortDelay()}`);
        return;
      case 5:
        if (random.chance(10)) task.delete();
        return;
      default:
        looks('look');
    }
  };
  function* sleeper(name: string): Task {
    for (;;) {
      // Often the same, so that many stand in one queue.
      const ticks = random.pick([4, 4, 4, 5]);
      if (random.chance(5)) log.push(`${name} took ${yield* os.notifyTake(true, ticks)}`);
      else yield* os.delay(ticks);
      log.push(`${name} ${os.getTickCount()}`);
      if (random.chance(6)) upset();
      if (random.chance(6)) yield* os.yield();
    }
  }
  for (let i = 0; i < TASKS; i++) {
    sleepers.push(os.createTask(() => sleeper(`t${i}`), `t${i}`, random.pick([1, 1, 1, 0, 2])));
  }
  os.createTask(function* () {
    for (;;) {
      yield* os.delay(random.pick([1, 2, 4]));
      for (let n = random.below(4); n > 0; n--) upset();
    }
  }, 'above', MAX_PRIORITY);
  os.start();
  for (let step = 0; step < 200; step++) {
    clock.advance(1);
    looks('after');
  }
  return log;
}

test.each(Array.from({ length: 40 }, (_, seed) => seed))('as those do that wake one by one (seed %i)', (seed) => {
  const together = run(seed, {});
  expect(together).toEqual(run(seed, { onTaskState: () => {} }));
  expect(together.length).toBeGreaterThan(400);
});

test('a task whose time has passed before it sleeps is ready at once, behind the ready tasks', () => {
  const { clock, os, log } = device();
  // As long as one sleeps, the clock is read where another leaves the processor.
  os.createTask(function* () {
    yield* os.delay(100);
  }, 'sleeper', 2);
  os.createTask(function* () {
    log.push('other');
    yield* os.delay(50);
  }, 'other', 1);
  os.createTask(function* () {
    const sleep = os.delay(2);
    clock.spend(3);
    yield* sleep;
    log.push(`slept until ${os.getTickCount()}`);
  }, 'late', 1);
  os.start();
  clock.advance(0);
  expect(log).toEqual(['other', 'slept until 3']);
});
