/** select: one task, several sockets. */

import { describe, expect, it } from 'vitest';
import { READABLE, select, WRITABLE } from '../../../firmware/net/select.ts';
import { Socket } from '../../../firmware/net/socket.ts';
import { Kernel } from '../../../firmware/rtos/kernel.ts';
import { Loopback } from '../../support/loopback.ts';
import { nameOf, Peer, SERVER } from '../rig.ts';

/** A task with `count` connected sockets that selects them again and again and reads what is ready. */
function selecting(count: number, timeout?: number) {
  const world = new Loopback();
  const server = world.host(SERVER);
  const peers = Array.from({ length: count }, (_, i) => new Peer(server, 1000 + i));
  const { hal } = world.host('10.0.0.1');
  const os = new Kernel(hal.clock);
  const log: string[] = [];
  const interests = peers.map((_, i) => ({
    name: 'abc'.charAt(i),
    socket: new Socket(os, hal.network),
    events: READABLE,
  }));
  os.createTask(function* () {
    for (const [i, { socket }] of interests.entries()) yield* socket.connect({ address: SERVER, port: 1000 + i });
    for (;;) {
      const ready = yield* select(os, interests, timeout);
      const results = ready.map(({ name, socket }) => `${name} ${nameOf(socket.tryRead(new Uint8Array(16)))}`);
      log.push(`${world.now} ${results.join(', ')}`);
      if (results.some((result) => result.endsWith('ECONNRESET'))) return;
    }
  }, 'selector', 1);
  os.start();
  world.advance(2 * count);
  return { world, os, peers, log, interests };
}

describe('select', () => {
  it('returns the sockets that are ready, also several at once', () => {
    const { world, peers, log } = selecting(3);
    world.at(10, () => peers[1]?.last.send([1, 2]));
    world.at(20, () => { peers[2]?.last.send([1]); peers[0]?.last.send([1, 2, 3]); });
    world.advance(100);
    expect(log.filter((line) => !line.includes('EAGAIN'))).toEqual(['11 b 2', '21 c 1', '21 a 3']);
  });

  it('gives none when its timeout is over, and not before', () => {
    const { world, log } = selecting(1, 50);
    world.advance(49);
    expect(log).toEqual([]);
    world.advance(1);
    expect(log).toEqual(['52 ']);
  });

  it.each(['select', 'read'] as const)('%s without a timeout waits longer than 2^32 ticks', (call) => {
    const world = new Loopback();
    const peer = new Peer(world.host(SERVER));
    const { hal } = world.host('10.0.0.1');
    // 2^32 ticks take 4295 s at this rate.
    const os = new Kernel(hal.clock, { tickRateHz: 1_000_000 });
    const socket = new Socket(os, hal.network);
    const log: string[] = [];
    os.createTask(function* () {
      yield* socket.connect({ address: SERVER, port: 39_002 });
      const result =
        call === 'select'
          ? (yield* select(os, [{ socket, events: READABLE }])).length
          : yield* socket.read(new Uint8Array(9));
      log.push(`${world.now} ${result}`);
    }, 'test', 1);
    os.start();
    // An event that makes none of the sockets ready wakes the task, which then waits for the time that is left.
    world.at(2_000_000, () => (call === 'select' ? socket.writable() : socket.readable()));
    world.at(5_000_000, () => peer.last.send([7]));
    world.advance(6_000_000);
    expect(log).toEqual(['5000001 1']);
  });

  it('tells the end of a connection as readable', () => {
    const { world, peers, interests, log } = selecting(2);
    world.at(10, () => peers[0]?.last.socket.abort());
    world.advance(8);
    expect(log).toEqual(['11 a ECONNRESET']);
    expect(interests[0]?.socket.ready).not.toBe(0);
  });

  it('waits for room to write only if the caller asks for that', () => {
    const world = new Loopback({ bufferBytes: 8 });
    const peer = new Peer(world.host(SERVER));
    peer.reads = false;
    const { hal } = world.host('10.0.0.1');
    const os = new Kernel(hal.clock);
    const socket = new Socket(os, hal.network);
    const log: string[] = [];
    os.createTask(function* () {
      yield* socket.connect({ address: SERVER, port: 39_002 });
      const note = (ready: readonly unknown[]) => { log.push(`${world.now} ${ready.length}`); };
      note(yield* select(os, [{ socket, events: WRITABLE }], 0));
      socket.tryWrite(new Uint8Array(20));
      note(yield* select(os, [{ socket, events: READABLE }], 5));
      note(yield* select(os, [{ socket, events: WRITABLE }], 50));
    }, 'test', 1);
    os.start();
    world.at(20, () => { peer.last.read(); });
    world.advance(100);
    expect(log).toEqual(['2 1', '7 0', '21 1']);
  });
});
