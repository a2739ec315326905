/** Sockets that note what is called back, and call the port so that a call back from within is noticed. */

import { ERRNO, failure } from '../errno.ts';
import type { Errno } from '../errno.ts';
import type { Hal } from '../hal.ts';
import type { DatagramSocket, ListeningSocket, SocketAddress, StreamHandler, StreamSocket } from '../network.ts';
import { expect, expectEqual, inWords, skip, skipUnless, worded } from './check.ts';
import type { Stage, Steps, Subject } from './check.ts';

export interface StreamProbe {
  readonly socket: StreamSocket;
  readonly readableCount: number;
  readonly writableCount: number;
  /** The terminal event. */
  readonly end: Errno | 'closed' | undefined;
  read(into: Uint8Array): number;
  write(from: Uint8Array): number;
  bind(local: SocketAddress): number;
  connect(remote: SocketAddress): number;
  shutdown(): number;
  close(): void;
  abort(): void;
}

/** A stream of `subject`, called `name` in sentences. */
export function openStream(stage: Stage, { hal }: Subject, name: string): StreamProbe {
  return probeStream(stage, name, (handler) => stage.call('openStream', () => hal.network.openStream(handler)));
}

function probeStream(stage: Stage, name: string, make: (handler: StreamHandler) => StreamSocket): StreamProbe {
  let readableCount = 0;
  let writableCount = 0;
  let end: Errno | 'closed' | undefined;
  let closed = false;

  const socket = make({
    readable() {
      readableCount += 1;
      stage.event(`readable of the ${name}`, closed);
    },
    writable() {
      writableCount += 1;
      if (end !== undefined && end !== 'closed') stage.violation ??= `writable of the ${name} came after ended`;
      stage.event(`writable of the ${name}`, closed);
    },
    ended(reason) {
      if (end !== undefined) stage.violation ??= `ended of the ${name} came twice: ${end}, then ${reason}`;
      end = reason;
      if (reason !== 'closed' && !Object.hasOwn(ERRNO, reason)) {
        stage.violation ??= `ended of the ${name} gave ${inWords(reason)}, which is not one of the names in ERRNO`;
      }
      stage.event(`ended of the ${name}`, closed);
    },
  });

  const probe: StreamProbe = {
    socket,
    get readableCount() {
      return readableCount;
    },
    get writableCount() {
      return writableCount;
    },
    get end() {
      return end;
    },
    read: (into) => stage.call('read()', () => socket.read(into)),
    write: (from) => stage.call('write()', () => socket.write(from)),
    bind: (local) => stage.call('bind()', () => socket.bind(local)),
    connect: (remote) => stage.call('connect()', () => socket.connect(remote)),
    shutdown: () => stage.call('shutdown()', () => socket.shutdown()),
    close() {
      closed = true;
      stage.call('close()', () => socket.close());
    },
    abort() {
      closed = true;
      stage.call('abort()', () => socket.abort());
    },
  };
  stage.cleanups.push(() => probe.abort());
  return probe;
}

export interface ListenProbe {
  readonly socket: ListeningSocket;
  readonly local: SocketAddress;
  readonly isListening: boolean;
  readonly incomingCount: number;
  readonly end: Errno | undefined;
  accept(): StreamProbe | undefined;
  close(): void;
}

/** Starts to listen, and does not wait for the outcome. */
export function startListening(stage: Stage, { hal }: Subject, local: SocketAddress, backlog = 8): ListenProbe {
  let isListening = false;
  let incomingCount = 0;
  let end: Errno | undefined;
  let closed = false;
  skipUnless(hal.network.capabilities.listen, 'the port cannot listen, so this check needs a peer that can');
  const socket = stage.call('listen()', () =>
    hal.network.listen(local, backlog, {
      listening() {
        isListening = true;
        stage.event('listening', closed);
      },
      incoming() {
        incomingCount += 1;
        stage.event('incoming', closed);
      },
      ended(reason) {
        end = reason;
        stage.event('ended of the listening socket', closed);
      },
    }),
  );
  const probe = {
    socket,
    get isListening() {
      return isListening;
    },
    get incomingCount() {
      return incomingCount;
    },
    get end() {
      return end;
    },
    get local() {
      if (socket.local === undefined) throw new Error('a listening socket does not know its local address');
      return socket.local;
    },
    accept() {
      let accepted: StreamProbe | undefined;
      // The handler is made before it is known whether there is a connection.
      const refused = new Error();
      try {
        accepted = probeStream(stage, 'accepted socket', (handler) => {
          const stream = stage.call('accept()', () => socket.accept(handler));
          if (stream === undefined) throw refused;
          return stream;
        });
      } catch (error) {
        if (error !== refused) throw error;
      }
      return accepted;
    },
    close() {
      closed = true;
      stage.call('close()', () => socket.close());
    },
  };
  stage.cleanups.push(() => probe.close());
  return probe;
}

