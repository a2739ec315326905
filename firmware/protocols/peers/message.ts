/**
 * Messages of peers to each other and to their monitor, each in one datagram. Numbers are big-endian; a text is its
 * length in one byte and then its letters, which are printable ASCII.
 *
 *     ping    1, uint32 stamp                               to a peer
 *     pong    2, uint32 stamp                               back, with the stamp of the ping
 *     report  3, text name, uint8 count, uint32 id ...      to the monitor: I am alive, and do not hear these
 *     peers   4, uint8 count, then for each                 back: ping these
 *                uint32 id, text name, text address, uint16 port
 */

/** One peer, as the monitor tells of it. An `id` is never used again: who was down comes back with another. */
export interface Peer {
  readonly id: number;
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

export type PeersMessage =
  | { readonly type: 'ping' | 'pong'; readonly stamp: number }
  | { readonly type: 'report'; readonly name: string; readonly failed: readonly number[] }
  | { readonly type: 'peers'; readonly peers: readonly Peer[] };

/** A longer name is cut. */
export const NAME_MAX = 32;

/** An IPv6 address with a zone. */
const ADDRESS_MAX = 64;

/** Peers in one message. */
export const PEERS_MAX = 16;

/** No message is longer, so that each fits into a packet. */
export const MESSAGE_BYTES_MAX = 2 + PEERS_MAX * (4 + 1 + NAME_MAX + 1 + ADDRESS_MAX + 2);

const TYPES = { ping: 1, pong: 2, report: 3, peers: 4 } as const;

export function encodePeersMessage(message: PeersMessage): Uint8Array {
  const bytes: number[] = [TYPES[message.type]];
  switch (message.type) {
    case 'ping':
    case 'pong':
      bytes.push(...uint32(message.stamp));
      break;
    case 'report':
      bytes.push(...text(message.name, NAME_MAX), message.failed.length, ...message.failed.flatMap(uint32));
      break;
    case 'peers':
      bytes.push(message.peers.length);
      for (const { id, name, address, port } of message.peers) {
        bytes.push(...uint32(id), ...text(name, NAME_MAX), ...text(address, ADDRESS_MAX), port >> 8, port & 0xff);
      }
  }
  return Uint8Array.from(bytes);
}

/** The message that the first `count` of `bytes` are; undefined: they are none. */
export function decodePeersMessage(bytes: Uint8Array, count: number): PeersMessage | undefined {
  if (count > bytes.length) return undefined;
  const reader = new Reader(bytes.subarray(0, count));
  const message = read(reader);
  return reader.isAtEnd ? message : undefined;
}

function read(reader: Reader): PeersMessage | undefined {
  const type = reader.uint(1);
  switch (type) {
    case TYPES.ping:
    case TYPES.pong:
      return { type: type === TYPES.ping ? 'ping' : 'pong', stamp: reader.uint(4) };
    case TYPES.report: {
      const name = reader.text(NAME_MAX);
      return { type: 'report', name, failed: reader.list(() => reader.uint(4)) };
    }
    case TYPES.peers:
      return {
        type: 'peers',
        peers: reader.list(() => ({
          id: reader.uint(4), name: reader.text(NAME_MAX), address: reader.text(ADDRESS_MAX), port: reader.uint(2),
        })),
      };
    default:
      return undefined;
  }
}

function uint32(number: number): number[] {
  return [number >>> 24, (number >>> 16) & 0xff, (number >>> 8) & 0xff, number & 0xff];
}

/** Encodes a text. A character that is not printable ASCII becomes a question mark. */
function text(letters: string, maxBytes: number): number[] {
  const codes = Array.from(letters.slice(0, maxBytes), (letter) => letter.charCodeAt(0)).slice(0, maxBytes);
  return [codes.length, ...codes.map((code) => (isPrintable(code) ? code : 0x3f))];
}

function isPrintable(code: number): boolean {
  return code > 0x20 && code < 0x7f;
}

/** Takes a datagram apart. What is not as it must be makes it fail, and it gives nothing but zeros from then on. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #isWrong = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Nothing was wrong, and nothing is left over. */
  get isAtEnd(): boolean {
    return !this.#isWrong && this.#at === this.#bytes.length;
  }

  uint(length: number): number {
    let number = 0;
    for (let i = 0; i < length; i++) number = number * 256 + this.#byte();
    return number;
  }

  text(maxBytes: number): string {
    const length = this.uint(1);
    if (length === 0 || length > maxBytes) this.#isWrong = true;
    let letters = '';
    for (let i = 0; i < length && !this.#isWrong; i++) {
      const code = this.#byte();
      if (!isPrintable(code)) this.#isWrong = true;
      letters += String.fromCharCode(code);
    }
    return letters;
  }

  list<Item>(item: () => Item): Item[] {
    const items: Item[] = [];
    const count = this.uint(1);
    if (count > PEERS_MAX) this.#isWrong = true;
    for (let i = 0; i < count && !this.#isWrong; i++) items.push(item());
    return items;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) this.#isWrong = true;
    else this.#at++;
    return byte ?? 0;
  }
}
