/** The trace of a device whose program has several connections. */

import { expect, it } from 'vitest';
import type { DeviceEvent } from '../../../firmware/index.ts';
import { DeviceReporter } from '../../../sim/node-host/device-reporter.ts';

const SERVER = { address: '10.0.0.1', port: 80 };
const local = (port: number): { address: string; port: number } => ({ address: '10.0.0.2', port });

/** A reporter, its events, and a clock that a test sets. */
class Rig {
  readonly events: DeviceEvent[] = [];
  nowMs = 0;
  readonly reporter = new DeviceReporter((event) => this.events.push(event), () => this.nowMs, () => 'server');

  connect(port: number): object {
    const handle = {};
    this.reporter.connecting(handle, SERVER);
    this.reporter.connected(handle, local(port));
    return handle;
  }

  get kinds(): string[] {
    return this.events.map((event) => ('local' in event ? `${event.kind} ${event.local?.port}` : event.kind));
  }
}

it('is one connection at a time; the next is told of when that is over, and what it had sent is answered then', () => {
  const rig = new Rig();
  const first = rig.connect(1001);
  const second = rig.connect(1002);
  rig.reporter.sent(second);
  rig.reporter.received(second);
  expect(rig.kinds).toEqual(['connecting', 'connected 1001']);
  rig.reporter.sent(second);
  rig.nowMs = 5000;
  rig.reporter.over(first, 'closed');
  expect(rig.events.at(2)).toEqual({ kind: 'lost', server: 'server:80', by: 'closed', afterMs: 5000 });
  expect(rig.kinds.slice(3)).toEqual(['connecting', 'connected 1002']);
  rig.nowMs = 6000;
  rig.reporter.received(second);
  expect(rig.events.at(-1)).toEqual({ kind: 'served', afterMs: 6000 });
});

it('is not a connection that was over before its turn, nor one to the host itself', () => {
  const rig = new Rig();
  const first = rig.connect(1001);
  rig.reporter.over(rig.connect(1002), 'closed');
  rig.reporter.connecting({}, { address: '127.0.0.1', port: 80 });
  rig.reporter.failed(rig.connect(1003), 'ECONNRESET');
  rig.reporter.over(first, 'closed');
  expect(rig.kinds).toEqual(['connecting', 'connected 1001', 'lost']);
});

it('is the connection that is still being made, where there is no other', () => {
  const rig = new Rig();
  const first = rig.connect(1001);
  const second = {};
  rig.reporter.connecting(second, SERVER);
  rig.reporter.over(first, 'closed');
  rig.reporter.failed(second, 'ECONNREFUSED');
  expect(rig.kinds.slice(2)).toEqual(['lost', 'connecting', 'connect-failed']);
});