/** Listens at `local`, by default at any port of the subject's IPv4 address. */
export function* listen(
  stage: Stage,
  subject: Subject,
  local = { address: subject.address, port: 0 },
  backlog = 8,
): Steps<ListenProbe> {
  const listener = startListening(stage, subject, local, backlog);
  yield* stage.until('the socket to listen', () => listener.isListening || listener.end !== undefined);
  expectEqual(listener.end, undefined, 'the outcome of listen');
  return listener;
}

export function* accept(stage: Stage, listener: ListenProbe): Steps<StreamProbe> {
  let accepted: StreamProbe | undefined;
  yield* stage.until('a connection to accept', () => (accepted ??= listener.accept()) !== undefined);
  if (accepted === undefined) throw new Error('no connection');
  return accepted;
}

/** The stream is connected, or the check fails. */
export function* connected(stage: Stage, stream: StreamProbe, remote: SocketAddress): Steps {
  const result = stream.connect(remote);
  expect(result === 0, `connect gave ${worded(result)}, but must give 0`);
  yield* stage.until('the connection', () => stream.writableCount > 0 || stream.end !== undefined);
  expectEqual(stream.end, undefined, 'the outcome of connect');
}

/** The IPv6 addresses of both; the check does not apply where one of them has none. */
export function addresses6({ tested, peer }: Stage): { readonly tested: string; readonly peer: string } {
  const { ipv6 } = tested.hal.network.capabilities;
  if (tested.address6 === undefined || peer.address6 === undefined || !ipv6) {
    return skip('the port, or its peer, has no IPv6 address');
  }
  return { tested: tested.address6, peer: peer.address6 };
}

/** A stream of the port that is tested, and the peer's end of it. */
export function* pair(
  stage: Stage,
  peerAddress = stage.peer.address,
): Steps<{ client: StreamProbe; server: StreamProbe }> {
  const listener = yield* listen(stage, stage.peer, { address: peerAddress, port: 0 });
  const client = openStream(stage, stage.tested, 'client');
  yield* connected(stage, client, listener.local);
  const server = yield* accept(stage, listener);
  return { client, server };
}

/** Byte number `index` of a long stretch of data that has no short period. */
export function patternByte(index: number): number {
  return (index * 31 + (index >> 8) * 7 + (index >> 16)) & 0xff;
}

/** Fills `into` with the pattern from byte `index` on. */
export function fillPattern(into: Uint8Array, index: number): void {
  for (let i = 0; i < into.length; i += 1) into[i] = patternByte(index + i);
}

/** Reads what there is, and holds it against the pattern; `total` is how much was read, and grows. */
export interface PatternReader {
  readonly totalBytes: number;
  /** Reads until nothing is left. Returns the last result: 0 at the end, or a failure. */
  pull(): number;
}

export function patternReader(stream: StreamProbe): PatternReader {
  const into = new Uint8Array(2048);
  let totalBytes = 0;
  return {
    get totalBytes() {
      return totalBytes;
    },
    pull() {
      for (;;) {
        const result = stream.read(into);
        if (result <= 0) return result;
        for (let i = 0; i < result; i += 1) {
          const index = totalBytes + i;
          expect(into[i] === patternByte(index), `byte ${index} of what arrived is not what was sent`);
        }
        totalBytes += result;
      }
    },
  };
}

export interface PatternWriter {
  readonly totalBytes: number;
  /** Writes until nothing fits or `endBytes` are written in all. Returns whether all were written. */
  push(endBytes: number): boolean;
}

