/** Checks of stream sockets: bytes. */

import { failure } from '../errno.ts';
import { expect, expectEqual, expectResult } from './check.ts';
import type { Definition } from './check.ts';
import { pair, patternByte, patternReader, patternWriter, transfer } from './probes.ts';

/** More than any port may take when nobody reads at the other end. */
const ENDLESS_BYTES = 64 * 1024 * 1024;

/** More than the buffers of a small device hold, and little enough for it to check byte by byte. */
const LARGE_BYTES = 256 * 1024;

export const streamDataChecks: readonly Definition[] = [
  {
    name: 'stream: bytes arrive as they were written, though the buffer was changed after the call',
    *steps(stage) {
      const { client, server } = yield* pair(stage);
      const from = Uint8Array.of(1, 2, 3, 4, 5);
      expectResult(client.write(from.subarray(1, 4)), 3, 'write of 3 bytes');
      from.fill(0xee);
      expectResult(client.write(from.subarray(0, 0)), 0, 'write of nothing');
      const into = new Uint8Array(8).fill(0xaa);
      let count = 0;
      yield* stage.until('3 bytes', () => {
        const result = server.read(into.subarray(2 + count, 6));
        if (result > 0) count += result;
        return count >= 3;
      });
      expectEqual([...into].join(' '), '170 170 2 3 4 170 170 170', 'the buffer around and with what arrived');
      expectResult(server.read(into), failure('EAGAIN'), 'read when everything was read');
      expect(server.readableCount > 0, 'bytes arrived, and no readable came');
    },
  },
  {
    name: 'stream: reading in small pieces loses nothing',
    *steps(stage) {
      const { client, server } = yield* pair(stage);
      const writer = patternWriter(client);
      const bytes: number[] = [];
      const read = (into: Uint8Array) => {
        const result = server.read(into);
        if (result > 0) bytes.push(...into.subarray(0, result));
        return result;
      };
      // From within readable a piece only; the rest later, when no event comes.
      for (const endBytes of [1000, 2000]) {
        yield* stage.until('bytes to fit', () => writer.push(endBytes));
        const { length } = bytes;
        yield* stage.until('a piece', () => read(new Uint8Array(7)) > 0 && bytes.length > length);
        yield* stage.poll('the rest', () => {
          while (read(new Uint8Array(300)) > 0);
          return bytes.length === endBytes;
        });
      }
      expect(bytes.every((byte, index) => byte === patternByte(index)), 'a byte is not what was sent');
    },
  },
  {
    name: 'stream: much data both ways at once',
    *steps(stage) {
      const { client, server } = yield* pair(stage);
      const writers = [patternWriter(client), patternWriter(server)];
      const readers = [patternReader(server), patternReader(client)];
      yield* stage.until('all data to arrive both ways', () => {
        for (const writer of writers) writer.push(LARGE_BYTES);
        for (const reader of readers) reader.pull();
        return readers.every(({ totalBytes }) => totalBytes === LARGE_BYTES);
      });
    },
  },
  {
    name: 'stream: an endless writer is held back, and writable follows once the peer reads',
    *steps(stage) {
      const { client, server } = yield* pair(stage);
      const writer = patternWriter(client);
      for (let writtenBytes = -1; writtenBytes < writer.totalBytes; ) {
        writtenBytes = writer.totalBytes;
        expect(!writer.push(ENDLESS_BYTES), `write took ${ENDLESS_BYTES} bytes that nobody reads`);
        yield* stage.pause(50);
      }
      const { totalBytes } = writer;
      const { writableCount } = client;
      expectResult(client.write(Uint8Array.of(1)), failure('EAGAIN'), 'write when nothing fits');
      const reader = patternReader(server);
      yield* stage.until('all that was taken to arrive', () => {
        reader.pull();
        return reader.totalBytes === totalBytes;
      });
      yield* stage.until('writable when there is room again', () => client.writableCount > writableCount);
      yield* stage.until('more to fit', () => {
        reader.pull();
        return writer.push(totalBytes + 5000);
      });
      yield* stage.until('the rest to arrive', () => {
        reader.pull();
        return reader.totalBytes === totalBytes + 5000;
      });
    },
  },
  {
    name: 'stream: a write larger than all room takes a part, and that part arrives',
    *steps(stage) {
      const { client, server } = yield* pair(stage);
      const large = new Uint8Array(4 * LARGE_BYTES);
      const took = client.write(large);
      expect(took > 0 && took <= large.length, `write of ${large.length} bytes gave ${took}`);
      const into = new Uint8Array(4096);
      let arrivedBytes = 0;
      yield* stage.until('what was taken to arrive', () => {
        for (let result = server.read(into); result > 0; result = server.read(into)) arrivedBytes += result;
        return arrivedBytes >= took;
      });
      yield* stage.pause(20);
      expectResult(server.read(into), failure('EAGAIN'), 'read after all that was taken');
      expectEqual(arrivedBytes, took, 'the number of bytes that arrived');
      if (took < large.length) {
        yield* stage.until('writable after a write that took a part', () => client.writableCount > 1);
      }
    },
  },
  {
    name: 'stream: bytes that nobody reads wait, and the writer waits with them',
    *steps(stage) {
      const { client, server } = yield* pair(stage);
      const writer = patternWriter(server);
      // The peer writes until it is held back; the port that is tested does not read.
      for (let writtenBytes = -1; writtenBytes < writer.totalBytes; ) {
        writtenBytes = writer.totalBytes;
        expect(!writer.push(ENDLESS_BYTES), `the port took ${ENDLESS_BYTES} bytes that the firmware did not read`);
        yield* stage.pause(50);
      }
      expect(client.readableCount > 0, 'bytes arrived, and no readable came');
      const { totalBytes } = writer;
      const reader = patternReader(client);
      yield* stage.until('all bytes to arrive', () => {
        reader.pull();
        return reader.totalBytes === totalBytes;
      });
      yield* transfer(stage, client, server, 100);
    },
  },
];
