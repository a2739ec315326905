/**
 * The watchdog restarts a firmware that hogs, starves or hangs, names who did it where it can, and leaves the healthy
 * alone.
 */

import { describe, expect, it } from 'vitest';
import type { FirmwareConfig } from '../../../firmware/config.ts';
import type { Kernel } from '../../../firmware/rtos/kernel.ts';
import { type Alter, type Device, Peer, rig, servers } from '../rig.ts';

const CONFIG: FirmwareConfig = { protocol: 'heartbeat', servers, expectAnswers: false, watchdogMs: 1000 };

/** A port without a hardware watchdog: what is found is found by the firmware. */
const withoutHardware: Alter = (hal) => ({ ...hal, system: { ...hal.system, armWatchdog: () => false } });

function watched(alter?: Alter, config = CONFIG) {
  const { world, server, start } = rig(config, {}, {}, alter);
  new Peer(server);
  const device = start();
  world.advance(1_000);
  expect(device.all('connected').length).toBe(1);
  return { world, device, os: kernelOf(device) };
}

function kernelOf(device: Device): Kernel {
  if (device.os === undefined) throw new Error('the device has not booted');
  return device.os;
}

describe('the task watchdog', () => {
  it('restarts when a task keeps the others from running, and names both', () => {
    const { world, device, os } = watched(withoutHardware);
    os.createTask(function* () { for (;;) { world.advance(10); yield* os.yield(); } }, 'greedy', 3);
    world.advance(10_000);
    expect(device.host.resets.length).toBe(1);
    const [reset] = device.host.resets;
    expect(reset?.reason).toBe('watchdog');
    // The last sign of life was at 1 s; looks are 250 ms apart, at the next switch of a task that takes 10 ms a turn.
    expect(reset?.atMs).toBeGreaterThan(2_000);
    expect(reset?.atMs).toBeLessThanOrEqual(2_250 + 10);
    expect(device.host.lines.filter((line) => line.includes('watchdog'))).toEqual([
      expect.stringMatching(
        /^task watchdog: no sign of life from alive \(starved, silent for \d+ ms\); greedy ran longest$/,
      ),
    ]);
    expect(device.all('boot').map(({ boots, resetReason }) => [boots, resetReason])).toEqual([
      [1, 'power-on'],
      [2, 'watchdog'],
    ]);
  });

  it('finds a single long hog afterwards', () => {
    const { world, device, os } = watched(withoutHardware);
    os.createTask(function* () { world.advance(1001); yield* os.suspend(); }, 'hog', 3);
    world.advance(10_000);
    expect(device.host.resets).toEqual([{ atMs: 2_001, reason: 'watchdog' }]);
    expect(device.host.lines).toContain(
      'task watchdog: no sign of life from alive (starved, silent for 1001 ms); hog ran longest',
    );
  });

  it('is quiet after it has restarted: the old firmware does nothing more', () => {
    let arms = 0;
    let restarts = 0;
    // A port whose restart returns and leaves the old firmware standing.
    const { world, os } = watched((hal) => ({
      ...hal,
      system: { ...hal.system, armWatchdog: () => { arms++; return false; }, restart: () => { restarts++; } },
    }));
    os.createTask(function* () { world.advance(3000); }, 'hog', 3);
    const before = arms;
    world.advance(20_000);
    expect(restarts).toBe(1);
    expect(arms).toBe(before);
    expect(os.schedulerState).toBe('stopped');
  });

  it('leaves a healthy device alone, and one that is busy for three quarters of the time allowed', () => {
    const { world, device, os } = watched(withoutHardware);
    os.createTask(function* () {
      for (;;) {
        yield* os.delay(777);
        world.advance(750);
      }
    }, 'busy', 3);
    world.advance(3_600_000);
    expect(device.host.resets).toEqual([]);
  });

  it.each([4, 5, 7, 8])('leaves a healthy device alone with a timeout of %i ticks', (ticks) => {
    const { world, device } = watched(undefined, { ...CONFIG, watchdogMs: ticks * 10, tickRateHz: 100 });
    world.advance(60_000);
    expect(device.host.resets).toEqual([]);
  });
});

describe('the hardware watchdog', () => {
  it('is fed by a healthy firmware', () => {
    const fed: number[] = [];
    const { world, device } = watched((hal) => ({
      ...hal,
      system: {
        ...hal.system,
        armWatchdog: (timeoutMs) => {
          fed.push(timeoutMs);
          return hal.system.armWatchdog(timeoutMs);
        },
      },
    }));
    world.advance(3_600_000);
    expect(device.host.resets).toEqual([]);
    expect(new Set(fed)).toEqual(new Set([1000]));
    expect(fed.length).toBe(3601 * 4 + 1);
  });

  it('bites when the kernel stands still: within its time of the last look', () => {
    const { world, device, os } = watched();
    const hungMs = world.now;
    os.stop();
    world.advance(749);
    expect(device.host.resets).toEqual([]);
    world.advance(251);
    expect(device.host.resets).toEqual([{ atMs: expect.any(Number), reason: 'watchdog' }]);
    expect((device.host.resets[0]?.atMs ?? 0) - hungMs).toBeLessThanOrEqual(1000);
    world.until(() => device.all('connected').length === 2, 100);
    expect(device.last('boot')).toMatchObject({ boots: 2, resetReason: 'watchdog' });
  });

  it('is not armed without the setting', () => {
    let arms = 0;
    const { world, device } = watched(
      (hal) => ({ ...hal, system: { ...hal.system, armWatchdog: () => { arms++; return true; } } }),
      { ...CONFIG, watchdogMs: 0 },
    );
    kernelOf(device).stop();
    world.advance(100_000);
    expect(arms).toBe(0);
    expect(device.host.resets).toEqual([]);
  });
});
