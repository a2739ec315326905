/**
 * Bytes that a device's stack has accepted from the firmware and cannot send yet: bounded, in order, and without memory
 * while empty.
 */

import { failure } from '../../hal/errno.ts';
import type { StreamSocket } from '../../hal/network.ts';

/** lwIP's TCP_SND_BUF as ESP-IDF sets it. */
const SIZE_BYTES = 5760;

export class SendBuffer {
  #bytes: Uint8Array | undefined;
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Takes what fits, and gives how many bytes that are. */
  put(from: Uint8Array): number {
    const taken = Math.min(from.length, SIZE_BYTES - this.#length);
    this.#bytes ??= new Uint8Array(SIZE_BYTES);
    this.#bytes.set(from.subarray(0, taken), this.#length);
    this.#length += taken;
    return taken;
  }

  /**
   * Hands `socket` what it accepts. Returns 0 if that is everything, EAGAIN if some is left, or the errno of a failed
   * write.
   */
  flush(socket: StreamSocket): number {
    while (this.#bytes !== undefined && this.#length > 0) {
      const taken = socket.write(this.#bytes.subarray(0, this.#length));
      if (taken <= 0) return taken === 0 ? failure('EAGAIN') : taken;
      this.#bytes.copyWithin(0, taken, this.#length);
      this.#length -= taken;
    }
    this.#bytes = undefined;
    return 0;
  }
}
