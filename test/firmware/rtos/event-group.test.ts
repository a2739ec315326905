/** Event groups: who is woken by which bits, what they see, and when bits are cleared. */

import { describe, expect, test } from 'vitest';
import { EventGroup, type WaitBitsOptions } from '../../../firmware/rtos/index.ts';
import { device } from '../../support/manual-clock.ts';

/** Tasks that wait for bits, each with its options, in this order; `set` sets bits as an interrupt does. */
function waiters(...waits: readonly (readonly [name: string, bits: number, options: WaitBitsOptions])[]) {
  const { clock, os, log } = device();
  const group = new EventGroup(os);
  for (const [name, bits, options] of waits) {
    os.createTask(function* () { log.push(`${name} ${yield* group.waitBits(bits, options)}`); }, name, 1);
  }
  os.start();
  return { clock, os, log, group };
}

describe('waitBits', () => {
  test('for any: one of the bits is enough', () => {
    const { log, group } = waiters(['any', 0b110, {}]);
    group.setBitsFromIsr(0b001);
    expect(log).toEqual([]);
    group.setBitsFromIsr(0b100);
    expect(log).toEqual(['any 5']);
    expect(group.bits).toBe(0b101);
  });

  test('for all: the bits may come one by one', () => {
    const { log, group } = waiters(['all', 0b110, { waitForAll: true }]);
    group.setBitsFromIsr(0b010);
    group.clearBitsFromIsr(0b010);
    group.setBitsFromIsr(0b100);
    expect(log).toEqual([]);
    group.setBitsFromIsr(0b010);
    expect(log).toEqual(['all 6']);
  });

  test('every task whose wait it ends is woken, and all see the bits before any were cleared', () => {
    const { log, group } = waiters(
      ['a', 0b01, { clearOnExit: true }],
      ['b', 0b01, { clearOnExit: true }],
      ['c', 0b11, { waitForAll: true }],
      ['d', 0b100, {}],
    );
    group.setBitsFromIsr(0b11);
    expect(log).toEqual(['a 3', 'b 3', 'c 3']);
    expect(group.bits).toBe(0b10);
  });

  test('clears only the bits waited for, even with a wait for any', () => {
    const { group } = waiters(['a', 0b011, { clearOnExit: true }]);
    group.setBitsFromIsr(0b111);
    expect(group.bits).toBe(0b100);
  });

  test('equals are woken in the order they came, even if their priorities differed then', () => {
    const { os, log } = device();
    const group = new EventGroup(os);
    os.start();
    const tasks = ([['a', 1], ['b', 3]] as const).map(([name, priority]) => {
      os.enterIsr();
      const task = os.createTask(function* () { log.push(`${name} ${yield* group.waitBits(1)}`); }, name, priority);
      os.exitIsr();
      return task;
    });
    for (const task of tasks) task.setPriority(2);
    group.setBitsFromIsr(1);
    expect(log).toEqual(['a 1', 'b 1']);
  });

  test('a task that was woken has its bits, even if they change before it runs', () => {
    const { os, log, group } = waiters(['a', 1, {}]);
    os.enterIsr();
    group.setBits(1);
    group.clearBits(1);
    os.exitIsr();
    expect(log).toEqual(['a 1']);
  });

  test('bits that are set already end the wait at once, and clear on exit applies', () => {
    const { os, log } = device();
    const group = new EventGroup(os);
    group.setBits(0b111);
    os.createTask(function* () {
      log.push(`${yield* group.waitBits(0b001, { timeout: 0 })} ${group.bits}`);
      log.push(`${yield* group.waitBits(0b011, { waitForAll: true, clearOnExit: true })} ${group.bits}`);
    }, 'task', 1);
    os.start();
    expect(log).toEqual(['7 7', '7 4']);
  });

  test('a timeout clears nothing, and gives the bits as they stand', () => {
    const { clock, log, group } = waiters(['a', 0b11, { waitForAll: true, clearOnExit: true, timeout: 10 }]);
    group.setBitsFromIsr(0b101);
    clock.advance(10);
    expect(log).toEqual(['a 5']);
    expect(group.bits).toBe(0b101);
  });

  test("bits that come between the timeout and the task's run count", () => {
    const { clock, os, log } = device();
    const group = new EventGroup(os);
    os.createTask(
      function* () {
        log.push(`${yield* group.waitBits(1, { clearOnExit: true, timeout: 10 })}`);
      },
      'low',
      1,
    );
    os.createTask(function* () {
      yield* os.delay(10);
      expect(group.setBits(1)).toBe(1);
    }, 'high', 2);
    os.start();
    clock.advance(10);
    expect(log).toEqual(['1']);
    expect(group.bits).toBe(0);
  });
});

