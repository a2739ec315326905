/** Sockets for tasks do what the POSIX calls of the same name do, and time out when they say. */

import { describe, expect, it } from 'vitest';
import { lookup } from '../../../firmware/net/lookup.ts';
import { READABLE, WRITABLE } from '../../../firmware/net/select.ts';
import { Socket } from '../../../firmware/net/socket.ts';
import { Kernel } from '../../../firmware/rtos/kernel.ts';
import type { Task } from '../../../firmware/rtos/task.ts';
import type { StreamHandler } from '../../../hal/network.ts';
import { Loopback, type LoopbackOptions } from '../../support/loopback.ts';
import { nameOf, Peer, PORT, SERVER, text } from '../rig.ts';

const remote = { address: SERVER, port: PORT };

/** Log of what the tasks do and get, one line each, with the time in ms. */
function bench(options?: LoopbackOptions) {
  const world = new Loopback(options);
  const server = world.host(SERVER);
  const { hal } = world.host('10.0.0.1');
  const os = new Kernel(hal.clock);
  os.start();
  const log: string[] = [];
  const note = (what: string) => { log.push(`${world.now} ${what}`); };
  /** Runs a task on a new socket. */
  const task = (body: (socket: Socket) => Task): Socket => {
    const socket = new Socket(os, hal.network);
    os.createTask(() => body(socket), 'test', 1);
    return socket;
  };
  return { world, server, hal, os, log, note, task };
}

const into = () => new Uint8Array(16);

describe('connect', () => {
  it('returns 0, and then both ends have their addresses', () => {
    const { world, server, log, note, task } = bench();
    new Peer(server);
    const socket = task(function* (socket) {
      note(`connect ${nameOf(yield* socket.connect(remote, 100))}`);
    });
    world.advance(10);
    expect(log).toEqual(['2 connect 0']);
    expect(socket.remote).toEqual(remote);
    expect(socket.local?.address).toBe('10.0.0.1');
  });

  it('returns the errno of the failure', () => {
    const { world, log, note, task } = bench();
    task(function* (socket) {
      note(`connect ${nameOf(yield* socket.connect(remote))}`);
      note(`again ${nameOf(yield* socket.connect(remote))}`);
    });
    world.advance(10);
    expect(log).toEqual(['2 connect ECONNREFUSED', '2 again EINVAL']);
  });

  it.each([
    [1999, '1999 ETIMEDOUT'],
    [2001, '2000 0'],
  ])('gives up after its timeout of %i ticks, while the answer takes 2000 ms', (timeout, expected) => {
    const { world, server, log, note, task } = bench({ latencyMs: 1000 });
    new Peer(server);
    task(function* (socket) {
      note(String(nameOf(yield* socket.connect(remote, timeout))));
      socket.close();
    });
    world.advance(5000);
    expect(log).toEqual([expected]);
  });

  it('binds first, to a port of choice', () => {
    const { world, server, task } = bench();
    const peer = new Peer(server);
    const socket = task(function* (socket) {
      socket.bind({ address: '0.0.0.0', port: 5555 });
      yield* socket.connect(remote);
    });
    world.advance(10);
    expect(socket.local?.port).toBe(5555);
    expect(peer.last.socket.remote?.port).toBe(5555);
  });

  it('succeeds if the server closes in the same instant: its bytes can still be read', () => {
    const { world, server, log, note, task } = bench();
    const peer = new Peer(server);
    peer.onAccept = (served) => { served.send(text('busy')); served.socket.close(); };
    task(function* (socket) {
      note(`connect ${nameOf(yield* socket.connect(remote))}`);
      yield* socketReads(socket, note);
    });
    world.advance(10);
    expect(log).toEqual(['2 connect 0', '2 read 4', '2 read 0']);
  });

  it('does not take a failure that looks like a FIN for a connection, on a port that cannot tell reasons', () => {
    const { hal, os, world, log, note } = bench();
    let handler: StreamHandler | undefined;
    const openStream = (given: StreamHandler) => {
      handler = given;
      return hal.network.openStream({ readable() {}, writable() {}, ended() {} });
    };
    const socket = new Socket(os, { ...hal.network, openStream });
    os.createTask(function* () { note(`connect ${nameOf(yield* socket.connect(remote))}`); }, 'test', 1);
    world.at(1, () => handler?.ended('closed'));
    world.advance(10);
    expect(log).toEqual(['1 connect EIO']);
  });
});

