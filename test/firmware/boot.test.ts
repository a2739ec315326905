/** The image starts, tells of it, and dies as a device does. */

import { describe, expect, it } from 'vitest';
import { boot } from '../../firmware/boot.ts';
import { firmwareImage } from '../../firmware/config.ts';
import type { DeviceEvent } from '../../firmware/events.ts';
import { failure } from '../../hal/errno.ts';
import type { PanicReport } from '../../hal/system.ts';
import { Loopback } from '../support/loopback.ts';
import { connected, Peer, rig, servers } from './rig.ts';

describe('boot', () => {
  it.each(['heartbeat', 'echo'] as const)('starts the %s image and reports its events in order', (protocol) => {
    const { world, device } = connected({ protocol, servers });
    world.advance(10);
    expect(device.events.slice(0, 3)).toEqual([
      { kind: 'boot', boots: 1, resetReason: 'power-on', atMs: 0 },
      { kind: 'connecting', server: '10.0.0.2:39002', atMs: 0 },
      { kind: 'connected', server: '10.0.0.2:39002', local: { address: '10.0.0.1', port: 49_152 }, atMs: 2 },
    ]);
  });

  it('runs without a listener for its events', () => {
    const world = new Loopback();
    const server = world.host('10.0.0.2');
    const peer = new Peer(server);
    boot(world.host('10.0.0.1').hal, firmwareImage({ protocol: 'heartbeat', servers }));
    world.advance(10);
    expect(peer.last.received).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it.each([
    'power-on', 'brown-out', 'software', 'watchdog', 'panic',
  ] as const)('reports the reset reason: %s', (reason) => {
    const { world, device } = connected({ protocol: 'heartbeat', servers });
    device.host.boot(reason);
    world.advance(1);
    expect(device.last('boot')).toMatchObject({ boots: 2, resetReason: reason });
  });

  it('reports a carrier that is lost and found', () => {
    const { world, device } = connected({ protocol: 'heartbeat', servers });
    world.at(10, () => { device.host.cable = 'out'; });
    world.at(20, () => { device.host.cable = 'in'; });
    world.advance(50);
    expect(device.all('carrier').map(({ up, atMs }) => [up, atMs])).toEqual([[false, 10], [true, 20]]);
  });

  it('reports a carrier that is missing from the start', () => {
    const { world, device } = connected({ protocol: 'heartbeat', servers });
    device.host.vanish();
    device.host.cable = 'out';
    device.host.boot();
    world.advance(1);
    expect(device.events.slice(-3)).toMatchObject([
      { kind: 'boot' },
      { kind: 'carrier', up: false },
      { kind: 'connecting' },
    ]);
  });

  it('reports that the boot count cannot be stored, and goes on', () => {
    const { world, start } = rig({ protocol: 'heartbeat', servers }, {}, {}, (hal) => ({
      ...hal,
      storage: { ...hal.storage, commit: () => failure('EIO') },
    }));
    const device = start();
    world.advance(10);
    expect(device.host.lines).toEqual(['the boot count could not be stored']);
    expect(device.last('boot').boots).toBe(1);
    expect(device.all('connecting').length).toBe(1);
  });

  it('has no image to start from with a wrong setting', () => {
    expect(() => firmwareImage({ protocol: 'heartbeat', servers: [] }))
      .toThrow('config.servers must be a list of at least one { host, port }, not an empty list');
  });
});

describe('a task that throws', () => {
  it('is a panic: reported with task, reason and stack, and the board restarts', () => {
    const { world, device } = connected({ protocol: 'heartbeat', servers });
    device.os?.createTask(function* () { throw new RangeError('index 7 of 4'); }, 'faulty', 1);
    world.advance(100);
    const [reset] = device.host.resets;
    expect(reset).toMatchObject({ reason: 'panic', panic: { task: 'faulty', reason: 'index 7 of 4' } });
    expect(reset?.panic?.stack).toContain('boot.test.ts');
    expect(device.host.lines).toContain('panic in task faulty: index 7 of 4');
    expect(device.last('boot')).toMatchObject({ boots: 2, resetReason: 'panic' });
    world.until(() => device.all('connected').length === 2, 1000);
  });

  it('is followed by silence if the board does not restart', () => {
    const reports: PanicReport[] = [];
    const { world, server, start } = rig({ protocol: 'heartbeat', servers }, {}, {}, (hal) => ({
      ...hal,
      system: { ...hal.system, panic: (report) => { reports.push(report); } },
    }));
    const peer = new Peer(server);
    const device = start();
    world.advance(4000);
    device.os?.createTask(function* () { throw new Error('broken'); }, 'faulty', 1);
    world.advance(1);
    expect(reports.length).toBe(1);
    const before: DeviceEvent[] = [...device.events];
    const receivedBefore = peer.last.received.length;
    peer.last.send([0, 0, 0, 0, 0, 0, 0, 0]);
    device.host.cable = 'out';
    world.advance(10);
    device.host.cable = 'in';
    world.advance(60_000);
    peer.last.socket.close();
    world.advance(60_000);
    expect(device.events).toEqual(before);
    expect(peer.last.received.length).toBe(receivedBefore);
    expect(reports.length).toBe(1);
  });
});
