/** Bytes that arrived and were not read yet, first in, first out. It has no memory while it is empty. */

export interface ByteFifo {
  readonly lengthBytes: number;
  /** Copies `bytes` in. */
  push(bytes: Uint8Array): void;
  /** Copies bytes out and gives how many. */
  shift(into: Uint8Array): number;
}

/** Up to so many bytes are sooner copied one by one than through a view, which is an object of 100 bytes. */
const COPIED_ONE_BY_ONE_MAX = 64;

/** Copies `count` bytes of `from`, from `start` on, to the beginning of `into`. */
export function copyBytes(into: Uint8Array, from: Uint8Array, start: number, count: number): void {
  if (count > COPIED_ONE_BY_ONE_MAX) into.set(from.subarray(start, start + count));
  else for (let i = 0; i < count; i++) into[i] = from[start + i] ?? 0;
}

export function byteFifo(): ByteFifo {
  let buffer = new Uint8Array(0);
  let start = 0;
  let end = 0;
  return {
    get lengthBytes() {
      return end - start;
    },
    push(bytes) {
      const lengthBytes = end - start;
      if (end + bytes.length > buffer.length) {
        // Twice what is needed, so that many small arrivals are not each a copy of all that is held.
        const roomier = new Uint8Array(2 * (lengthBytes + bytes.length));
        roomier.set(buffer.subarray(start, end));
        buffer = roomier;
        start = 0;
        end = lengthBytes;
      }
      buffer.set(bytes, end);
      end += bytes.length;
    },
    shift(into) {
      const count = Math.min(into.length, end - start);
      copyBytes(into, buffer, start, count);
      start += count;
      if (start === end) {
        buffer = new Uint8Array(0);
        start = 0;
        end = 0;
      }
      return count;
    },
  };
}
