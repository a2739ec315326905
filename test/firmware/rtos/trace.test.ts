/** The trace hook sees every change of state, in order, and on what a task blocks. */

import { expect, test } from 'vitest';
import { Queue } from '../../../firmware/rtos/index.ts';
import { device } from '../../support/manual-clock.ts';

test('a task from its making to its end', () => {
  const trace: string[] = [];
  const { clock, os } = device({
    onTaskState: (task, state, operation) =>
      trace.push(`${os.getTickCount()} ${task.name} ${state}${operation === undefined ? '' : ` in ${operation}`}`),
  });
  const queue = new Queue<number>(os, 1);
  const task = os.createTask(function* () {
    yield* queue.receive(10);
    yield* os.yield();
    yield* os.delay(5);
    yield* os.suspend();
  }, 'task', 1);
  os.start();
  clock.advance(20);
  task.resumeFromIsr();
  expect(trace).toEqual([
    '0 task Ready',
    '0 task Running', '0 task Blocked in receive',
    '10 task Ready', '10 task Running', '10 task Ready', '10 task Running', '10 task Blocked in delay',
    '15 task Ready', '15 task Running', '15 task Suspended',
    '20 task Ready', '20 task Running', '20 task Deleted',
  ]);
});

test('the states that the hook tells are the ones that the task shows', () => {
  let told = 0;
  const { clock, os } = device({
    onTaskState: (task, state) => {
      told++;
      if (state !== 'Running') expect([state, 'Running']).toContain(task.state);
      else expect(task.state).toBe(state);
    },
  });
  for (const ticks of [1, 2, 3]) os.createTask(function* () { for (let n = 0; n < 5; n++) {
    yield* os.delay(ticks);
  } }, `${ticks}`, 1);
  os.start();
  clock.advance(100);
  expect(told).toBe(3 * (1 + 6 + 5 + 5 + 1));
});