describe('setBits and clearBits', () => {
  test('setBits gives the bits after the woken tasks cleared theirs; clearBits those from before', () => {
    const { os, group } = waiters(['a', 1, { clearOnExit: true }]);
    os.enterIsr();
    expect(group.setBits(0b11)).toBe(0b10);
    expect(group.clearBits(0b10)).toBe(0b10);
    os.exitIsr();
    expect(group.bits).toBe(0);
  });

  test('delete wakes all with 0, even if bits are set again before they run', () => {
    const { os, log, group } = waiters(['a', 1, {}], ['b', 3, { waitForAll: true }]);
    group.setBitsFromIsr(2);
    os.enterIsr();
    group.delete();
    group.setBits(1);
    os.exitIsr();
    expect(log).toEqual(['a 0', 'b 0']);
  });

  test('delete leaves no bits', () => {
    const { group } = waiters();
    group.setBitsFromIsr(6);
    group.delete();
    expect(group.bits).toBe(0);
  });
});

describe('sync', () => {
  test('all are released by the last, see all bits, and leave them cleared', () => {
    const { os, log } = device();
    const group = new EventGroup(os);
    for (const [name, bit] of [['a', 1], ['b', 2], ['c', 4]] as const) {
      os.createTask(function* () {
        for (let round = 0; round < 3; round++) log.push(`${name}${yield* group.sync(bit, 7)}`);
      }, name, bit);
    }
    os.start();
    // The last task to arrive does not block: first a, of the lowest priority; then b, which had not blocked again;
    // then a.
    expect(log).toEqual(['a7', 'c7', 'b7', 'b7', 'c7', 'a7', 'a7', 'c7', 'b7']);
    expect(group.bits).toBe(0);
  });

  test('a timeout leaves the bit that was set', () => {
    const { clock, os, log } = device();
    const group = new EventGroup(os);
    os.createTask(function* () { log.push(`${yield* group.sync(1, 3, 10)}`); }, 'a', 1);
    os.start();
    clock.advance(10);
    expect(log).toEqual(['1']);
    expect(group.bits).toBe(1);
  });

  test('bits outside the meeting are left, and seen', () => {
    const { os, log } = device();
    const group = new EventGroup(os);
    group.setBits(8);
    os.createTask(function* () { log.push(`${yield* group.sync(16 | 1, 1)}`); }, 'a', 1);
    os.start();
    expect(log).toEqual(['25']);
    expect(group.bits).toBe(24);
  });
});

test.each([-1, 0x100_0000, 1.5])('%d is not 24 bits', (bits) => {
  const { os } = device();
  const group = new EventGroup(os);
  expect(() => group.setBits(bits)).toThrow(`event bits must be a whole number from 0 to 0xffffff, not ${bits}`);
  expect(() => group.clearBits(bits)).toThrow('event bits');
  os.createTask(function* () {
    expect(() => group.waitBits(bits)).toThrow('event bits');
    expect(() => group.sync(bits, 1)).toThrow('event bits');
    expect(() => group.sync(1, bits)).toThrow('event bits');
    yield* os.suspend();
  }, 'task', 1);
  os.start();
  expect(os.getTask('task')?.state).toBe('Suspended');
});

test('all 24 bits can be set and waited for', () => {
  const { log, group } = waiters(['all', 0xff_ffff, { waitForAll: true }]);
  group.setBitsFromIsr(0xff_ffff);
  expect(log).toEqual([`all ${0xff_ffff}`]);
});

test('a wait for no bits is refused', () => {
  const { os } = device();
  const group = new EventGroup(os);
  os.createTask(function* () {
    expect(() => group.sync(1, 0)).toThrow('there must be at least one bit to wait for');
    yield* group.waitBits(0);
  }, 'a', 1);
  expect(() => os.start()).toThrow('there must be at least one bit to wait for');
});
