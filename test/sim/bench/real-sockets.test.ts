/** The bench over this machine's sockets, against a server of node:net: what only real ones can show. */

import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { nodeClock, nodeNetwork } from '../../../hal/node/index.ts';
import type { Hal } from '../../../hal/hal.ts';
import type { SocketAddress, StreamSocket } from '../../../hal/network.ts';
import { Bench } from '../../../sim/bench/bench.ts';
import type { Device } from '../../../sim/device.ts';
import type { TraceEvent } from '../../../sim/trace/trace.ts';

let server: Server;
let bench: Bench;
let board: Device;
let hal: Hal;
let trace: TraceEvent[];
let notify: () => void;
/** The far end, what it was sent, and how it ended. */
let far: Socket;
let received: Uint8Array[];
let end: string | undefined;
/** The device's end, and what it was told. */
let socket: StreamSocket;
let told: string[];

/** Resolves when `holds` returns true. It is called after each event. */
function until(holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    notify = () => {
      if (holds()) resolve();
    };
    notify();
  });
}

/** Everything that is on its way through this machine's kernel has arrived. */
async function settled(): Promise<void> {
  let isOver = false;
  bench.agenda.after(60, () => {
    isOver = true;
    notify();
  });
  await until(() => isOver);
}

function serverAddress(): SocketAddress {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port');
  return { address: address.address, port: address.port };
}

/** TCP connections that this process holds open. */
function openConnections(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

beforeEach(async () => {
  notify = () => {};
  trace = [];
  received = [];
  told = [];
  end = undefined;
  server = createServer({ allowHalfOpen: true }, (accepted) => {
    far = accepted;
    far.on('data', (chunk: Uint8Array) => (received.push(chunk), notify()));
    far.on('end', () => ((end ??= 'FIN'), notify()));
    far.on('error', (error: NodeJS.ErrnoException) => ((end = error.code), notify()));
    notify();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  bench = new Bench({
    network: nodeNetwork(),
    newClock: nodeClock,
    seed: 1,
    onTrace: (event) => (trace.push(event), notify()),
  });
  board = bench.addDevice('dev-1', (booted) => (hal = booted));
  board.power.restore();
  const tell = (what: string) => (told.push(what), notify());
  socket = hal.network.openStream({ readable: () => tell('readable'), writable: () => tell('writable'), ended: tell });
  socket.connect(serverAddress());
  await until(() => told.includes('writable') && server.listening && far !== undefined && !far.destroyed);
});

afterEach(async () => {
  bench.stop();
  far.destroy();
  await new Promise((resolve) => server.close(resolve));
  // Sockets that were aborted are closed in the next turns of the event loop.
  for (let turn = 0; turn < 100 && openConnections() > 0; turn++) await new Promise(setImmediate);
  expect(openConnections()).toBe(0);
});

const bytes = (text: string) => Buffer.from(text);
const text = () => Buffer.concat(received).toString();
const hungUps = () => trace.flatMap((event) => (event.source === 'bench' ? [event.by] : []));

it('power cut: no FIN, no RST, and none in answer to the far end\'s; the reboot answers with RST', async () => {
  socket.write(bytes('before'));
  await until(() => text() === 'before');
  board.power.cut();
  socket.write(bytes('after'));
  far.write('are you there?');
  far.end();
  await until(() => hungUps().length > 0);
  await settled();
  expect([text(), end, hungUps()]).toEqual(['before', undefined, ['closed']]);
  board.power.restore();
  await until(() => end !== undefined);
  expect(end).toBe('ECONNRESET');
});

it('power cut, and the far end silent: nothing after the reboot either, until it speaks', async () => {
  board.power.cut();
  board.power.restore();
  await settled();
  expect(end).toBeUndefined();
  far.write('hello');
  await until(() => end !== undefined);
  expect([end, hungUps()]).toEqual(['ECONNRESET', ['ECONNRESET']]);
});

it('cable out: what either end says waits, and flows when it is back; a server that pushes on is held back meanwhile', async () => {
  board.cable.pull();
  told.length = 0;
  socket.write(bytes('from the '));
  const chunk = Buffer.alloc(1 << 20, 'x');
  let pushed = 0;
  while (pushed < 64 << 20 && far.writableLength < 4 << 20) {
    far.write(chunk);
    pushed += chunk.length;
    await new Promise(setImmediate);
  }
  expect(pushed).toBeLessThan(64 << 20);
  expect([text(), told]).toEqual(['', []]);
  board.cable.plug();
  socket.write(bytes('device'));
  await until(() => text() === 'from the device');
  const into = new Uint8Array(1 << 16);
  let got = 0;
  await until(() => {
    for (let count = socket.read(into); count > 0; count = socket.read(into)) got += count;
    return got === pushed;
  });
});

it('cable out: a reset by the far end is seen by the bench, and by the device at its next word after the plug', async () => {
  board.cable.pull();
  far.resetAndDestroy();
  await until(() => hungUps().length > 0);
  board.cable.plug();
  await settled();
  expect([hungUps(), told.includes('ECONNRESET')]).toEqual([['ECONNRESET'], false]);
  socket.write(bytes('hello?'));
  await until(() => told.includes('ECONNRESET'));
});

it('a crash is a FIN, also with bytes unread; when the far end hangs up, in its own time, that is seen', async () => {
  far.write('unread');
  await until(() => told.includes('readable'));
  board.crash();
  await until(() => end !== undefined);
  await settled();
  expect([end, hungUps()]).toEqual(['FIN', []]);
  far.end();
  await until(() => hungUps().length > 0);
  expect(hungUps()).toEqual(['closed']);
});

it('a crash: a far end that speaks on is answered with RST', async () => {
  board.crash();
  await until(() => end === 'FIN');
  far.write('still there?');
  await until(() => hungUps().length > 0);
  expect(hungUps()).toEqual(['ECONNRESET']);
  // Node does not look at a connection any more of which it has read the end: it finds out when it writes.
  far.write('still there?');
  await until(() => end !== 'FIN');
  expect(end).toBe('EPIPE');
});

it('a reset by the way is seen by both ends', async () => {
  board.resetConnections();
  await until(() => end !== undefined);
  expect([end, told.at(-1), hungUps()]).toEqual(['ECONNRESET', 'ECONNRESET', ['ECONNRESET']]);
});

it('a connection that is cut off while it is made is as silent, and reset when the device is back', async () => {
  const first = far;
  hal.network.openStream({ readable() {}, writable() {}, ended() {} }).connect(serverAddress());
  board.power.cut();
  await until(() => far !== first);
  first.destroy();
  end = undefined;
  await settled();
  expect(end).toBeUndefined();
  board.power.restore();
  await until(() => end !== undefined);
  expect(end).toBe('ECONNRESET');
});
