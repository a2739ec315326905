/** Checks of stream sockets: how they end. FIN and RST, half-closed, closed here, failed. */

import { failure } from '../errno.ts';
import { expect, expectEqual, expectResult, skipUnless } from './check.ts';
import type { Definition } from './check.ts';
import {
  accept,
  connected,
  expectEnd,
  listen,
  openStream,
  pair,
  patternReader,
  patternWriter,
  RESET,
  transfer,
} from './probes.ts';

export const streamEndChecks: readonly Definition[] = [
  {
    name: "stream: the peer's FIN ends as closed, after the bytes before it, and reads as 0",
    *steps(stage) {
      const { client, server } = yield* pair(stage);
      const writer = patternWriter(server);
      yield* stage.until('5000 bytes to fit', () => writer.push(5000));
      server.close();
      // The firmware does not read until the end is known.
      yield* stage.until('the end', () => client.end !== undefined);
      expectEqual(client.end, 'closed', "the end after the peer's close");
      const reader = patternReader(client);
      expectResult(reader.pull(), 0, 'read after all bytes and the FIN');
      expectEqual(reader.totalBytes, 5000, 'the number of bytes that were read after the FIN');
      expectResult(reader.pull(), 0, 'another read after the FIN');
    },
  },
  {
    name: 'stream: what was taken is still sent by close, however much it is',
    *steps(stage) {
      const { client, server } = yield* pair(stage);
      const writer = patternWriter(client);
      expect(!writer.push(64 * 1024 * 1024), 'write never gave EAGAIN');
      client.close();
      const reader = patternReader(server);
      yield* stage.until('the end of what was written', () => reader.pull() === 0 || server.end !== undefined);
      expectResult(reader.pull(), 0, 'read at the end');
      expectEqual(reader.totalBytes, writer.totalBytes, 'the number of bytes that arrived after close');
      yield* stage.until('the end', () => server.end !== undefined);
      expectEqual(server.end, 'closed', "the peer's end after close");
    },
  },
  {
    name: "stream: the peer's reset ends as a reset, and the error stays",
    *steps(stage) {
      skipUnless(stage.peer.hal.network.capabilities.reset, 'the peer cannot reset a connection');
      const { client, server } = yield* pair(stage);
      yield* transfer(stage, client, server, 10);
      server.abort();
      yield* stage.until('the end', () => client.end !== undefined);
      expectEnd(stage.tested.hal, client, RESET, 'a connection that the peer reset');
      if (client.end === undefined || client.end === 'closed') return;
      for (const _ of [1, 2]) {
        expectResult(client.read(new Uint8Array(10)), failure(client.end), 'read after the reset');
        expectResult(client.write(Uint8Array.of(1)), failure(client.end), 'write after the reset');
      }
    },
  },
  {
    name: 'stream: a reset right after data is a reset, not a close',
    *steps(stage) {
      skipUnless(stage.peer.hal.network.capabilities.reset, 'the peer cannot reset a connection');
      const { client, server } = yield* pair(stage);
      yield* transfer(stage, client, server, 10);
      const writer = patternWriter(server);
      writer.push(100);
      server.abort();
      const reader = patternReader(client);
      yield* stage.until('the end', () => {
        if (client.readableCount > 0) reader.pull();
        return client.end !== undefined;
      });
      expectEnd(stage.tested.hal, client, RESET, 'a connection that the peer reset after sending');
    },
  },
  {
    name: 'stream: abort resets',
    *steps(stage) {
      const { client, server } = yield* pair(stage);
      client.abort();
      if (stage.tested.hal.network.capabilities.reset) {
        yield* stage.until('the end', () => server.end !== undefined);
        expectEnd(stage.peer.hal, server, RESET, 'the peer of a connection that was aborted');
      } else {
        yield* stage.pause(50);
        expect(server.end === undefined || server.end === 'closed', 'an aborted connection was not closed, and not mute');
      }
    },
  },
  {
    name: 'stream: after shutdown the peer reads 0, and the other direction stays open',
    *steps(stage) {
      const { client, server } = yield* pair(stage);
      const writer = patternWriter(client);
      yield* stage.until('5000 bytes to fit', () => writer.push(5000));
      if (!stage.tested.hal.network.capabilities.halfClose) {
        expectResult(client.shutdown(), failure('EOPNOTSUPP'), 'shutdown');
        return;
      }
      expectResult(client.shutdown(), 0, 'shutdown');
      expectResult(client.write(Uint8Array.of(1)), failure('EPIPE'), 'write after shutdown');
      const reader = patternReader(server);
      yield* stage.until("the peer's end", () => reader.pull() === 0);
      expectEqual(reader.totalBytes, 5000, 'the number of bytes before the FIN');
      yield* stage.until('the event', () => server.end !== undefined);
      expectEqual(server.end, 'closed', 'the end of the peer after shutdown');
      expectEqual(client.end, undefined, 'the end of the side that called shutdown');
      yield* transfer(stage, server, client, 100_000);
      server.close();
      yield* stage.until('the end', () => client.end !== undefined);
      expectEqual(client.end, 'closed', 'the end after both sides have closed');
      expectResult(client.read(new Uint8Array(1)), 0, 'read after both sides have closed');
    },
  },
  {
    name: "stream: after the peer's FIN, writing goes on until it fails",
    *steps(stage) {
      const canHalfClose = [stage.peer, stage.tested].every(({ hal }) => hal.network.capabilities.halfClose);
      skipUnless(canHalfClose, 'the port, or its peer, cannot close one direction alone');
      const { client, server } = yield* pair(stage);
      server.shutdown();
      yield* stage.until('the end', () => client.end !== undefined);
      expectEqual(client.end, 'closed', "the end after the peer's FIN");
      yield* transfer(stage, client, server, 100_000);
      // The peer goes: what is written then is answered by a reset, and no second terminal event comes.
      server.abort();
      yield* stage.poll('write to fail', () => {
        const result = client.write(Uint8Array.of(1));
        return result < 0 && result !== failure('EAGAIN');
      });
      yield* stage.pause(10);
    },
  },
  {
    name: 'stream: nothing is called back after close() or abort(), whatever is on its way',
    *steps(stage) {
      const unused = yield* listen(stage, stage.peer);
      const listener = yield* listen(stage, stage.peer);
      for (const leave of ['close', 'abort'] as const) {
        // While it connects.
        const early = openStream(stage, stage.tested, 'client that left while it connected');
        expectResult(early.connect(unused.local), 0, 'connect');
        early[leave]();
        early[leave]();
        // With data and a FIN on their way.
        const client = openStream(stage, stage.tested, 'client that left');
        yield* connected(stage, client, listener.local);
        const server = yield* accept(stage, listener);
        server.write(Uint8Array.of(1, 2, 3));
        server.close();
        client[leave]();
        client[leave]();
        // From within a callback, with an end on its way.
        const late = openStream(stage, stage.tested, 'client that left in a callback');
        yield* connected(stage, late, listener.local);
        const other = yield* accept(stage, listener);
        other.write(Uint8Array.of(1, 2, 3));
        other.close();
        yield* stage.until('readable', () => late.readableCount > 0);
        late[leave]();
        // From within the readable that tells the FIN, before the end is told.
        const last = openStream(stage, stage.tested, 'client that left at the FIN');
        yield* connected(stage, last, listener.local);
        (yield* accept(stage, listener)).close();
        yield* stage.until('the FIN', () => last.readableCount > 0 && last.read(new Uint8Array(1)) === 0);
        last[leave]();
        yield* stage.pause(50);
      }
    },
  },
  {
    name: 'stream: close and abort can be called at any time, in any order',
    *steps(stage) {
      const fresh = openStream(stage, stage.tested, 'client that was never connected');
      fresh.close();
      fresh.abort();
      const { client, server } = yield* pair(stage);
      server.abort();
      yield* stage.until('the end', () => client.end !== undefined);
      client.close();
      client.abort();
      client.close();
      const after = client.write(Uint8Array.of(1));
      expect(after < 0, `write after close gave ${after}, but must give a failure`);
      expect(client.read(new Uint8Array(1)) <= 0, 'read after close gave a byte');
      if (!stage.tested.hal.network.capabilities.halfClose) return;
      // Right after shutdown is where platforms stumble.
      const half = yield* pair(stage);
      half.client.shutdown();
      half.client.abort();
      yield* stage.until('the end', () => half.server.end !== undefined);
    },
  },
];
