/** The table drops a silent client at the right scan, and none a scan or a millisecond earlier. */

import { describe, expect, it } from 'vitest';
import { ClientTable, type Liveness, Row } from '../../../sim/server/client-table.ts';

const SCANS: Liveness = { policy: 'missed-beats', scanIntervalMs: 3000, missedLimit: 5 };
const IDLE: Liveness = { policy: 'idle', checkIntervalMs: 5000, idleMs: 10_000 };

class Device extends Row<Device> {
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
  }
}

/** Adds a device of that name. */
function add(table: ClientTable<Device>, name: string, nowMs: number): Device {
  const device = new Device(name);
  table.add(device, nowMs);
  return device;
}

/** Runs the table's alarms in virtual time from `fromMs` until it drops somebody: when, and whom and why. */
function firstDrop(
  table: ClientTable<Device>,
  untilMs: number,
): [atMs: number, client: string, why: string] | undefined {
  let dropped: [number, string, string] | undefined;
  for (let dueMs = table.nextDueMs(); dueMs <= untilMs && dropped === undefined; dueMs = table.nextDueMs()) {
    table.expire(dueMs, (client, why) => {
      dropped ??= [dueMs, client.name, why];
    });
  }
  return dropped;
}

describe('a scan every 3 s, 5 missed beats', () => {
  it.each([
    // The scans are at 3, 6, 9 s, ... The count reaches 5 at the fifth scan after the last beat; the sixth drops.
    { lastBeatMs: 0, droppedMs: 18_000 },
    { lastBeatMs: 1, droppedMs: 18_000 },
    { lastBeatMs: 2999, droppedMs: 18_000 },
    { lastBeatMs: 3001, droppedMs: 21_000 },
    { lastBeatMs: 100_000, droppedMs: 117_000 },
  ])('drops who beat last at $lastBeatMs ms at $droppedMs ms: after 15 to 18 s', ({ lastBeatMs, droppedMs }) => {
    const table = new ClientTable<Device>(SCANS, 0, 0);
    firstDrop(table, lastBeatMs);
    const entry = add(table, 'dev', lastBeatMs);
    table.beat(entry, lastBeatMs);
    expect(firstDrop(table, droppedMs - 1)).toBeUndefined();
    expect(firstDrop(table, droppedMs)).toEqual([droppedMs, 'dev', 'silent']);
  });

  it('takes a beat just before the scan that would have dropped for a beat like any other', () => {
    const table = new ClientTable<Device>(SCANS, 0, 0);
    const entry = add(table, 'dev', 0);
    expect(firstDrop(table, 17_999)).toBeUndefined();
    table.beat(entry, 17_999);
    expect(firstDrop(table, 32_999)).toBeUndefined();
    expect(firstDrop(table, 33_000)).toEqual([33_000, 'dev', 'silent']);
  });

  it('counts beats only: neither bytes nor other frames save a client', () => {
    const table = new ClientTable<Device>(SCANS, 0, 0);
    const entry = add(table, 'dev', 0);
    for (let atMs = 1000; atMs < 18_000; atMs += 1000) {
      expect(firstDrop(table, atMs)).toBeUndefined();
      table.bytes(entry, atMs);
      table.frame(entry, atMs);
    }
    expect(firstDrop(table, 18_000)).toEqual([18_000, 'dev', 'silent']);
  });

  it('never drops who beats', () => {
    const table = new ClientTable<Device>(SCANS, 0, 0);
    const entry = add(table, 'dev', 0);
    for (let atMs = 0; atMs < 1_000_000; atMs += 14_999) {
      expect(firstDrop(table, atMs)).toBeUndefined();
      table.beat(entry, atMs);
    }
  });
});

