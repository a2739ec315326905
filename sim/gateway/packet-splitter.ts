/**
 * IPv4 packets out of a stream of bytes: each tells its own length (RFC 791 3.1), and so nothing need stand between
 * them.
 */

const HEADER_BYTES = 20;
const LENGTH_AT = 2;

export class PacketSplitter {
  readonly #onPacket: (bytes: Uint8Array) => void;
  /** The beginning of a packet whose end has not come yet. */
  #rest = new Uint8Array(0);

  /** `onPacket` must not keep the bytes. */
  constructor(onPacket: (bytes: Uint8Array) => void) {
    this.#onPacket = onPacket;
  }

  /** Throws an Error where a packet says that it is shorter than its header: nothing behind it can be found. */
  add(bytes: Uint8Array): void {
    const all = this.#rest.length === 0 ? bytes : concatenate(this.#rest, bytes);
    let at = 0;
    while (all.length - at >= HEADER_BYTES) {
      const packetBytes = ((all[at + LENGTH_AT] ?? 0) << 8) | (all[at + LENGTH_AT + 1] ?? 0);
      if (packetBytes < HEADER_BYTES) {
        throw new Error(`a packet of ${packetBytes} bytes is none: the stream of packets is broken`);
      }
      if (all.length - at < packetBytes) break;
      this.#onPacket(all.subarray(at, at + packetBytes));
      at += packetBytes;
    }
    this.#rest = all.slice(at);
  }
}

function concatenate(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(one.length + other.length);
  all.set(one);
  all.set(other, one.length);
  return all;
}
