/** The event list does what FreeRTOS's does, also after the priority of a task in it has changed. */

import { expect, test } from 'vitest';
import { Semaphore, type TaskHandle } from '../../../firmware/rtos/index.ts';
import { WaitList } from '../../../firmware/rtos/wait-list.ts';
import { device } from '../../support/manual-clock.ts';
import { Seeded } from '../../support/seeded.ts';

/**
 * Tasks that wait at one semaphore in this order, with these priorities; then `priority` of one is changed, and another
 * comes.
 */
function wakeOrder(waiting: readonly number[], change: [index: number, priority: number], latecomer: number): string[] {
  const { os, log } = device({ maxPriorities: 8 });
  const semaphore = new Semaphore(os, 9);
  const create = (name: string, priority: number): TaskHandle =>
    os.createTask(function* () {
      yield* semaphore.take();
      log.push(name);
    }, name, priority);
  const tasks = waiting.map((priority, index) => create(`${index}`, priority));
  os.start();
  tasks[change[0]]?.setPriority(change[1]);
  os.enterIsr();
  create('late', latecomer);
  os.exitIsr();
  while (log.length <= waiting.length) semaphore.giveFromIsr();
  return log;
}

test('the highest priority is woken first, and within one priority the task that came first', () => {
  expect(wakeOrder([1, 3, 3, 2], [0, 1], 3)).toEqual(['1', '2', 'late', '3', '0']);
});

test('a waiting task keeps its place when its priority changes', () => {
  expect(wakeOrder([3, 2, 1], [2, 5], 0)).toEqual(['0', '1', '2', 'late']);
});

test('a task that comes after that goes before the first lower one', () => {
  expect(wakeOrder([3, 3, 3], [2, 6], 4)).toEqual(['late', '0', '1', '2']);
  expect(wakeOrder([5, 3, 3], [1, 1], 2)).toEqual(['0', 'late', '1', '2']);
});

test.each([11, 12, 13, 14])('places are those of a list searched from its head (seed %i)', (seed) => {
  const random = new Seeded(seed);
  const { os } = device();
  const idle = os.createTask(function* () {}, 'model', 0);
  const list = new WaitList();
  const model: TaskHandle[] = [];
  const free = Array.from({ length: 12 }, (_, n) => os.createTask(function* () {}, `${n}`, 0));
  for (let step = 0; step < 5000; step++) {
    const action = random.below(5);
    const inList = model.length > 0 ? random.pick(model) : idle;
    if (action < 2 && free.length > 0) {
      const task = free.splice(random.below(free.length), 1)[0] ?? idle;
      task.eventPriority = random.below(6);
      const after = model.findIndex((other) => other.eventPriority < task.eventPriority);
      model.splice(after < 0 ? model.length : after, 0, task);
      list.add(task);
    } else if (action < 4 && model.length > 0) {
      model.splice(model.indexOf(inList), 1);
      free.push(inList);
      list.remove(inList);
      expect(inList.waitList === undefined).toBe(true);
    } else if (model.length > 0) {
      inList.eventPriority = random.below(6);
      list.disturb();
    }
    const places: string[] = [];
    for (let task = list.first; task !== undefined; task = task.waitNext) places.push(task.name);
    expect(places).toEqual(model.map((task) => task.name));
  }
});