/** Writes the pattern, and spoils each buffer at once, because the port must have copied it. */
export function patternWriter(stream: StreamProbe): PatternWriter {
  const from = new Uint8Array(2048);
  let totalBytes = 0;
  return {
    get totalBytes() {
      return totalBytes;
    },
    push(endBytes) {
      while (totalBytes < endBytes) {
        const part = from.subarray(0, Math.min(from.length, endBytes - totalBytes));
        fillPattern(part, totalBytes);
        const result = stream.write(part);
        part.fill(0xee);
        if (result === failure('EAGAIN')) return false;
        expect(result > 0 && result <= part.length, `write of ${part.length} bytes gave ${worded(result)}`);
        totalBytes += result;
      }
      return true;
    },
  };
}

/** Sends `count` bytes of the pattern from one stream to the other, and sees them all arrive. */
export function* transfer(stage: Stage, from: StreamProbe, to: StreamProbe, count: number): Steps {
  const writer = patternWriter(from);
  const reader = patternReader(to);
  yield* stage.until(`${count} bytes to arrive`, () => {
    writer.push(count);
    reader.pull();
    return reader.totalBytes >= count;
  });
}

/** Holds a terminal event against what it must be, as far as the port can tell reasons. */
export function expectEnd(hal: Hal, stream: StreamProbe, by: readonly Errno[], what: string): void {
  const { end } = stream;
  const isVague = !hal.network.capabilities.errorReason && (end === 'EIO' || end === 'closed');
  const isRight = by.some((errno) => errno === end);
  expect(isRight || isVague, `${what} ended as ${inWords(end)}, but must as ${by.join(' or ')}`);
}

/** Errors of a refused connect: lwIP has one error for every RST. */
export const REFUSED: readonly Errno[] = ['ECONNREFUSED', 'ECONNRESET'];

/** Errors of a connection that the peer resets: FreeRTOS+TCP only reports that there is no connection any more. */
export const RESET: readonly Errno[] = ['ECONNRESET', 'ENOTCONN'];

export interface DatagramProbe {
  readonly socket: DatagramSocket;
  readonly local: SocketAddress;
  readonly readableCount: number;
  readonly isBound: boolean;
  readonly end: Errno | undefined;
  receive(into: Uint8Array): number;
  sendTo(from: Uint8Array, remote: SocketAddress): number;
  close(): void;
}

/** Opens a datagram socket, and does not wait for the outcome. */
export function openDatagram(stage: Stage, { hal }: Subject, local: SocketAddress): DatagramProbe {
  let isBound = false;
  let readableCount = 0;
  let end: Errno | undefined;
  let closed = false;
  const socket = stage.call('openDatagram()', () =>
    hal.network.openDatagram(local, {
      bound() {
        isBound = true;
        stage.event('bound', closed);
      },
      readable() {
        readableCount += 1;
        stage.event('readable of the datagram socket', closed);
      },
      ended(reason) {
        end = reason;
        stage.event('ended of the datagram socket', closed);
      },
    }),
  );
  const probe = {
    socket,
    get local() {
      if (socket.local === undefined) throw new Error('a bound datagram socket does not know its local address');
      return socket.local;
    },
    get isBound() {
      return isBound;
    },
    get readableCount() {
      return readableCount;
    },
    get end() {
      return end;
    },
    receive: (into: Uint8Array) => stage.call('receive()', () => socket.receive(into)),
    sendTo: (from: Uint8Array, remote: SocketAddress) => stage.call('sendTo()', () => socket.sendTo(from, remote)),
    close() {
      closed = true;
      stage.call('close()', () => socket.close());
    },
  };
  stage.cleanups.push(() => probe.close());
  return probe;
}

/** A datagram socket that is bound, by default to any port of the subject's IPv4 address. */
export function* bound(stage: Stage, subject: Subject, address = subject.address): Steps<DatagramProbe> {
  const socket = openDatagram(stage, subject, { address, port: 0 });
  yield* stage.until('the datagram socket to be bound', () => socket.isBound || socket.end !== undefined);
  expectEqual(socket.end, undefined, 'the outcome of openDatagram');
  return socket;
}
