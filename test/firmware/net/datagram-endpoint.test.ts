/** A datagram endpoint for tasks sends, receives, and tells from whom. */

import { describe, expect, it } from 'vitest';
import { DatagramEndpoint } from '../../../firmware/net/datagram-endpoint.ts';
import { READABLE, select } from '../../../firmware/net/select.ts';
import { Kernel } from '../../../firmware/rtos/kernel.ts';
import type { Task } from '../../../firmware/rtos/task.ts';
import { Loopback } from '../../support/loopback.ts';
import { nameOf } from '../rig.ts';

const at = { address: '10.0.0.1', port: 4000 };
const text = (words: string): Uint8Array => new TextEncoder().encode(words);

function bench() {
  const world = new Loopback();
  const { hal } = world.host(at.address);
  const os = new Kernel(hal.clock);
  os.start();
  const log: string[] = [];
  const note = (what: string | number): void => { log.push(`${world.now} ${what}`); };
  const task = (body: (endpoint: DatagramEndpoint) => Task): DatagramEndpoint => {
    const endpoint = new DatagramEndpoint(os, hal.network);
    os.createTask(() => body(endpoint), 'test', 1);
    return endpoint;
  };
  const peer = world.host('10.0.0.2').hal.network.openDatagram({ address: '10.0.0.2', port: 5000 }, {
    bound() {},
    readable() {
      const into = new Uint8Array(16);
      const count = peer.receive(into);
      note(`peer ${new TextDecoder().decode(into.subarray(0, count))} from ${peer.sender?.port}`);
    },
    ended() {},
  });
  world.advance(1);
  return { world, os, hal, log, note, task, peer };
}

describe('recvfrom and sendto', () => {
  it('take whole datagrams, empty and cut ones too, and return their senders', () => {
    const { world, log, note, task, peer } = bench();
    task(function* (endpoint) {
      note(`bind ${nameOf(yield* endpoint.bind(at))}`);
      const into = new Uint8Array(4);
      for (;;) {
        const count = yield* endpoint.recvFrom(into);
        note(`${count} from ${endpoint.sender?.address}:${endpoint.sender?.port}`);
        endpoint.sendTo(into.subarray(0, count), { address: '10.0.0.2', port: 5000 });
      }
    });
    world.at(10, () => { for (const words of ['abc', '', 'too long']) peer.sendTo(text(words), at); });
    world.advance(100);
    const from = 'from 10.0.0.2:5000';
    expect(log).toEqual([
      '1 bind 0',
      `11 3 ${from}`,
      `11 0 ${from}`,
      `11 4 ${from}`,
      '12 peer abc from 4000',
      '12 peer  from 4000',
      '12 peer too  from 4000',
    ]);
  });

  it('wait no longer than their timeouts', () => {
    const { world, log, note, task, peer } = bench();
    task(function* (endpoint) {
      yield* endpoint.bind(at);
      for (const timeout of [0, 49, 100]) note(nameOf(yield* endpoint.recvFrom(new Uint8Array(9), timeout)));
    });
    world.at(99, () => peer.sendTo(text('x'), at));
    world.advance(300);
    expect(log).toEqual(['1 EAGAIN', '50 EAGAIN', '100 1']);
  });

  it('return the errno of a wrong call', () => {
    const { world, log, note, task } = bench();
    const to = { address: '10.0.0.2', port: 5000 };
    task(function* (endpoint) {
      note(nameOf(endpoint.sendTo(text('x'), to)));
      note(nameOf(yield* endpoint.recvFrom(new Uint8Array(9))));
      note(nameOf(yield* endpoint.bind(at)));
      note(nameOf(yield* endpoint.bind(at)));
    });
    task(function* (endpoint) {
      yield* endpoint.bind(at);
      note(nameOf(yield* endpoint.recvFrom(new Uint8Array(9))));
      note(nameOf(endpoint.sendTo(text('x'), to)));
    });
    world.advance(10);
    expect(log.map((line) => line.slice(2))).toEqual([
      'ENOTCONN',
      'ENOTCONN',
      '0',
      'EINVAL',
      'EADDRINUSE',
      'EADDRINUSE',
    ]);
  });

  it('are over when another task closes the endpoint', () => {
    const { world, log, note, task } = bench();
    const endpoint = task(function* (endpoint) {
      yield* endpoint.bind(at);
      note(nameOf(yield* endpoint.recvFrom(new Uint8Array(9))));
    });
    world.at(30, () => endpoint.close());
    world.advance(100);
    expect(log).toEqual(['30 ECONNABORTED']);
  });
});

it('a datagram to receive is readable, for a select and for a poll', () => {
  const { world, os, log, note, task, peer } = bench();
  task(function* (endpoint) {
    yield* endpoint.bind(at);
    const ready = yield* select(os, [{ socket: endpoint, events: READABLE }], 100);
    note(`${ready.length} ready, ${endpoint.tryRecvFrom(new Uint8Array(9))}`);
    // The first poll returns at once, because the endpoint is still marked readable. The second poll waits.
    yield* endpoint.poll(20);
    note(nameOf(endpoint.tryRecvFrom(new Uint8Array(9))));
    yield* endpoint.poll(20);
    note(nameOf(endpoint.tryRecvFrom(new Uint8Array(9))));
  });
  world.at(40, () => peer.sendTo(text('xy'), at));
  world.advance(300);
  expect(log).toEqual(['41 1 ready, 2', '41 EAGAIN', '61 EAGAIN']);
});