function* socketReads(socket: Socket, note: (what: string) => void): Task {
  for (;;) {
    const count = yield* socket.read(into());
    note(`read ${nameOf(count)}`);
    if (count <= 0) return;
  }
}

describe('read', () => {
  it('waits for bytes, and gives EAGAIN when its timeout is over and not before', () => {
    const { world, server, log, note, task } = bench();
    const peer = new Peer(server);
    task(function* (socket) {
      yield* socket.connect(remote);
      note(`read ${nameOf(yield* socket.read(into(), 100))}`);
      note(`read ${nameOf(yield* socket.read(into(), 100))}`);
      note(`read ${nameOf(yield* socket.read(into(), 0))}`);
    });
    // Connected at 2 ms: the first read may wait until 102 ms.
    world.at(100, () => peer.last.send(text('just in time')));
    world.advance(1000);
    expect(log).toEqual(['101 read 12', '201 read EAGAIN', '201 read EAGAIN']);
  });

  it('is not woken by room to write, nor cut short by it', () => {
    const { world, server, log, note, task } = bench({ bufferBytes: 8 });
    const peer = new Peer(server);
    task(function* (socket) {
      yield* socket.connect(remote);
      socket.tryWrite(new Uint8Array(20));
      note(`read ${nameOf(yield* socket.read(into(), 100))}`);
    });
    world.advance(1000);
    expect(peer.last.received.length).toBe(8);
    expect(log).toEqual(['102 read EAGAIN']);
  });

  it('returns the bytes before the FIN, then 0, again and again', () => {
    const { world, server, log, note, task } = bench();
    const peer = new Peer(server);
    task(function* (socket) {
      yield* socket.connect(remote);
      yield* socket.poll(READABLE);
      note(`poll`);
      yield* socketReads(socket, note);
      note(`read ${nameOf(yield* socket.read(into()))}`);
    });
    world.at(10, () => { peer.last.send(new Uint8Array(20)); peer.last.socket.close(); });
    world.advance(100);
    expect(log).toEqual(['11 poll', '11 read 16', '11 read 4', '11 read 0', '11 read 0']);
  });

  it('returns the bytes before a reset, then ECONNRESET', () => {
    const { world, server, os, log, note, task } = bench();
    const peer = new Peer(server);
    task(function* (socket) {
      yield* socket.connect(remote);
      yield* os.delay(50);
      yield* socketReads(socket, note);
      note(`write ${nameOf(yield* socket.write(into()))}`);
    });
    world.at(10, () => { peer.last.send(text('last words')); peer.last.socket.abort(); });
    world.advance(100);
    expect(log).toEqual(['52 read 10', '52 read ECONNRESET', '52 write ECONNRESET']);
  });

  it('gives ENOTCONN before the connection and after close', () => {
    const { world, server, log, note, task } = bench();
    new Peer(server);
    task(function* (socket) {
      note(`read ${nameOf(yield* socket.read(into()))}`);
      yield* socket.connect(remote);
      socket.close();
      socket.close();
      note(`read ${nameOf(yield* socket.read(into()))}`);
      note(`write ${nameOf(yield* socket.write(into()))}`);
    });
    world.advance(10);
    expect(log).toEqual(['0 read ENOTCONN', '2 read ENOTCONN', '2 write ENOTCONN']);
  });

  it('survives the wrap of the tick count in the middle of its timeout', () => {
    const world = new Loopback();
    new Peer(world.host(SERVER));
    const { hal } = world.host('10.0.0.1');
    const os = new Kernel(hal.clock, { initialTickCount: 2 ** 32 - 50 });
    const socket = new Socket(os, hal.network);
    const log: string[] = [];
    os.createTask(function* () {
      yield* socket.connect(remote, 100);
      const result = nameOf(yield* socket.read(into(), 100));
      log.push(`${world.now} ${result} ${os.getTickCount()}`);
    }, 'test', 1);
    os.start();
    world.advance(1000);
    expect(log).toEqual(['102 EAGAIN 52']);
  });
});

