/**
 * Takes a stream of MQTT apart, in any pieces. A packet that comes whole is read where it lies. Of a
 * packet in pieces the decoder holds about what has come, and never more than `maxPacketBytes`.
 */

import { firstBytes } from '../first-bytes.ts';
import { type Packet, PACKET_TYPES, type PacketType, REASON, type Refusal, type Version } from './packet.ts';
import { decodeBody } from './decode.ts';

/** The end that receives: a server receives the packets that clients send. */
export type ReceivingEnd = 'client' | 'server';

/** Packets that only one end sends. */
const FROM_CLIENT: readonly PacketType[] = ['CONNECT', 'SUBSCRIBE', 'UNSUBSCRIBE', 'PINGREQ'];
const FROM_SERVER: readonly PacketType[] = ['CONNACK', 'SUBACK', 'UNSUBACK', 'PINGRESP'];

/** Remaining Length: at most four bytes (section 2.2.3). */
const LENGTH_MAX_BYTES = 4;
const FIRST_BUFFER_BYTES = 256;

export class MqttDecoder {
  readonly #listener: ReceivingEnd;
  readonly #maxPacketBytes: number;
  /** Version of the stream; a server learns it from CONNECT. */
  version: Version;
  #packets = 0;
  /** The first byte of the packet that is being received; -1: none is. */
  #head = -1;
  /** Number of bytes of Remaining Length that have arrived; -1: all. */
  #lengthBytes = 0;
  #remainingBytes = 0;
  #body: Uint8Array | undefined = undefined;
  #bodyBytes = 0;
  #refusal: Refusal | undefined = undefined;
  #stopped = false;

  /** `maxPacketBytes`: the longest packet to accept, its fixed header included. */
  constructor(listener: ReceivingEnd, version: Version, maxPacketBytes: number) {
    this.#listener = listener;
    this.version = version;
    this.#maxPacketBytes = maxPacketBytes;
  }

  /** Another stream begins. */
  reset(): void {
    this.#packets = 0;
    this.#endPacket();
    this.#refusal = undefined;
    this.#stopped = false;
  }

  /** The peer is within a packet: its end of stream here would be half of one. */
  get partial(): boolean {
    return this.#head >= 0;
  }

  /** Number of bytes that it holds. */
  get heldBytes(): number {
    return this.#body?.length ?? 0;
  }

