/**
 * The wire format of the framed protocol. All numbers are big-endian, as Netty's are unless told otherwise:
 *
 *     uint32 mark     0xABEF0101: a stream that has something else here is out of step, or another protocol's
 *     uint32 length   of what follows: the type and the body
 *     uint8  type     2 DATA, 3 LOGIN_REQ, 4 LOGIN_RESP, 5 HEARTBEAT_REQ, 6 HEARTBEAT_RESP
 *     body            DATA: any bytes; LOGIN_REQ: the client's name in ASCII, 1 to 64 bytes;
 *                     LOGIN_RESP: one byte, 0 for yes; of the others: none
 *
 * For Netty that is `new LengthFieldBasedFrameDecoder(MAX, 4, 4, 0, 0)`.
 */

import { firstBytes } from '../first-bytes.ts';

export const FRAMED_TYPES = { DATA: 2, LOGIN_REQ: 3, LOGIN_RESP: 4, HEARTBEAT_REQ: 5, HEARTBEAT_RESP: 6 } as const;

export type FramedType = keyof typeof FRAMED_TYPES;

export const LOGIN_NAME_BYTES_MAX = 64;
/** The body of a LOGIN_RESP. */
export const LOGIN_ACCEPTED = 0;

const MARK = [0xab, 0xef, 0x01, 0x01];
/** Mark, length and type. */
const HEADER_BYTES = 9;

/** A frame, ready to be written. */
export function encodeFramed(type: FramedType, body: Uint8Array = NO_BODY): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + body.length);
  frame.set(MARK);
  new DataView(frame.buffer).setUint32(4, body.length + 1);
  frame[8] = FRAMED_TYPES[type];
  frame.set(body, HEADER_BYTES);
  return frame;
}

/** Receiver of what a decoder finds. */
export interface FramedSink {
  /** A frame without data, whole; `body` is valid during the call. When it may not come now: why. */
  message(type: Exclude<FramedType, 'DATA'>, body: Uint8Array): string | undefined;
  /**
   * Data, as it comes, at least once a frame: `remainingBytes` is 0 with the last piece. When it may not come now: why.
   */
  data(pieceBytes: number, remainingBytes: number): string | undefined;
}

/** Allowed lengths of the bodies of a type. */
const BODY_BYTES: Readonly<Record<Exclude<FramedType, 'DATA'>, readonly [min: number, max: number]>> = {
  LOGIN_REQ: [1, LOGIN_NAME_BYTES_MAX],
  LOGIN_RESP: [1, 1],
  HEARTBEAT_REQ: [0, 0],
  HEARTBEAT_RESP: [0, 0],
};

const NO_BODY = new Uint8Array(0);

/** Takes a stream apart, in any pieces. It holds no more than a header and a name. */
export class FramedDecoder {
  readonly #maxDataBytes: number;
  /** The header of the frame that has begun, and behind it the body of one without data. */
  readonly #frame = new Uint8Array(HEADER_BYTES + LOGIN_NAME_BYTES_MAX);
  #frameBytes = 0;
  #type: FramedType | undefined;
  #bodyBytes = 0;
  /** Bytes of a data frame that are still to come. */
  #remainingBytes = 0;
  #frames = 0;
  #wrong: string | undefined;

  /** `maxDataBytes`: the longest body of DATA to accept. */
  constructor(maxDataBytes: number) {
    this.#maxDataBytes = maxDataBytes;
  }

  /** Another stream begins. */
  reset(): void {
    this.#frameBytes = 0;
    this.#type = undefined;
    this.#remainingBytes = 0;
    this.#frames = 0;
    this.#wrong = undefined;
  }

  /** The peer is within a frame: its end of stream here would be a half frame. */
  get partial(): boolean {
    return this.#frameBytes > 0;
  }

  /** Decodes the first `count` of `bytes`. Returns what is wrong with the stream; then nothing more is decoded. */
  decode(bytes: Uint8Array, sink: FramedSink, count = bytes.length): string | undefined {
    const isFirst = this.#frames === 0;
    for (let at = 0; at < count && this.#wrong === undefined; ) {
      if (this.#type === 'DATA') at += this.#takeData(count - at, sink);
      else this.#takeByte(bytes[at++] ?? 0, sink);
    }
    if (this.#wrong === undefined || !isFirst || this.#frames > 0) return this.#wrong;
    // A peer whose first frame is wrong speaks another protocol, and what it said tells which.
    return `${this.#wrong}; the first bytes that came are ${firstBytes(bytes.subarray(0, count))}`;
  }

  #takeData(thereBytes: number, sink: FramedSink): number {
    const pieceBytes = Math.min(this.#remainingBytes, thereBytes);
    this.#remainingBytes -= pieceBytes;
    const remainingBytes = this.#remainingBytes;
    if (remainingBytes === 0) this.#frameIsOver();
    this.#wrong = this.#inFrame(sink.data(pieceBytes, remainingBytes));
    return pieceBytes;
  }

  #takeByte(byte: number, sink: FramedSink): void {
    const at = this.#frameBytes++;
    this.#frame[at] = byte;
    if (at < MARK.length) {
      const must = MARK[at] ?? 0;
      if (byte !== must) {
        this.#wrong = this.#inFrame(`byte ${at + 1} of the mark is 0x${hex(byte)}, must be 0x${hex(must)}`);
      }
      return;
    }
    if (at === HEADER_BYTES - 1) this.#takeHeader(sink);
    if (this.#wrong !== undefined || this.#type === undefined || this.#type === 'DATA') return;
    if (this.#frameBytes < HEADER_BYTES + this.#bodyBytes) return;
    const body = this.#frame.subarray(HEADER_BYTES, this.#frameBytes);
    const type = this.#type;
    this.#frameIsOver();
    this.#wrong = this.#inFrame(sink.message(type, body));
  }

  #takeHeader(sink: FramedSink): void {
    const header = new DataView(this.#frame.buffer);
    const [length, number] = [header.getUint32(4), header.getUint8(8)];
    const type = TYPES.find((name) => FRAMED_TYPES[name] === number);
    if (type === undefined) {
      this.#wrong = this.#inFrame(`type is ${number}, must be 2 to 6`);
      return;
    }
    const [min, max] = type === 'DATA' ? [0, this.#maxDataBytes] : BODY_BYTES[type];
    if (length < min + 1 || length > max + 1) {
      const must = min === max ? `${min + 1}` : `${min + 1} to ${max + 1}`;
      this.#wrong = this.#inFrame(`length is ${length}, must be ${must} with type ${number} (${type})`);
      return;
    }
    this.#type = type;
    this.#bodyBytes = length - 1;
    if (type !== 'DATA') return;
    this.#remainingBytes = this.#bodyBytes;
    if (this.#remainingBytes === 0) this.#takeData(0, sink);
  }

  #frameIsOver(): void {
    this.#frames++;
    this.#frameBytes = 0;
    this.#type = undefined;
  }

  #inFrame(wrong: string | undefined): string | undefined {
    return wrong && `frame ${this.#frames + (this.#frameBytes > 0 ? 1 : 0)}: ${wrong}`;
  }
}

const TYPES: readonly FramedType[] = ['DATA', 'LOGIN_REQ', 'LOGIN_RESP', 'HEARTBEAT_REQ', 'HEARTBEAT_RESP'];

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
