/** Servers in turn, back-off with full jitter, and deadlines that hold on both sides. */

import { describe, expect, it } from 'vitest';
import type { FirmwareConfig } from '../../../firmware/config.ts';
import { retryDelayMs } from '../../../firmware/tasks/backoff.ts';
import { serverName } from '../../../firmware/tasks/connection.ts';
import { Loopback } from '../../support/loopback.ts';
import { Peer, PORT, rig, SERVER, servers } from '../rig.ts';

const OTHER = '10.0.0.3';
const BLACK_HOLE = '10.9.9.9';

function heartbeat(settings: Partial<Extract<FirmwareConfig, { protocol: 'heartbeat' }>> = {}): FirmwareConfig {
  return { protocol: 'heartbeat', servers, expectAnswers: false, ...settings };
}

describe('servers', () => {
  const both = [...servers, { host: OTHER, port: PORT }];

  it('are tried in turn, round and round', () => {
    const { world, start } = rig(heartbeat({ servers: [...both, { host: SERVER, port: 7 }], retry: { fixedMs: 10 } }));
    world.host(OTHER);
    const device = start();
    world.advance(80);
    expect(
      device
        .all('connecting')
        .map(({ server }) => server)
        .slice(0, 7),
    ).toEqual([
      '10.0.0.2:39002',
      '10.0.0.3:39002',
      '10.0.0.2:7',
      '10.0.0.2:39002',
      '10.0.0.3:39002',
      '10.0.0.2:7',
      '10.0.0.2:39002',
    ]);
  });

  it.each(['power', 'process'] as const)('when one of two is killed (%s), the device moves to the other', (what) => {
    const { world, server, start } = rig(heartbeat({ servers: both, expectAnswers: true, keepAlive: 'off' }));
    const first = new Peer(server);
    const second = new Peer(world.host(OTHER));
    const device = start();
    world.until(() => device.all('connected').length === 1, 100);
    expect(first.connections.length).toBe(1);
    world.advance(1000);
    if (what === 'power') server.vanish();
    else first.last.socket.close();
    world.until(() => device.all('connected').length === 2, 20_000);
    expect(second.connections.length).toBe(1);
    expect(device.last('connected').server).toBe(`${OTHER}:${PORT}`);
    expect(device.last('lost')).toMatchObject({
      server: `${SERVER}:${PORT}`,
      by: what === 'power' ? 'missed-beats' : 'closed',
    });
    expect(device.open.size).toBe(1);
  });

  it('with several addresses have each of them tried, in the order of the look-up', () => {
    const { world, server, start } = rig(
      heartbeat({ servers: [{ host: 'beats.example', port: PORT }], connectTimeoutMs: 500 }),
    );
    world.names.set('beats.example', [BLACK_HOLE, OTHER, SERVER]);
    world.host(OTHER);
    const peer = new Peer(server);
    const device = start();
    world.advance(499);
    expect(device.open.size).toBe(1);
    // 500 ms for the black hole, 2 ms until the refusal, 2 ms to connect.
    world.until(() => device.all('connected').length === 1, 1000);
    expect(world.now).toBe(504);
    expect(peer.connections.length).toBe(1);
    expect(device.all('connecting').length).toBe(1);
    expect(device.all('connect-failed')).toEqual([]);
    expect(device.open.size).toBe(1);
  });

  it('whose names cannot be looked up are named in the failure, and the others are tried', () => {
    const { world, server, start } = rig(heartbeat({ servers: [{ host: 'nowhere.example', port: 1 }, ...servers] }));
    new Peer(server);
    const device = start();
    world.until(() => device.all('connected').length === 1, 5000);
    expect(device.last('connect-failed')).toMatchObject({ server: 'nowhere.example:1', errno: 'EAI_NONAME', atMs: 0 });
    expect(device.last('connected').server).toBe(`${SERVER}:${PORT}`);
  });

  it('are written as URLs write them', () => {
    expect(serverName({ host: 'a.example', port: 1 })).toBe('a.example:1');
    expect(serverName({ host: '2001:db8::1', port: 1 })).toBe('[2001:db8::1]:1');
  });
});

