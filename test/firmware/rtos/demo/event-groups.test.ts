/**
 * After FreeRTOS's EventGroupsDemo: selective bits, combinations of bits, rendezvous of four, and deletion of the
 * group.
 */

import { expect, test } from 'vitest';
import { EventGroup, type Kernel, MAX_DELAY, type Task, type TaskHandle } from '../../../../firmware/rtos/index.ts';
import { device } from '../../../support/manual-clock.ts';

const ALL_BITS = 0xff;
const COMBINED = 0b1010_0010;
const SYNC_BITS = 0b1111;
const [SET, WAIT] = [0, 1];

test('master, slave and two that meet', () => {
  const { clock, os } = device();
  const groups: EventGroup[] = [];
  const group = (): EventGroup => {
    const current = groups[0];
    if (current === undefined) throw new Error('the master has not made a group yet');
    return current;
  };
  let masterCycles = 0;
  let slaveCycles = 0;

  const slave = os.createTask(function* () {
    for (;;) {
      yield* os.suspend();
      expect(yield* group().waitBits(0b10, { clearOnExit: true, waitForAll: true })).toBe(COMBINED);
      expect((yield* group().waitBits(COMBINED, { waitForAll: true })) & COMBINED).toBe(COMBINED);
      yield* os.suspend();
      expect(yield* group().waitBits(COMBINED, { clearOnExit: true, waitForAll: true })).toBe(ALL_BITS);
      yield* os.suspend();
      expect((yield* group().sync(0b10, SYNC_BITS)) & SYNC_BITS).toBe(SYNC_BITS);
      expect([group().setBits(0), group().bits]).toEqual([0, 0]);
      slaveCycles++;
      yield* os.suspend();
      expect((yield* group().sync(0b10, SYNC_BITS)) & SYNC_BITS).toBe(SYNC_BITS);
      expect(yield* group().waitBits(SYNC_BITS, { waitForAll: true })).toBe(0);
      slaveCycles++;
    }
  }, 'slave', WAIT);

  function* meets(kernel: Kernel, selective: number, bit: number): Task {
    for (let found = -1; found !== 0;) {
      yield* kernel.suspend();
      found = yield* group().waitBits(selective, { clearOnExit: true });
    }
    for (;;) {
      yield* kernel.suspend();
      for (const timeout of [0, 1]) {
        expect((yield* group().sync(bit, SYNC_BITS, timeout)) & SYNC_BITS).not.toBe(SYNC_BITS);
      }
      expect((yield* group().sync(bit, SYNC_BITS, MAX_DELAY)) & SYNC_BITS).toBe(SYNC_BITS);
      yield* kernel.suspend();
      expect((yield* group().sync(bit, SYNC_BITS, MAX_DELAY)) & SYNC_BITS).toBe(SYNC_BITS);
      expect(yield* group().waitBits(SYNC_BITS, { waitForAll: true })).toBe(0);
    }
  }
  const first = os.createTask(meets, 'first', WAIT, 0b011, 0b0100);
  const second = os.createTask(meets, 'second', WAIT, 0b101, 0b1000);
  const others = [slave, first, second];
  const states = (): string[] => others.map((task) => task.state);

  const master: TaskHandle = os.createTask(function* () {
    groups[0] = new EventGroup(os);
    for (let bit = 1; bit < 0x100; bit <<= 1) {
      for (const task of [first, second]) task.resume();
      yield* os.yield();
      expect([first.state, second.state]).toEqual(['Blocked', 'Blocked']);
      group().setBits(bit);
      yield* os.yield();
      expect(first.state).toBe((bit & 0b011) === 0 ? 'Blocked' : 'Suspended');
      expect(second.state).toBe((bit & 0b101) === 0 ? 'Blocked' : 'Suspended');
    }
    for (const task of [first, second]) task.resume();
    yield* os.yield();
    group().delete();
    yield* os.yield();

    for (;;) {
      groups[0] = new EventGroup(os);
      // One waits for combinations.
      slave.resume();
      yield* os.yield();
      expect(slave.state).toBe('Blocked');
      group().setBits(COMBINED);
      yield* os.yield();
      expect(yield* group().waitBits(ALL_BITS, { timeout: 0 })).toBe(COMBINED & ~0b10);
      expect(slave.state).toBe('Blocked');
      group().setBits(ALL_BITS & ~0b10);
      yield* os.yield();
      expect([slave.state, group().bits]).toEqual(['Blocked', ALL_BITS & ~0b10]);
      group().setBits(0b10);
      yield* os.yield();
      expect([slave.state, group().setBits(0)]).toEqual(['Suspended', ALL_BITS]);
      expect(group().clearBits(0b10)).toBe(ALL_BITS);
      slave.resume();
      yield* os.yield();
      expect(slave.state).toBe('Blocked');
      group().setBits(0b10);
      yield* os.yield();
      expect([slave.state, group().bits]).toEqual(['Suspended', ALL_BITS & ~COMBINED]);
      expect(group().clearBits(ALL_BITS)).toBe(ALL_BITS & ~COMBINED);
      expect(group().bits).toBe(0);

      // A meeting of one, then of four with the master last and lowest, then with the master highest.
      expect(states()).toEqual(['Suspended', 'Suspended', 'Suspended']);
      group().setBits(SYNC_BITS & ~1);
      expect((yield* group().sync(1, 1)) & 1).toBe(1);
      expect(group().bits).toBe(SYNC_BITS & ~1);
      group().clearBits(SYNC_BITS);
      for (const task of others) task.resume();
      yield* os.delay(5);
      expect(states()).toEqual(['Blocked', 'Blocked', 'Blocked']);
      expect((yield* group().sync(1, SYNC_BITS)) & SYNC_BITS).toBe(SYNC_BITS);
      expect(group().bits).toBe(0);
      yield* os.yield();
      expect(states()).toEqual(['Suspended', 'Suspended', 'Suspended']);
      for (const task of others) task.resume();
      yield* os.yield();
      expect(states()).toEqual(['Blocked', 'Blocked', 'Blocked']);
      master.setPriority(WAIT + 1);
      expect((yield* group().sync(1, SYNC_BITS)) & SYNC_BITS).toBe(SYNC_BITS);
      expect(group().bits).toBe(0);
      expect(states()).toEqual(['Ready', 'Ready', 'Ready']);
      master.setPriority(SET);
      yield* os.yield();
      expect(states()).toEqual(['Blocked', 'Blocked', 'Blocked']);
      group().delete();
      yield* os.yield();
      expect(states()).toEqual(['Suspended', 'Suspended', 'Suspended']);
      masterCycles++;
      yield* os.delay(1);
    }
  }, 'master', SET);
  os.start();
  clock.advance(1000);
  expect(masterCycles).toBeGreaterThan(150);
  expect(slaveCycles).toBeGreaterThanOrEqual(2 * masterCycles);
});

test('an interrupt sets and clears bits, one at a time', () => {
  const { clock, os } = device();
  const group = new EventGroup(os);
  let seen = 0;
  os.createTask(function* () {
    for (;;) {
      expect(yield* group.waitBits(ALL_BITS, { clearOnExit: true })).toBe(1 << (seen % 8));
      seen++;
    }
  }, 'task', 1);
  os.start();
  for (let n = 0; n < 500; n++) {
    clock.advance(5);
    expect(group.bits).toBe(0);
    group.setBitsFromIsr(1 << (n % 8));
    expect(group.clearBitsFromIsr(ALL_BITS)).toBe(0);
  }
  expect(seen).toBe(500);
});