  /** Nothing more is decoded; for a `sink` that has heard enough. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Decodes what came next, the first `count` of `bytes`, and hands each packet over. A refusal ends the stream: it is
   * given from then on, and nothing more is decoded.
   */
  decode(bytes: Uint8Array, sink: (packet: Packet) => void, count = bytes.length): Refusal | undefined {
    const isFirst = this.#packets === 0 && !this.partial;
    let at = 0;
    while (at < count && this.#refusal === undefined && !this.#stopped) {
      if (this.#head < 0) this.#takeHead(bytes[at++] ?? 0);
      else if (this.#lengthBytes >= 0) this.#takeLengthByte(bytes[at++] ?? 0);
      else at += this.#takeBody(bytes, at, count);
      if (this.#lengthBytes < 0 && this.#refusal === undefined) at += this.#tryWhole(bytes, at, count, sink);
    }
    if (this.#refusal !== undefined && isFirst && this.#packets <= 1) this.#addFirstBytes(bytes, count);
    return this.#refusal;
  }

  #takeHead(byte: number): void {
    this.#head = byte;
    this.#packets++;
    const type = this.#type;
    if (type === undefined) return this.#refuse(`packet type ${byte >> 4} is reserved (table 2.1)`);
    const strange = this.#listener === 'server' ? FROM_SERVER : FROM_CLIENT;
    if (strange.includes(type)) {
      const sender = this.#listener === 'server' ? 'server' : 'client';
      return this.#refuse(`only a ${sender} sends ${type} (table 2.1)`, REASON.PROTOCOL_ERROR);
    }
    if (this.#packets > 1) return;
    // [MQTT-3.1.0-1] and [MQTT-3.2.0-1]: what comes first.
    if (this.#listener === 'server' && type !== 'CONNECT') {
      this.#refuse('the first packet must be CONNECT [MQTT-3.1.0-1]', REASON.PROTOCOL_ERROR);
    } else if (this.#listener === 'client' && type !== 'CONNACK' && type !== 'AUTH') {
      this.#refuse('the first packet must be CONNACK [MQTT-3.2.0-1]', REASON.PROTOCOL_ERROR);
    }
  }

  #takeLengthByte(byte: number): void {
    this.#remainingBytes += (byte & 0x7f) * 128 ** this.#lengthBytes;
    this.#lengthBytes++;
    if (byte >= 0x80) {
      if (this.#lengthBytes < LENGTH_MAX_BYTES) return;
      return this.#refuse('Remaining Length has more than four bytes (section 2.2.3)');
    }
    if (byte === 0 && this.#lengthBytes > 1) {
      return this.#refuse('Remaining Length is in more bytes than it needs [MQTT-1.5.5-1]');
    }
    const packetBytes = 1 + this.#lengthBytes + this.#remainingBytes;
    if (packetBytes > this.#maxPacketBytes) {
      return this.#refuse(
        `it has ${packetBytes} bytes, at most ${this.#maxPacketBytes} are accepted (section 3.1.2.11.4)`,
        REASON.PACKET_TOO_LARGE,
      );
    }
    this.#lengthBytes = -1;
  }

  /** Adds to a packet that arrives in pieces. Returns the number of bytes that it took. */
  #takeBody(bytes: Uint8Array, at: number, count: number): number {
    const taken = Math.min(this.#remainingBytes - this.#bodyBytes, count - at);
    this.#hold(bytes.subarray(at, at + taken));
    return taken;
  }

  /**
   * Reads a packet whose fixed header is complete, if all of it is there; otherwise holds the part that is. Returns the
   * number of bytes that it took.
   */
  #tryWhole(bytes: Uint8Array, at: number, count: number, sink: (packet: Packet) => void): number {
    const body = this.#body;
    if (body !== undefined && this.#bodyBytes === this.#remainingBytes) {
      this.#read(body, 0, this.#bodyBytes, sink);
      return 0;
    }
    if (body === undefined && count - at >= this.#remainingBytes) {
      const taken = this.#remainingBytes;
      this.#read(bytes, at, at + taken, sink);
      return taken;
    }
    return 0;
  }

  #hold(piece: Uint8Array): void {
    const needed = this.#bodyBytes + piece.length;
    let body = this.#body;
    if (body === undefined || body.length < needed) {
      const capacity = Math.min(this.#remainingBytes, Math.max(needed, 2 * (body?.length ?? 0), FIRST_BUFFER_BYTES));
      const larger = new Uint8Array(capacity);
      if (body !== undefined) larger.set(body);
      this.#body = body = larger;
    }
    body.set(piece, this.#bodyBytes);
    this.#bodyBytes = needed;
  }

  #read(bytes: Uint8Array, start: number, end: number, sink: (packet: Packet) => void): void {
    const type = this.#type;
    if (type === undefined) return;
    const packet = decodeBody(type, this.#head & 0x0f, bytes, start, end, this.version);
    if ('reason' in packet) return this.#refuse(packet.reason, packet.reasonCode);
    if (packet.type === 'CONNECT') {
      if (this.#packets > 1) return this.#refuse('a second CONNECT [MQTT-3.1.0-2]', REASON.PROTOCOL_ERROR);
      this.version = packet.version;
    }
    this.#endPacket();
    sink(packet);
  }

  #endPacket(): void {
    this.#head = -1;
    this.#lengthBytes = 0;
    this.#remainingBytes = 0;
    this.#body = undefined;
    this.#bodyBytes = 0;
  }

  get #type(): PacketType | undefined {
    return PACKET_TYPES[this.#head >> 4];
  }

  #refuse(reason: string, reasonCode: number = REASON.MALFORMED_PACKET): void {
    const name = this.#type === undefined ? '' : ` (${this.#type})`;
    this.#refusal = { reason: `packet ${this.#packets}${name}: ${reason}`, reasonCode };
    this.#body = undefined;
  }

  /** Keeps the first bytes of a peer that speaks another protocol, to quote them. */
  #addFirstBytes(bytes: Uint8Array, count: number): void {
    if (this.#refusal === undefined) return;
    const { reason, reasonCode } = this.#refusal;
    const came = firstBytes(bytes.subarray(0, count));
    this.#refusal = { reason: `${reason}; the first bytes that came are ${came}`, reasonCode };
  }
}
