/**
 * The heartbeat client neither crashes nor leaks, sends whole frames, and reconnects, under random failures of its
 * server, its cable and its power.
 */

import { describe, expect, it } from 'vitest';
import { Loopback } from '../../support/loopback.ts';
import { connected, servers } from '../rig.ts';

const HEART = [0, 0, 0, 0, 0, 0, 0, 0];
const DATA_BYTES = 40;

/**
 * Whether the bytes consist of HEART frames and of OTHER frames with DATA_BYTES zeros. The last frame may be cut off.
 */
function isWholeFrames(bytes: readonly number[]): boolean {
  const heart = HEART.join();
  const data = [1, 0, 0, 0, DATA_BYTES, 0, 0, 0, ...Array<number>(DATA_BYTES).fill(0)];
  for (let at = 0; at < bytes.length; ) {
    const expected = bytes[at] === 1 ? data.join() : heart;
    const frame = bytes.slice(at, at + (bytes[at] === 1 ? data.length : 8));
    at += frame.length;
    if (at < bytes.length ? frame.join() !== expected : !`${expected},`.startsWith(`${frame.join()},`)) return false;
  }
  return true;
}

function chaos(seed: number) {
  const { random } = new Loopback({ seed }).host('10.0.0.9').hal;
  const below = (limit: number) => random.uint32() % limit;
  const { world, peer, device } = connected(
    {
      protocol: 'heartbeat',
      servers,
      beatIntervalMs: 500,
      missedLimit: 3,
      connectTimeoutMs: 2000,
      watchdogMs: 5000,
      dataIntervalMs: 300,
      dataBytes: DATA_BYTES,
      retry: { baseMs: 50, capMs: 1000 },
      keepAlive: { idle: 1, interval: 1, count: 2 },
    },
    { seed, bufferBytes: 16 + below(200), latencyMs: 1 + below(50) },
  );
  peer.onBytes = (_, served) => { if (below(4) > 0) served.send(HEART); };
  const garbage = () => Array.from({ length: below(50) }, () => below(256));
  const actions = [
    () => peer.last.send([1, 0, 0, 0, 100, 0, 0, 0, ...Array<number>(100).fill(9)]),
    () => peer.last.send(garbage()),
    () => { peer.reads = !peer.reads; },
    () => { if (peer.last.over === undefined) peer.last.read(below(30)); },
    () => peer.last.socket.close(),
    () => peer.last.socket.shutdown(),
    () => peer.last.socket.abort(),
    () => { device.host.cable = device.host.cable === 'in' ? 'out' : 'in'; },
    () => { if (device.host.powered) device.host.vanish(); else device.host.boot(); },
  ];
  for (let atMs = world.now; atMs < 60_000; atMs += below(700)) {
    world.at(atMs, () => actions[below(actions.length)]?.());
  }
  world.advance(60_000);

  peer.reads = true;
  device.host.cable = 'in';
  if (!device.host.powered) device.host.boot();
  peer.onBytes = (_, served) => served.send(HEART);
  world.advance(30_000);
  return { world, peer, device };
}

describe('a client under all faults at once', () => {
  it.each(Array.from({ length: 40 }, (_, i) => i + 1))('seed %i', (seed) => {
    const { world, peer, device } = chaos(seed);
    expect(device.host.resets).toEqual([]);
    expect(device.open.size).toBe(1);
    expect(world.now - device.last('served').atMs).toBeLessThan(700);
    expect(peer.connections.length).toBeGreaterThan(2);
    expect(
      peer.connections
        .map(({ received }) => received)
        .filter((bytes) => !isWholeFrames(bytes))
        .map(String),
    ).toEqual([]);
    expect(device.all('connected').length).toBeGreaterThan(3);
  });
});
