/** A whole device on this machine: how it restarts. */

import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import type { Hal, ResetReason } from '../../hal/index.ts';
import { nodeHal } from '../../hal/node/index.ts';
import { temporaryFolder } from './subject.ts';

const { folder, remove } = temporaryFolder();
afterAll(remove);

function device(): { hal: Hal; printed: string[]; restarts: ResetReason[] } {
  const printed: string[] = [];
  const restarts: ResetReason[] = [];
  const hal = nodeHal({
    deviceId: 'dev-1',
    storageFile: join(folder, 'flash'),
    print: (line) => printed.push(line),
    onRestart: (reason) => restarts.push(reason),
  });
  return { hal, printed, restarts };
}

test('a restart drops the alarm and the sockets, calls nothing back, and comes once, after the call has returned', async () => {
  const { hal, restarts } = device();
  const calls: string[] = [];
  const listener = hal.network.listen({ address: '127.0.0.1', port: 0 }, 5, {
    listening: () => calls.push('listening'),
    incoming: () => calls.push('incoming'),
    ended: () => calls.push('ended'),
  });
  await vi.waitFor(() => expect(calls).toEqual(['listening']));
  const { local } = listener;
  if (local === undefined) throw new Error('it listens');
  const stream = hal.network.openStream({
    readable: () => calls.push('readable'),
    writable: () => calls.push('writable'),
    ended: () => calls.push('stream ended'),
  });
  stream.connect(local);
  await vi.waitFor(() => expect(calls.toSorted()).toEqual(['incoming', 'listening', 'writable']));
  hal.clock.setAlarm(0, () => calls.push('alarm'));
  hal.system.restart('software');
  hal.system.restart('watchdog');
  // The firmware that called `restart` may run on for a moment.
  hal.clock.setAlarm(0, () => calls.push('alarm'));
  hal.network.openStream({ readable() {}, writable() {}, ended: () => calls.push('late') }).connect(local);
  expect(restarts).toEqual([]);
  await vi.waitFor(() => expect(restarts).toEqual(['software']));
  const next = device().hal.clock;
  await new Promise<void>((done) => next.setAlarm(20, done));
  expect(restarts).toEqual(['software']);
  expect(calls).toHaveLength(3);
});

test('a watchdog that is not armed again in time restarts the device, not before', async () => {
  const { hal, restarts } = device();
  expect(hal.system.armWatchdog(30)).toBe(true);
  const armedMs = hal.clock.now();
  await vi.waitFor(() => expect(restarts).toEqual(['watchdog']), { interval: 1 });
  expect(hal.clock.now() - armedMs).toBeGreaterThanOrEqual(29.9);
});

test('a panic is printed, and restarts the device', async () => {
  const { hal, printed, restarts } = device();
  hal.system.panic({ task: 'heartbeat', reason: 'x is not a function', stack: 'at heartbeat.ts:3' });
  await vi.waitFor(() => expect(restarts).toEqual(['panic']));
  expect(printed).toEqual(['panic in task heartbeat: x is not a function', 'at heartbeat.ts:3']);
});
