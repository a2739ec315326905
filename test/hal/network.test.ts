/** The sockets of hal/node, beyond what every port must do. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { DatagramSocket, StreamHandler, StreamSocket } from '../../hal/index.ts';
import { nodeNetwork } from '../../hal/node/index.ts';

afterEach(() => {
  vi.useRealTimers();
});

const SILENT: StreamHandler = { readable() {}, writable() {}, ended() {} };

async function serve(onConnection: (socket: net.Socket) => void): Promise<AddressInfo> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address;
}

/** Connects a stream. Resolves to the stream once it is connected. */
function connect(remote: AddressInfo, before: (stream: StreamSocket) => void = () => {}): Promise<StreamSocket> {
  return new Promise((resolve, reject) => {
    const stream = nodeNetwork().openStream({ ...SILENT, writable: () => resolve(stream), ended: reject });
    stream.connect(remote);
    before(stream);
  });
}

/** Returns the number of TCP sockets that this process holds. */
function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
}

test('a peer that never reads does not keep a closed socket open: after 10 s the unsent rest is dropped', async () => {
  let peer: net.Socket | undefined;
  const address = await serve((socket) => {
    peer = socket.pause();
  });
  const stream = await connect(address);
  await vi.waitFor(() => expect(peer).toBeDefined());
  const chunk = new Uint8Array(65_536);
  let takenBytes = 0;
  for (let result = stream.write(chunk); result > 0; result = stream.write(chunk)) {
    takenBytes += result;
    // The kernel takes its share at once or a moment later.
    await new Promise(setImmediate);
  }
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const before = openSockets();
  stream.close();
  vi.advanceTimersByTime(9_999);
  await new Promise(setImmediate);
  expect(openSockets()).toBe(before);
  vi.advanceTimersByTime(1);
  await new Promise(setImmediate);
  expect(openSockets()).toBe(before - 1);
  vi.useRealTimers();
  let arrivedBytes = 0;
  peer?.on('data', (bytes) => (arrivedBytes += bytes.length)).resume();
  if (peer !== undefined) await once(peer, 'end');
  peer?.destroy();
  expect(arrivedBytes).toBeLessThan(takenBytes);
});

for (const [what, writes] of [['nothing', 0], ['data', 1000]] as const) {
  test(`abort right after shutdown resets, with ${what} under way`, async () => {
    const peers: net.Socket[] = [];
    const address = await serve((socket) => peers.push(socket.pause()));
    const stream = await connect(address);
    const chunk = new Uint8Array(65_536);
    for (let i = 0; i < writes && stream.write(chunk) > 0; i += 1) await new Promise(setImmediate);
    stream.shutdown();
    stream.abort();
    await vi.waitFor(() => expect(peers).toHaveLength(1));
    // The kernel refuses the bytes that the peer writes, so this process has no socket open.
    await vi.waitFor(() => {
      peers[0]?.write('x');
      expect(peers[0]?.errored).not.toBeNull();
    });
  });
}

test('short writes that have to wait for room arrive as they were, although the firmware uses its buffer again', async () => {
  let peer: net.Socket | undefined;
  const received: Uint8Array[] = [];
  const address = await serve((socket) => {
    peer = socket.on('data', (bytes) => void received.push(bytes)).pause();
  });
  const stream = await connect(address);
  await vi.waitFor(() => expect(peer).toBeDefined());
  const sent: Uint8Array[] = [];
  const write = (bytes: Uint8Array): boolean => {
    const count = stream.write(bytes);
    if (count > 0) sent.push(bytes.slice(0, count));
    return count === bytes.length;
  };
  const [chunk, frame] = [new Uint8Array(40_000), new Uint8Array(8)];
  let number = 0;
  // Until the kernel is full: the last frames wait behind a chunk.
  while (write(chunk) && write(frame.fill(++number)) && write(frame.fill(++number)));
  peer?.resume();
  stream.close();
  await vi.waitFor(() => expect(peer?.readableEnded).toBe(true), 5000);
  expect(Buffer.concat(received).equals(Buffer.concat(sent))).toBe(true);
});