describe('a check every 5 s, idle for 10 s', () => {
  it.each([
    { lastMs: 0, droppedMs: 10_000 },
    { lastMs: 1, droppedMs: 15_000 },
    { lastMs: 4999, droppedMs: 15_000 },
    { lastMs: 5000, droppedMs: 15_000 },
    { lastMs: 5001, droppedMs: 20_000 },
  ])('drops who was heard last at $lastMs ms at $droppedMs ms', ({ lastMs, droppedMs }) => {
    const table = new ClientTable<Device>(IDLE, 0, 0);
    firstDrop(table, lastMs);
    const entry = add(table, 'dev', lastMs);
    table.bytes(entry, lastMs);
    expect(firstDrop(table, droppedMs - 1)).toBeUndefined();
    expect(firstDrop(table, droppedMs)).toEqual([droppedMs, 'dev', 'silent']);
  });

  it('takes any byte for a sign of life', () => {
    const table = new ClientTable<Device>(IDLE, 0, 0);
    const entry = add(table, 'dev', 0);
    for (let atMs = 0; atMs < 100_000; atMs += 9999) {
      expect(firstDrop(table, atMs)).toBeUndefined();
      table.bytes(entry, atMs);
    }
  });
});

describe('the time to the first valid frame', () => {
  it('ends to the millisecond, with any bytes before', () => {
    const table = new ClientTable<Device>(IDLE, 2500, 0);
    const entry = add(table, 'dev', 100);
    table.bytes(entry, 2000);
    expect(firstDrop(table, 2599)).toBeUndefined();
    expect(firstDrop(table, 2600)).toEqual([2600, 'dev', 'no-first-frame']);
  });

  it('is over with any valid frame, and the silence policy begins with it', () => {
    const table = new ClientTable<Device>(SCANS, 2500, 0);
    const entry = add(table, 'dev', 0);
    table.frame(entry, 2499);
    expect(firstDrop(table, 17_999)).toBeUndefined();
    expect(firstDrop(table, 18_000)).toEqual([18_000, 'dev', 'silent']);
  });
});

it('drops nobody under the policy "none"', () => {
  const table = new ClientTable<Device>({ policy: 'none' }, 0, 0);
  add(table, 'dev', 0);
  expect(table.nextDueMs()).toBe(Infinity);
});

it('drops nobody who was removed, and everybody who is due, in the order of their silence', () => {
  const table = new ClientTable<Device>(IDLE, 0, 0);
  const entries = ['a', 'b', 'c', 'd'].map((name) => add(table, name, 0));
  const [a, b] = entries;
  if (a === undefined || b === undefined) throw new Error('there are four');
  table.bytes(a, 1);
  table.remove(b);
  const dropped: string[] = [];
  for (const atMs of [5000, 10_000, 15_000]) table.expire(atMs, (client) => dropped.push(`${atMs} ${client.name}`));
  expect(dropped).toEqual(['10000 c', '10000 d', '15000 a']);
});

it('judges nobody right after the process itself stood still, since what they sent is still to be read', () => {
  const table = new ClientTable<Device>(IDLE, 0, 0);
  const [alive, dead] = [add(table, 'alive', 0), add(table, 'dead', 0)];
  const dropped: string[] = [];
  const expire = (atMs: number) => table.expire(atMs, (client) => dropped.push(client.name));
  expire(60_000);
  expect(dropped).toEqual([]);
  table.bytes(alive, 60_001);
  expect(table.nextDueMs()).toBe(61_000);
  expire(61_000);
  expect(dropped).toEqual(['dead']);
  expect([alive.list === undefined, dead.list === undefined]).toEqual([false, true]);
});

it('does not count twice when a scan comes late', () => {
  const table = new ClientTable<Device>({ policy: 'missed-beats', scanIntervalMs: 100, missedLimit: 1 }, 0, 0);
  add(table, 'dev', 50);
  const dropped: string[] = [];
  table.expire(450, (client) => dropped.push(client.name));
  expect(dropped).toEqual([]);
  expect(table.nextDueMs()).toBe(550);
});

it('drops at the very time that it said, also where the sum of two times is rounded', () => {
  // The clock is 200 ppm slow, so it shows less than 10 s more after 10 s.
  const sinceMs = 6386.722400000001;
  expect(sinceMs + 10_000 - sinceMs).toBeLessThan(10_000);
  const table = new ClientTable<Device>(SCANS, 10_000, sinceMs - 1);
  add(table, 'dev', sinceMs);
  const dropped: string[] = [];
  for (let dueMs = table.nextDueMs(); dueMs < sinceMs + 10_000; dueMs = table.nextDueMs()) {
    table.expire(dueMs, (client) => dropped.push(client.name));
  }
  expect(dropped).toEqual([]);
  table.expire(table.nextDueMs(), (client) => dropped.push(client.name));
  expect(dropped).toEqual(['dev']);
});
