/** A server socket for tasks listens, accepts, and tells why it cannot. */

import { describe, expect, it } from 'vitest';
import { READABLE, select, WRITABLE } from '../../../firmware/net/select.ts';
import { ServerSocket } from '../../../firmware/net/server-socket.ts';
import { Socket } from '../../../firmware/net/socket.ts';
import { Kernel } from '../../../firmware/rtos/kernel.ts';
import type { Task } from '../../../firmware/rtos/task.ts';
import { Loopback } from '../../support/loopback.ts';
import { nameOf } from '../rig.ts';

const local = { address: '0.0.0.0', port: 8080 };

function bench() {
  const world = new Loopback();
  const device = world.host('10.0.0.1').hal;
  const client = world.host('10.0.0.2').hal;
  const os = new Kernel(device.clock);
  const clientOs = new Kernel(client.clock);
  os.start();
  clientOs.start();
  const log: string[] = [];
  const note = (what: string | number): void => { log.push(`${world.now} ${what}`); };
  const server = (body: (socket: ServerSocket) => Task): ServerSocket => {
    const socket = new ServerSocket(os, device.network);
    os.createTask(() => body(socket), 'server', 1);
    return socket;
  };
  /** Connects at `atMs`, says `words`, and notes all events. */
  const connect = (atMs: number, words: string): void => {
    world.at(atMs, () => clientOs.createTask(function* () {
      const socket = new Socket(clientOs, client.network);
      const result = yield* socket.connect({ address: '10.0.0.1', port: local.port }, 1000);
      if (result !== 0) return note(`client ${nameOf(result)}`);
      yield* socket.write(new TextEncoder().encode(words));
      const into = new Uint8Array(16);
      for (let count = yield* socket.read(into); count > 0; count = yield* socket.read(into)) {
        note(`client ${new TextDecoder().decode(into.subarray(0, count))}`);
      }
      note('client end');
      socket.close();
    }, 'client', 1));
  };
  return { world, os, device, log, note, server, connect };
}

describe('listen and accept', () => {
  it('give one connection after another, which can read and write at once', () => {
    const { world, log, note, server, connect } = bench();
    const socket = server(function* (socket) {
      note(`listen ${nameOf(yield* socket.listen(local, 4))}`);
      for (;;) {
        const one = yield* socket.accept();
        if (typeof one === 'string') return note(one);
        // The connection can be written to before anything has arrived.
        if (((yield* one.poll(WRITABLE, 0)) & WRITABLE) === 0) note('no room to write');
        const into = new Uint8Array(16);
        const count = yield* one.read(into);
        yield* one.write(into.subarray(0, count));
        one.close();
      }
    });
    connect(10, 'one');
    connect(20, 'two');
    world.advance(100);
    expect(socket.local).toEqual(local);
    expect(log).toEqual(['0 listen 0', '14 client one', '14 client end', '24 client two', '24 client end']);
  });

  it('wait no longer than their timeouts', () => {
    const { world, log, note, server, connect } = bench();
    server(function* (socket) {
      yield* socket.listen(local, 4);
      for (const timeout of [0, 50, 100]) {
        const one = yield* socket.accept(timeout);
        note(typeof one === 'string' ? one : 'accepted');
      }
    });
    connect(100, '');
    world.advance(300);
    expect(log).toEqual(['0 EAGAIN', '50 EAGAIN', '101 accepted']);
  });

  it('return the reason why the socket cannot listen', () => {
    const { world, log, note, server } = bench();
    server(function* (socket) {
      note(nameOf(yield* socket.listen(local, 4)));
      note(nameOf(yield* socket.listen(local, 4)));
    });
    server(function* (socket) {
      note(nameOf(yield* socket.listen(local, 4)));
      const one = yield* socket.accept();
      note(String(one));
    });
    server(function* (socket) { note(nameOf(yield* socket.listen({ address: '10.9.9.9', port: 1 }, 4))); });
    world.advance(10);
    expect(log.toSorted()).toEqual(['0 0', '0 EADDRINUSE', '0 EADDRINUSE', '0 EADDRNOTAVAIL', '0 EINVAL']);
  });

  it('are over when another task closes the socket', () => {
    const { world, log, note, server, connect } = bench();
    const socket = server(function* (socket) {
      yield* socket.listen(local, 4);
      note(String(yield* socket.accept()));
      note(String(yield* socket.accept()));
    });
    world.at(30, () => socket.close());
    connect(40, 'late');
    world.advance(100);
    expect(log).toEqual(['30 ECONNABORTED', '30 ECONNABORTED', '42 client ECONNREFUSED']);
  });
});

it('a connection to accept is readable, for a select', () => {
  const { world, os, log, note, server, connect } = bench();
  const socket = server(function* (socket) {
    yield* socket.listen(local, 4);
    for (let i = 0; i < 2; i++) {
      const ready = yield* select(os, [{ socket, events: READABLE }], 50);
      const one = ready.length === 0 ? 'nothing' : socket.tryAccept();
      note(typeof one === 'string' ? one : 'accepted');
    }
  });
  connect(70, '');
  world.advance(200);
  expect(socket.local?.port).toBe(8080);
  expect(log).toEqual(['50 nothing', '71 accepted']);
});
