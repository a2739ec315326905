/**
 * After FreeRTOS's TaskNotify and TaskNotifyArray demos: one task alone at each index, then timers and interrupts that
 * notify.
 */

import { expect, test } from 'vitest';
import { MAX_DELAY, SoftwareTimer, type TaskHandle } from '../../../../firmware/rtos/index.ts';
import { device } from '../../../support/manual-clock.ts';

const [FIRST, SECOND] = [100_001, 5555];

test.each([0, 1, 2, 7])('one task, index %i: times, the five actions, what is cleared when', (index) => {
  const { clock, os } = device();
  let done = false;
  const task: TaskHandle = os.createTask(function* () {
    // Nothing pending: it waits its time.
    const from = os.getTickCount();
    expect(yield* os.notifyWait(MAX_DELAY, 0, 100, index)).toBeUndefined();
    expect([os.getTickCount() - from, task.notificationValue(index)]).toEqual([100, 0]);
    // Pending: it does not.
    expect(task.notifyAndQuery(FIRST, 'set-if-empty', index)).toEqual({ done: true, previous: 0 });
    expect(yield* os.notifyWait(MAX_DELAY, 0, 100, index)).toBe(FIRST);
    expect(os.getTickCount() - from).toBe(100);
    // Without and with overwriting, without action, adding.
    expect([task.notify(FIRST, 'set-if-empty', index), task.notify(SECOND, 'set-if-empty', index)]).toEqual([
      true,
      false,
    ]);
    expect(yield* os.notifyWait(MAX_DELAY, 0, 0, index)).toBe(FIRST);
    expect([task.notify(FIRST, 'overwrite', index), task.notify(SECOND, 'overwrite', index)]).toEqual([true, true]);
    expect(yield* os.notifyWait(MAX_DELAY, 0, 0, index)).toBe(SECOND);
    expect(task.notify(FIRST, 'none', index)).toBe(true);
    expect(yield* os.notifyWait(MAX_DELAY, 0, 0, index)).toBe(SECOND);
    for (let n = 0; n < 100; n++) expect(task.notify(0, 'increment', index)).toBe(true);
    expect(yield* os.notifyWait(MAX_DELAY, 0, 0, index)).toBe(SECOND + 100);
    expect(yield* os.notifyWait(0, 0, 0, index)).toBeUndefined();
    // Bit by bit until all 32 are set.
    task.notifyValueClear(MAX_DELAY, index);
    expect(task.notificationValue(index)).toBe(0);
    let bits = 0;
    for (let all = false; !all; bits++) {
      task.notify(2 ** bits, 'set-bits', index);
      all = (yield* os.notifyWait(0, 0, 0, index)) === MAX_DELAY;
    }
    expect(bits).toBe(32);
    // After a timeout only the entry bits are cleared; after a notification the exit bits too, once its value is told.
    expect(yield* os.notifyWait(1, 2, 10, index)).toBeUndefined();
    task.notify(MAX_DELAY, 'none', index);
    expect(yield* os.notifyWait(0, 0, 0, index)).toBe(MAX_DELAY - 1);
    task.notify(0, 'none', index);
    expect(yield* os.notifyWait(0, 2, 0, index)).toBe(MAX_DELAY - 1);
    expect(task.notificationValue(index)).toBe(MAX_DELAY - 3);
    // The previous value.
    expect(yield* os.notifyWait(0, MAX_DELAY, 0, index)).toBeUndefined();
    task.notifyValueClear(MAX_DELAY, index);
    for (let bit = 1, expected = 0; bit < 0x80; bit <<= 1) {
      expect(task.notifyAndQuery(bit, 'set-bits', index).previous).toBe(expected);
      expected |= bit;
    }
    // State and value are cleared apart.
    yield* os.notifyWait(0, 0, 0, index);
    expect(task.notifyStateClear(index)).toBe(false);
    task.notify(MAX_DELAY, 'set-bits', index);
    expect(task.notifyValueClear(0xff00_0000, index)).toBe(MAX_DELAY);
    expect(task.notifyValueClear(0x0000_00ff, index)).toBe(0x00ff_ffff);
    expect(task.notifyValueClear(MAX_DELAY, index)).toBe(0x00ff_ff00);
    expect(task.notifyValueClear(MAX_DELAY, index)).toBe(0);
    expect([task.notifyStateClear(index), task.notifyStateClear(index)]).toEqual([true, false]);
    // All this touched no other index.
    for (let other = 0; other < 8; other++) if (other !== index) expect(task.notificationValue(other)).toBe(0);
    done = true;
  }, 'task', 1);
  os.start();
  clock.advance(1000);
  expect(done).toBe(true);
});

test.each([0, 3])(
  'suspended and resumed while it waits at index %i, without and with a notification meanwhile',
  (index) => {
    const { clock, os, log } = device();
    let calls = 0;
    const timer = new SoftwareTimer(os, {
      name: 'single',
      period: 50,
      autoReload: false,
      callback: () => {
        task.suspend();
        expect(task.state).toBe('Suspended');
        if (calls++ > 0) {
          expect(task.notify(calls, 'overwrite', index)).toBe(true);
          expect(task.state).toBe('Suspended');
        }
        task.resume();
      },
    });
    const task: TaskHandle = os.createTask(
      function* () {
        for (let n = 0; n < 2; n++) {
          yield* timer.start(MAX_DELAY);
          log.push(`${yield* os.notifyWait(0, 0, MAX_DELAY, index)} at ${os.getTickCount()}`);
        }
      },
      'task',
      1,
    );
    os.start();
    clock.advance(200);
    expect(log).toEqual(['undefined at 50', '2 at 100']);
  },
);

test('a task counts every notification of a timer and of an interrupt, on their own indices', () => {
  const { clock, os } = device();
  const INDICES = 4;
  const sent = new Array<number>(INDICES).fill(0);
  const taken = new Array<number>(INDICES).fill(0);
  const give = (index: number): void => { sent[index] = (sent[index] ?? 0) + 1; };
  const task: TaskHandle = os.createTask(function* () {
    for (let n = 0; ; n++) {
      const index = n % INDICES;
      // Takes one, or all, waiting not at all, a little, or for as long as it takes.
      const all = n % 3 === 0;
      const got = yield* os.notifyTake(all, [0, 10, MAX_DELAY][n % 3] ?? 0, index);
      if (got > 0) taken[index] = (taken[index] ?? 0) + (all ? got : 1);
      yield* os.delay(1);
    }
  }, 'task', 1);
  for (let index = 0; index < INDICES; index++) {
    const timer = new SoftwareTimer(os, {
      name: `${index}`, period: 10 + 7 * index, autoReload: true,
      callback: () => {
        task.notifyGive(index);
        give(index);
      },
    });
    timer.startFromIsr();
  }
  os.start();
  for (let n = 0; n < 3000; n++) {
    clock.advance(3);
    if (n % 5 === 0) {
      task.notifyGiveFromIsr(n % INDICES);
      give(n % INDICES);
    }
  }
  for (let index = 0; index < INDICES; index++) {
    expect(sent[index]).toBeGreaterThan(300);
    expect(sent[index]).toBe((taken[index] ?? 0) + task.notificationValue(index));
  }
});