test("a reset after the peer's FIN, which the kernel calls EPIPE, is ECONNRESET", async () => {
  let peer: net.Socket | undefined;
  const address = await serve((socket) => {
    peer = socket;
    socket.end(Buffer.alloc(100_000));
  });
  const ends: unknown[] = [];
  const stream = nodeNetwork().openStream({ ...SILENT, ended: (reason) => ends.push(reason) });
  stream.connect(address);
  // The FIN is in the kernel, behind bytes that the firmware does not read.
  await vi.waitFor(() => expect(peer?.writableFinished).toBe(true));
  peer?.resetAndDestroy();
  await vi.waitFor(() => {
    stream.write(Uint8Array.of(1));
    expect(ends).toEqual(['ECONNRESET']);
  });
  expect(stream.read(new Uint8Array(100))).toBe(100);
  stream.close();
});

test('close sends all that was taken and a FIN, though the firmware left unread what the peer sent', async () => {
  let peer: net.Socket | undefined;
  const address = await serve((socket) => {
    peer = socket.pause();
    socket.write(Buffer.alloc(200_000));
  });
  const stream = await connect(address);
  await vi.waitFor(() => expect(peer).toBeDefined());
  let takenBytes = 0;
  for (let result = 0; result >= 0; result = stream.write(new Uint8Array(65_536))) {
    takenBytes += result;
    await new Promise(setImmediate);
  }
  stream.close();
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  let arrivedBytes = 0;
  let end: unknown;
  // The slow reader leaves many bytes in the kernel after this process has closed the socket. A reset would drop them.
  peer?.on('data', (bytes) => {
    arrivedBytes += bytes.length;
    peer?.pause();
    setImmediate(() => peer?.resume());
  });
  peer?.on('end', () => (end = 'FIN')).on('error', (error) => (end = error)).resume();
  await vi.waitFor(() => expect(end).toBeDefined());
  expect([arrivedBytes, end]).toEqual([takenBytes, 'FIN']);
});

test('a datagram socket that is not read holds what its bound allows, and drops the rest', async () => {
  const network = nodeNetwork();
  const open = () =>
    new Promise<DatagramSocket>((resolve, reject) => {
      const socket = network.openDatagram(
        { address: '127.0.0.1', port: 0 },
        { bound: () => resolve(socket), readable() {}, ended: reject },
      );
    });
  const [from, to] = [await open(), await open()];
  if (to.local === undefined) throw new Error('it is bound');
  for (let i = 0; i < 1000; i += 1) {
    from.sendTo(new Uint8Array(0), to.local);
    // Datagrams are sent a few at a time, so that the kernel's own queue drops none.
    if (i % 10 === 0) await new Promise(setImmediate);
  }
  await new Promise(setImmediate);
  let count = 0;
  while (to.receive(new Uint8Array(1)) === 0) count += 1;
  // The queue has 212,992 bytes, and an empty datagram takes 256.
  expect(count).toBe(832);
  from.close();
  to.close();
});

test('a firmware that does not read holds little, and loses nothing', async () => {
  const sentBytes = 8 * 1024 * 1024;
  const address = await serve((socket) => socket.end(Buffer.alloc(sentBytes, 'x')));
  let readableCount = 0;
  let stream: StreamSocket | undefined;
  let ended: unknown;
  stream = nodeNetwork().openStream({
    readable() {
      readableCount += 1;
    },
    writable() {},
    ended(reason) {
      ended = reason;
    },
  });
  stream.connect(address);
  const before = process.memoryUsage().arrayBuffers;
  // The loop ends when a hundred turns of the event loop brought nothing.
  for (let seen = -1; seen !== readableCount; ) {
    seen = readableCount;
    for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
  }
  // 64 KiB, and what one arrival may be beyond, in a store that grows by doubling.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(sentBytes + 512 * 1024);
  expect(ended).toBeUndefined();
  const into = new Uint8Array(1000);
  let readBytes = 0;
  while (readBytes < sentBytes) {
    const result = stream.read(into);
    if (result > 0) readBytes += result;
    else await new Promise(setImmediate);
  }
  await vi.waitFor(() => expect(ended).toBe('closed'));
  expect(readBytes).toBe(sentBytes);
  expect(stream.read(into)).toBe(0);
  stream.close();
});