describe('write', () => {
  it('waits until all is taken', () => {
    const { world, server, log, note, task } = bench({ bufferBytes: 10 });
    const peer = new Peer(server);
    const sent = Array.from({ length: 95 }, (_, i) => i);
    task(function* (socket) {
      yield* socket.connect(remote);
      note(`write ${yield* socket.write(Uint8Array.from(sent))}`);
    });
    world.advance(100);
    expect(peer.last.received).toEqual(sent);
    // 10 bytes a round trip of 2 ms; the last 5 are taken when there is room, at 20 ms.
    expect(log).toEqual(['20 write 95']);
  });

  it('returns the bytes taken within its timeout, or EAGAIN if there were none', () => {
    const { world, server, log, note, task } = bench({ bufferBytes: 10 });
    const peer = new Peer(server);
    peer.reads = false;
    task(function* (socket) {
      yield* socket.connect(remote);
      note(`write ${nameOf(yield* socket.write(new Uint8Array(25), 100))}`);
      note(`write ${nameOf(yield* socket.write(new Uint8Array(25), 100))}`);
      note(`write ${nameOf(yield* socket.write(new Uint8Array(0), 100))}`);
    });
    world.advance(1000);
    expect(log).toEqual(['102 write 10', '202 write EAGAIN', '202 write 0']);
  });

  it('goes on after the peer has only shut down its side, and fails when the peer then dies', () => {
    const { world, server, log, note, task } = bench({ bufferBytes: 10 });
    const peer = new Peer(server);
    peer.reads = false;
    task(function* (socket) {
      yield* socket.connect(remote);
      socket.setUserTimeout(5000);
      note(`read ${nameOf(yield* socket.read(into()))}`);
      note(`write ${nameOf(yield* socket.write(new Uint8Array(8)))}`);
      note(`write ${nameOf(yield* socket.write(new Uint8Array(8)))}`);
    });
    world.at(10, () => peer.last.socket.shutdown());
    // No event follows, because `closed`, the last event, has been told already.
    world.at(5000, () => { peer.last.socket.abort(); });
    world.advance(20_000);
    expect(log).toEqual(['11 read 0', '11 write 8', '5011 write ECONNRESET']);
  });
});

describe('two tasks', () => {
  it('read and write on one socket, each at its own pace', () => {
    const { world, server, os, hal } = bench({ bufferBytes: 16 });
    const peer = new Peer(server);
    peer.onBytes = (bytes, served) => served.send(bytes);
    const socket = new Socket(os, hal.network);
    const sent = Array.from({ length: 1000 }, (_, i) => i & 0xff);
    const received: number[] = [];
    os.createTask(function* writer() {
      yield* socket.connect(remote);
      os.createTask(function* reader() {
        const buffer = new Uint8Array(7);
        while (received.length < sent.length) {
          const count = yield* socket.read(buffer);
          received.push(...buffer.subarray(0, count));
          yield* os.delay(1);
        }
      }, 'reader', 2);
      yield* socket.write(Uint8Array.from(sent));
    }, 'writer', 1);
    world.advance(5000);
    expect(received).toEqual(sent);
  });

  it('are both woken when the connection ends', () => {
    const { world, server, os, log, note, task } = bench({ bufferBytes: 4 });
    const peer = new Peer(server);
    peer.reads = false;
    task(function* (socket) {
      yield* socket.connect(remote);
      os.createTask(function* () { note(`read ${nameOf(yield* socket.read(into()))}`); }, 'reader', 1);
      note(`write ${nameOf(yield* socket.write(into()))}`);
    });
    world.at(10, () => peer.last.socket.abort());
    world.advance(100);
    expect(log.sort()).toEqual(['11 read ECONNRESET', '11 write ECONNRESET']);
  });

  it.each(['close', 'abort'] as const)('do not wait without end when a third calls %s', (end) => {
    const { world, server, os, log, note, task } = bench({ bufferBytes: 4 });
    const peer = new Peer(server);
    peer.reads = false;
    const socket = task(function* (socket) {
      yield* socket.connect(remote);
      os.createTask(function* () { note(`read ${nameOf(yield* socket.read(into()))}`); }, 'reader', 1);
      note(`write ${nameOf(yield* socket.write(into()))}`);
    });
    const connecting = task(function* (other) {
      note(`connect ${nameOf(yield* other.connect({ address: '10.9.9.9', port: 1 }))}`);
    });
    os.createTask(function* () { yield* os.delay(20); socket[end](); connecting[end](); }, 'third', 1);
    world.advance(100);
    expect(log.sort()).toEqual(['20 connect ECONNABORTED', '20 read ENOTCONN', '20 write ENOTCONN']);
  });

  it('leave the socket open when one is deleted, as in FreeRTOS: nobody misses the events that come for it', () => {
    const { world, server, os, hal, log, note } = bench();
    const peer = new Peer(server);
    const socket = new Socket(os, hal.network);
    const reader = os.createTask(function* () {
      yield* socket.connect(remote);
      yield* socket.read(into());
    }, 'reader', 1);
    os.createTask(function* () {
      yield* os.delay(10);
      reader.delete();
      yield* os.delay(10);
      note(`read ${nameOf(yield* socket.read(into()))}`);
      socket.close();
    }, 'heir', 1);
    world.at(15, () => peer.last.send([1, 2, 3]));
    world.advance(100);
    expect(log).toEqual(['20 read 3']);
    expect(peer.last.over?.reason).toBe('closed');
  });

  it('may wait for the same bytes, and one of them gets the bytes', () => {
    const { world, server, os, log, note, task } = bench();
    const peer = new Peer(server);
    task(function* (socket) {
      yield* socket.connect(remote);
      for (const name of ['a', 'b']) {
        os.createTask(function* () { note(`${name} ${nameOf(yield* socket.read(into(), 50))}`); }, name, 1);
      }
    });
    world.at(10, () => peer.last.send([1]));
    world.advance(100);
    expect(log).toEqual(['11 a 1', '52 b EAGAIN']);
  });
});