describe('the connect timeout', () => {
  it('ends an attempt that nobody answers when it is over, and not before; the socket is closed', () => {
    const { world, start } = rig(heartbeat({ servers: [{ host: BLACK_HOLE, port: PORT }], connectTimeoutMs: 5000 }));
    const device = start();
    world.advance(4999);
    expect(device.all('connect-failed')).toEqual([]);
    expect(device.open.size).toBe(1);
    world.advance(1);
    expect(device.last('connect-failed').errno).toBe('ETIMEDOUT');
    expect(device.open.size).toBe(0);
  });

  it.each([
    [4999, 1],
    [5001, 0],
  ])('lets a connection be made within it: answered after %i ms, %i made', (answeredMs, made) => {
    const { world, server, start } = rig(heartbeat({ connectTimeoutMs: 5000 }), { latencyMs: answeredMs / 2 });
    new Peer(server);
    const device = start();
    world.advance(5001);
    expect(device.all('connected').length).toBe(made);
  });

  it('holds for the look-up as well, which is cancelled', () => {
    const { world, start } = rig(heartbeat({ connectTimeoutMs: 5000 }), {}, {}, (hal) => ({
      ...hal,
      network: { ...hal.network, lookup },
    }));
    let cancelledAtMs = -1;
    let answer: ((result: readonly string[]) => void) | undefined;
    function lookup(_name: string, done: (result: readonly string[]) => void) {
      answer = done;
      return { cancel: () => { cancelledAtMs = world.now; } };
    }
    const device = start();
    world.advance(4999);
    expect(device.all('connect-failed')).toEqual([]);
    world.advance(1);
    expect(device.last('connect-failed').errno).toBe('ETIMEDOUT');
    expect(cancelledAtMs).toBe(5000);

    world.until(() => device.all('connecting').length === 2, 5000);
    answer?.([SERVER]);
    world.advance(10);
    expect(device.last('connect-failed').errno).toBe('ECONNREFUSED');
  });
});

describe('back-off', () => {
  it('doubles its bound with every failure up to the cap, and takes every delay within it as likely', () => {
    const random = new Loopback({ seed: 7 }).host('10.0.0.1').hal.random;
    const retry = { baseMs: 1000, capMs: 60_000 };
    for (const [failures, boundMs] of [
      [0, 1000],
      [1, 2000],
      [2, 4000],
      [5, 32_000],
      [6, 60_000],
      [5000, 60_000],
    ] as const) {
      const delays = Array.from({ length: 2000 }, () => retryDelayMs(retry, failures, random));
      expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
      expect(Math.min(...delays)).toBeLessThan(boundMs * 0.01);
      expect(Math.max(...delays)).toBeLessThanOrEqual(boundMs);
      expect(Math.max(...delays)).toBeGreaterThan(boundMs * 0.99);
      const meanMs = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
      expect(meanMs / boundMs).toBeGreaterThan(0.47);
      expect(meanMs / boundMs).toBeLessThan(0.53);
      expect(delays.every(Number.isInteger)).toBe(true);
    }
  });

  it('gives both ends of its range', () => {
    expect(retryDelayMs({ baseMs: 10, capMs: 100 }, 1, { uint32: () => 0 })).toBe(0);
    expect(retryDelayMs({ baseMs: 10, capMs: 100 }, 1, { uint32: () => 2 ** 32 - 1 })).toBe(20);
  });

  it('is the same again from the same seed, and differs with another seed', () => {
    const delays = (seed: number) => {
      const { world, start } = rig(heartbeat({ retry: { baseMs: 100, capMs: 1000 } }), { seed });
      const device = start();
      world.advance(20_000);
      const backingOff = device.all('backing-off');
      backingOff
        .slice(0, -1)
        .forEach(({ atMs, delayMs }, i) => expect(device.times('connecting')[i + 1]).toBe(atMs + delayMs));
      backingOff.forEach(({ delayMs }, i) => expect(delayMs).toBeLessThanOrEqual(Math.min(1000, 100 * 2 ** (i + 1))));
      return backingOff.map(({ delayMs }) => delayMs);
    };
    expect(delays(1)).toEqual(delays(1));
    expect(delays(1)).not.toEqual(delays(2));
    expect(Math.max(...delays(1))).toBeGreaterThan(500);
  });

  it('spares a server that comes back from all devices at once', () => {
    const world = new Loopback();
    const firstTries = Array.from({ length: 200 }, (_, i) =>
      retryDelayMs({ baseMs: 1000, capMs: 60_000 }, 0, world.host(`10.1.0.${i}`, `dev-${i}`).hal.random),
    );
    const aTenthEach = Array.from(
      { length: 10 },
      (_, tenth) => firstTries.filter((ms) => Math.floor(ms / 100.2) === tenth).length,
    );
    expect(Math.max(...aTenthEach)).toBeLessThan(40);
  });

  it.each([
    ['goes on', 9_999, 3200],
    ['starts again', 10_000, 100],
  ])('%s after a connection of %i ms: up to %i ms', (_, upMs, nextMs) => {
    // A die that always falls on the greatest delay shows the bound.
    const greatest = { uint32: () => 2 ** 32 - 1 };
    const { world, server, start } = rig(
      heartbeat({ retry: { baseMs: 100, capMs: 100_000 }, stableMs: 10_000 }),
      {},
      {},
      (hal) => ({ ...hal, random: greatest }),
    );
    const device = start();
    const delays = () => device.all('backing-off').map(({ delayMs }) => delayMs);
    world.until(() => delays().length === 4, 10_000);
    expect(delays()).toEqual([200, 400, 800, 1600]);
    const peer = new Peer(server);
    world.until(() => device.all('connected').length === 1, 10_000);
    world.at(world.now + upMs - 1, () => peer.last.socket.close());
    world.until(() => delays().length === 5, 20_000);
    expect(device.last('lost').afterMs).toBe(upMs);
    expect(delays().at(-1)).toBe(nextMs);
  });
});
