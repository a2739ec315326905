/**
 * After FreeRTOS's QueueSet demo: a task and an interrupt send to three queues at random, one task receives through the
 * set.
 */

import { expect, test } from 'vitest';
import { MAX_DELAY, Queue, QueueSet, type TaskHandle } from '../../../../firmware/rtos/index.ts';
import { check } from '../../../support/check.ts';
import { device } from '../../../support/manual-clock.ts';
import { Seeded } from '../../../support/seeded.ts';

const ISR_FROM = 0x8000_0000;
const [LOW, MEDIUM] = [0, 1];

test('all values of each sender arrive in order, for each order of priorities', () => {
  const { clock, os } = device();
  const random = new Seeded(5);
  const queues = [1, 2, 3].map(() => new Queue<number>(os, 3));
  const set = new QueueSet(os, 9);
  const used = [0, 0, 0];
  let expectedFromTask = 0;
  let expectedFromIsr = ISR_FROM;
  const received = (value: number | undefined): void => {
    if (value !== undefined && value >= ISR_FROM) check(value === expectedFromIsr++, `${value} from the interrupt`);
    else check(value === expectedFromTask++, `${value} from the task`);
  };
  const receiving: TaskHandle = os.createTask(function* () {
    for (;;) {
      const member = yield* set.select(receiving.priority === LOW ? 0 : MAX_DELAY);
      if (member === undefined) {
        check(receiving.priority === LOW, 'only a poll finds nothing');
        clock.spend(0.05);
        yield* os.yield();
      } else {
        const queue = queues.find((one) => one === member);
        check(queue !== undefined, 'what is selected is a member');
        received(yield* queue.receive(0));
      }
    }
  }, 'receiving', MEDIUM);
  const sending: TaskHandle = os.createTask(function* () {
    for (const queue of queues) expect(set.add(queue)).toBe(true);
    for (let value = 0; ; value++) {
      const at = random.below(3);
      used[at] = (used[at] ?? 0) + 1;
      check(yield* (queues[at] ?? wrong()).send(value, MAX_DELAY), 'sent');
      clock.spend(0.05);
      yield* os.yield();
      if (value % 1000 === 999) {
        const phase = Math.floor(value / 1000) % 3;
        receiving.setPriority(phase === 0 ? LOW : MEDIUM);
        sending.setPriority(phase === 1 ? LOW : MEDIUM);
        if (phase === 2) yield* os.delay(20);
      }
    }
  }, 'sending', MEDIUM);
  os.start();
  for (let n = 0, toSend = ISR_FROM; n < 100; n++) {
    clock.advance(10);
    os.enterIsr();
    const selected = set.selectFromIsr();
    if (selected !== undefined) received(queues.find((one) => one === selected)?.receiveFromIsr());
    if ((queues[n % 3] ?? wrong()).sendFromIsr(toSend)) toSend++;
    os.exitIsr();
  }
  expect(expectedFromTask).toBeGreaterThan(9000);
  expect(expectedFromIsr - ISR_FROM).toBeGreaterThan(90);
  for (const count of used) expect(count).toBeGreaterThan(2000);
});

test('overwriting in two queues of a set leaves one entry each, in the order of their first items', () => {
  const { os } = device();
  const set = new QueueSet(os, 2);
  const [a, b] = [new Queue<number>(os, 1), new Queue<number>(os, 1)];
  set.add(a);
  set.add(b);
  a.overwriteFromIsr(1);
  b.overwriteFromIsr(2);
  a.overwriteFromIsr(3);
  b.overwriteFromIsr(4);
  expect(set.selectFromIsr() === a).toBe(true);
  expect(a.receiveFromIsr()).toBe(3);
  expect(set.selectFromIsr() === b).toBe(true);
  expect(b.receiveFromIsr()).toBe(4);
  expect(set.selectFromIsr()).toBeUndefined();
});

function wrong(): never {
  throw new Error('no such queue');
}
