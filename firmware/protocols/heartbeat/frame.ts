/**
 * The wire format of the heartbeat pair: what a C program on x86 writes as `struct { int type; int length; }`.
 *
 *     int32 type     0 = HEART, 1 = OTHER      both little-endian
 *     int32 length   0 for HEART; for OTHER, how many bytes of data follow
 */

export const HEART = 0;
export const OTHER = 1;
export const HEAD_BYTES = 8;

/** A beat, ready to be written: HEART with length 0. Not to be changed. */
export const BEAT = new Uint8Array(HEAD_BYTES);

/** Writes an OTHER frame with `data` to the start of `into`; gives its length, HEAD_BYTES more than the data's. */
export function encodeOther(into: Uint8Array, data: Uint8Array): number {
  const frameBytes = HEAD_BYTES + data.length;
  if (into.length < frameBytes) throw new Error(`a frame of ${frameBytes} bytes does not fit into ${into.length}`);
  into.fill(0, 0, HEAD_BYTES);
  into[0] = OTHER;
  into[4] = data.length;
  into[5] = data.length >>> 8;
  into[6] = data.length >>> 16;
  into[7] = data.length >>> 24;
  into.set(data, HEAD_BYTES);
  return frameBytes;
}

/** Receiver of what a decoder finds. */
export interface FrameSink {
  beat(): void;
  /**
   * Data of an OTHER frame, as it comes: at least once a frame, `remainingBytes` 0 with the last piece of it.
   * `piece` is a view of what was decoded, valid during the call.
   */
  data(piece: Uint8Array, remainingBytes: number): void;
}

/** Why a peer does not speak this protocol. */
export interface BadFrame {
  readonly field: 'type' | 'length';
  readonly value: number;
  /** One sentence for a log: which frame, which field, what it is, what it must be. */
  readonly reason: string;
}

/**
 * Takes a stream apart, in whatever pieces it comes. It holds no data, so a peer that announces much and
 * sends little costs nothing; a beat allocates nothing.
 */
export class HeartbeatDecoder {
  readonly #maxDataBytes: number;
  #frames = 0;
  #headBytes = 0;
  #type = 0;
  /** The frame's length, as far as its head has come; then what is to come of its data. */
  #remainingBytes = 0;
  #bad: BadFrame | undefined;

  /** `maxDataBytes`: the largest `length` to accept. */
  constructor(maxDataBytes: number) {
    this.#maxDataBytes = maxDataBytes;
  }

  /** Another stream begins. */
  reset(): void {
    this.#frames = 0;
    this.#headBytes = 0;
    this.#type = 0;
    this.#remainingBytes = 0;
    this.#bad = undefined;
  }

  /** Number of valid frames that have arrived. */
  get frames(): number {
    return this.#frames;
  }

  /** The peer is within a frame: its end of stream here would be a half frame. */
  get partial(): boolean {
    return this.#headBytes > 0 || this.#remainingBytes > 0;
  }

  /**
   * Decodes what came next, the first `count` of `bytes`. A bad frame ends the stream: it is given from then on,
   * and nothing more is decoded.
   */
  decode(bytes: Uint8Array, sink: FrameSink, count = bytes.length): BadFrame | undefined {
    let at = 0;
    while (at < count && this.#bad === undefined) {
      // Almost all that ever comes: a whole beat.
      if (!this.partial && count - at >= HEAD_BYTES && isBeat(bytes, at)) {
        at += HEAD_BYTES;
        this.#frames++;
        sink.beat();
        continue;
      }
      if (this.#headBytes === 0 && this.#remainingBytes > 0) {
        const piece = bytes.subarray(at, Math.min(at + this.#remainingBytes, count));
        at += piece.length;
        this.#remainingBytes -= piece.length;
        sink.data(piece, this.#remainingBytes);
      } else {
        this.takeHeadByte(bytes[at++] ?? 0, sink);
      }
    }
    return this.#bad;
  }

  private takeHeadByte(byte: number, sink: FrameSink): void {
    // A shift by 24 makes the top bit the sign, as int32 has it.
    if (this.#headBytes < 4) this.#type |= byte << (this.#headBytes * 8);
    else this.#remainingBytes |= byte << ((this.#headBytes - 4) * 8);
    this.#headBytes++;
    if (this.#headBytes === 4) this.checkType();
    if (this.#headBytes < HEAD_BYTES) return;

    const type = this.#type;
    this.checkLength();
    this.#headBytes = 0;
    this.#type = 0;
    if (this.#bad !== undefined) {
      this.#remainingBytes = 0;
      return;
    }
    this.#frames++;
    if (type === HEART) sink.beat();
    else if (this.#remainingBytes === 0) sink.data(NOTHING, 0);
  }

  private checkType(): void {
    if (this.#type !== HEART && this.#type !== OTHER) {
      this.fail('type', this.#type, `${HEART} (HEART) or ${OTHER} (OTHER)`);
    }
  }

  private checkLength(): void {
    const maxBytes = this.#type === HEART ? 0 : this.#maxDataBytes;
    if (this.#remainingBytes >= 0 && this.#remainingBytes <= maxBytes) return;
    this.fail('length', this.#remainingBytes, this.#type === HEART ? '0 with type 0 (HEART)' : `0 to ${maxBytes}`);
  }

  private fail(field: BadFrame['field'], value: number, must: string): void {
    this.#bad = { field, value, reason: `frame ${this.#frames + 1}: ${field} is ${value}, must be ${must}` };
  }
}

const NOTHING = new Uint8Array(0);

/** HEART and a length of 0: nothing but zeros. */
function isBeat(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + HEAD_BYTES; i++) if (bytes[i] !== 0) return false;
  return true;
}
