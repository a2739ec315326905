/**
 * Dubbo's frames, as its ExchangeCodec writes and reads them. All numbers are big-endian:
 *
 *     uint16 magic    0xDABB
 *     uint8  flags    0x80 it is a request; 0x40 it wants a response; 0x20 it is an event, as a beat is;
 *                     0x1F in what the body is serialized: 2 is Hessian 2
 *     uint8  status   of a response: 20 is OK
 *     uint64 number   of the request; its response has the same
 *     uint32 length   of the body
 *     body
 *
 * For Netty that is `new LengthFieldBasedFrameDecoder(MAX, 12, 4, 0, 0)`. A beat is a request that wants a response and
 * is an event; its body, and that of its answer, is null in its serialization, which in Hessian 2 is the letter N.
 */

import { firstBytes } from '../first-bytes.ts';

export const HESSIAN_2 = 2;

/** Statuses of org.apache.dubbo.remoting.exchange.Response that are used here. */
export const DUBBO_STATUS = { OK: 20, BAD_REQUEST: 40, SERVICE_ERROR: 70 } as const;

export type DubboMessage =
  | {
    readonly kind: 'request'; readonly id: bigint; readonly wantsResponse: boolean; readonly isEvent: boolean;
    readonly serialization: number;
  }
  | {
    readonly kind: 'response'; readonly id: bigint; readonly status: number; readonly isEvent: boolean;
    readonly serialization: number;
  };

const MAGIC = [0xda, 0xbb];
const HEADER_BYTES = 16;
const REQUEST = 0x80;
const WANTS_RESPONSE = 0x40;
const EVENT = 0x20;
const SERIALIZATION = 0x1f;

/** A frame, ready to be written. */
export function encodeDubbo(message: DubboMessage, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + body.length);
  frame.set(MAGIC);
  frame[2] = flagsOf(message);
  frame[3] = message.kind === 'response' ? message.status : 0;
  const header = new DataView(frame.buffer);
  header.setBigUint64(4, message.id);
  header.setUint32(12, body.length);
  frame.set(body, HEADER_BYTES);
  return frame;
}

function flagsOf(message: DubboMessage): number {
  const flags = message.serialization | (message.isEvent ? EVENT : 0);
  return message.kind === 'response' ? flags : flags | REQUEST | (message.wantsResponse ? WANTS_RESPONSE : 0);
}

/** Receiver of what a decoder finds. */
export interface DubboSink {
  /** A frame, whole; `body` is valid during the call. When it may not come now: why. */
  message(message: DubboMessage, body: Uint8Array): string | undefined;
}

/** Takes a stream apart, in any pieces. It holds no more than one frame. */
export class DubboDecoder {
  readonly #maxBodyBytes: number;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  /** The frame whose body is being received. */
  #message: DubboMessage | undefined;
  #body = NO_BODY;
  #bodyBytes = 0;
  #frames = 0;
  #wrong: string | undefined;

  /** `maxBodyBytes`: the longest body to accept. */
  constructor(maxBodyBytes: number) {
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** Another stream begins. */
  reset(): void {
    this.#headerBytes = 0;
    this.#message = undefined;
    this.#body = NO_BODY;
    this.#frames = 0;
    this.#wrong = undefined;
  }

  /** The peer is within a frame: its end of stream here would be a half frame. */
  get partial(): boolean {
    return this.#headerBytes > 0;
  }

  /** Decodes the first `count` of `bytes`. Returns what is wrong with the stream; then nothing more is decoded. */
  decode(bytes: Uint8Array, sink: DubboSink, count = bytes.length): string | undefined {
    const isFirst = this.#frames === 0;
    for (let at = 0; at < count && this.#wrong === undefined; ) {
      at += this.#message === undefined
        ? this.#takeHeaderByte(bytes[at] ?? 0, sink)
        : this.#takeBody(this.#message, bytes.subarray(at, count), sink);
    }
    if (this.#wrong === undefined || !isFirst || this.#frames > 0) return this.#wrong;
    // A peer whose first frame is wrong speaks another protocol, and what it said tells which.
    return `${this.#wrong}; the first bytes that came are ${firstBytes(bytes.subarray(0, count))}`;
  }

  #takeHeaderByte(byte: number, sink: DubboSink): 1 {
    const at = this.#headerBytes++;
    this.#header[at] = byte;
    const must = MAGIC[at];
    if (must !== undefined && byte !== must) {
      this.#wrong = this.#inFrame(`byte ${at + 1} of the magic is 0x${hex(byte)}, must be 0x${hex(must)}`);
    } else if (this.#headerBytes === HEADER_BYTES) {
      this.#takeHeader(sink);
    }
    return 1;
  }

  #takeHeader(sink: DubboSink): void {
    const header = new DataView(this.#header.buffer);
    const length = header.getUint32(12);
    if (length > this.#maxBodyBytes) {
      this.#wrong = this.#inFrame(`length is ${length}, must be at most ${this.#maxBodyBytes}`);
      return;
    }
    const [flags, id] = [header.getUint8(2), header.getBigUint64(4)];
    const common = { id, isEvent: (flags & EVENT) !== 0, serialization: flags & SERIALIZATION };
    this.#message = (flags & REQUEST) !== 0
      ? { kind: 'request', ...common, wantsResponse: (flags & WANTS_RESPONSE) !== 0 }
      : { kind: 'response', ...common, status: header.getUint8(3) };
    this.#body = length === 0 ? NO_BODY : new Uint8Array(length);
    this.#bodyBytes = 0;
    if (length === 0) this.#takeBody(this.#message, NO_BODY, sink);
  }

  #takeBody(message: DubboMessage, bytes: Uint8Array, sink: DubboSink): number {
    const body = this.#body;
    const piece = bytes.subarray(0, body.length - this.#bodyBytes);
    body.set(piece, this.#bodyBytes);
    this.#bodyBytes += piece.length;
    if (this.#bodyBytes === body.length) {
      this.#frames++;
      this.#headerBytes = 0;
      this.#message = undefined;
      this.#body = NO_BODY;
      this.#wrong = this.#inFrame(sink.message(message, body));
    }
    return piece.length;
  }

  #inFrame(wrong: string | undefined): string | undefined {
    return wrong && `frame ${this.#frames + (this.#headerBytes > 0 ? 1 : 0)}: ${wrong}`;
  }
}

const NO_BODY = new Uint8Array(0);

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