test('an option that cannot be applied is reported once in a process, for any number of sockets', async () => {
  vi.resetModules();
  const { nodeNetwork: freshNetwork } = await import('../../hal/node/index.ts');
  const sentences: string[] = [];
  // A network without `warn` does not use up the only warning.
  freshNetwork().openStream(SILENT).setUserTimeout(1000);
  for (let i = 0; i < 3; i += 1) {
    const network = freshNetwork({ warn: (sentence) => sentences.push(sentence) });
    for (let j = 0; j < 3; j += 1) {
      const stream = network.openStream(SILENT);
      expect(stream.setKeepAlive({ idle: 3, interval: 4, count: 5 })).toBe(network.capabilities.keepAlive);
      expect(stream.setUserTimeout(1000)).toBe(false);
    }
  }
  const isFull = freshNetwork().capabilities.keepAlive === 'full';
  expect(sentences.filter((sentence) => sentence.startsWith('TCP_USER_TIMEOUT'))).toHaveLength(1);
  const keepAlive = sentences.filter((sentence) => sentence.startsWith('TCP keepalive'));
  expect(keepAlive).toHaveLength(isFull ? 0 : 1);
  if (!isFull) expect(keepAlive[0]).toContain('1 s apart and 10 of them, not 4 s apart and 5 of them');
});

describe('keepalive', () => {
  test('times that the kernel would refuse are not said to have been applied', () => {
    const stream = nodeNetwork().openStream(SILENT);
    for (const wrong of [{ idle: 0 }, { idle: 32_768 }, { interval: 40_000 }, { count: 128 }]) {
      expect(stream.setKeepAlive({ idle: 3, interval: 3, count: 3, ...wrong })).toBe('none');
    }
    stream.close();
  });

  // The descriptor is handed to another program, which asks the kernel what is set on it.
  const ASK = [
    'import socket as s',
    'k = s.socket(fileno=3)',
    'tcp = [s.TCP_KEEPIDLE, s.TCP_KEEPINTVL, s.TCP_KEEPCNT, s.TCP_NODELAY]',
    'print(k.getsockopt(s.SOL_SOCKET, s.SO_KEEPALIVE), *[k.getsockopt(6, o) for o in tcp])',
  ].join('\n');

  for (const when of ['while it connects', 'once it is connected'] as const) {
    test.skipIf(process.platform !== 'linux')(
      `and noDelay reach the kernel when set ${when}`,
      { timeout: 20_000 },
      async () => {
        const connectSpy = vi.spyOn(net.Socket.prototype, 'connect');
        const address = await serve(() => {});
        const set = (stream: StreamSocket) => {
          stream.setKeepAlive({ idle: 7, interval: 4, count: 5 });
          stream.setNoDelay(true);
        };
        const stream = await connect(address, when === 'while it connects' ? set : undefined);
        if (when === 'once it is connected') set(stream);
        const socket = connectSpy.mock.contexts[0];
        connectSpy.mockRestore();
        if (!(socket instanceof net.Socket)) throw new Error('no socket was connected');
        const child = spawn('python3', ['-c', ASK], { stdio: ['ignore', 'pipe', 'inherit', socket] });
        let answer = '';
        child.stdout?.on('data', (text) => (answer += String(text)));
        const [code] = await Promise.race([once(child, 'close'), once(child, 'error').then(() => ['no python3'])]);
        stream.abort();
        if (code === 'no python3') return;
        const isFull = nodeNetwork().capabilities.keepAlive === 'full';
        expect(answer.trim()).toBe(isFull ? '1 7 4 5 1' : '1 7 1 10 1');
      },
    );
  }
});