describe('poll', () => {
  it('reports readable and writable until a read or a write fails', () => {
    const { world, server, log, note, task } = bench({ bufferBytes: 8 });
    const peer = new Peer(server);
    peer.reads = false;
    const state = (bits: number) => `${(bits & READABLE) !== 0 ? 'r' : '-'}${(bits & WRITABLE) !== 0 ? 'w' : '-'}`;
    task(function* (socket) {
      note(state(yield* socket.poll(READABLE | WRITABLE, 10)));
      yield* socket.connect(remote);
      note(state(yield* socket.poll(READABLE | WRITABLE)));
      socket.tryWrite(new Uint8Array(20));
      note(state(yield* socket.poll(READABLE | WRITABLE, 20)));
      note(state(yield* socket.poll(READABLE | WRITABLE, 20)));
      note(state(yield* socket.poll(READABLE | WRITABLE, 20)));
      socket.tryRead(into());
      socket.tryRead(into());
      note(state(yield* socket.poll(READABLE, 20)));
    });
    world.at(40, () => peer.last.send([1]));
    world.at(45, () => { peer.last.read(); });
    world.advance(100);
    // There is room again from 46 ms on, but no task waits for it then.
    expect(log).toEqual(['10 --', '12 -w', '32 --', '41 r-', '41 r-', '61 -w']);
  });
});

describe('lookup', () => {
  const run = (name: string, timeout: number, delayMs = 0) => {
    const { world, hal, os, log, note } = bench();
    world.names.set('two.example', ['10.0.0.2', '10.0.0.3']);
    let cancels = 0;
    const network = {
      ...hal.network,
      lookup: (wanted: string, done: (result: readonly string[] | 'EAI_NONAME' | 'EAI_FAIL') => void) => {
        let cancelled = false;
        world.at(world.now + delayMs, () => { if (!cancelled) done(world.names.get(wanted) ?? 'EAI_NONAME'); });
        return { cancel: () => { cancelled = true; cancels++; } };
      },
    };
    os.createTask(function* () { note(String(yield* lookup(os, network, name, timeout))); }, 'test', 1);
    world.advance(1000);
    return { log, cancels };
  };

  it('gives the addresses, in order, or the errno', () => {
    expect(run('two.example', 100)).toEqual({ log: ['0 10.0.0.2,10.0.0.3'], cancels: 0 });
    expect(run('none.example', 100)).toEqual({ log: ['0 EAI_NONAME'], cancels: 0 });
  });

  it.each([
    [99, ['99 10.0.0.2,10.0.0.3'], 0],
    [101, ['100 ETIMEDOUT'], 1],
  ])('is cancelled after its timeout of 100 ticks: answered after %i ms', (delayMs, log, cancels) => {
    expect(run('two.example', 100, delayMs)).toEqual({ log, cancels });
  });
});
