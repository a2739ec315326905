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
  /** The largest `length` to accept. */
  readonly maxDataBytes: number;
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

/** A frame of which only a part has come. */
interface PartialFrame {
  headBytes: number;
  type: number;
  /** The frame's length, as far as its head has come; then what is to come of its data. */
  remainingBytes: number;
}

/**
 * Takes a stream apart, in any pieces. It holds no data, so a peer that announces much and
 * sends little costs nothing; a beat allocates nothing.
 */
export class HeartbeatDecoder {
  #frames = 0;
  #partial: PartialFrame | undefined = undefined;
  #bad: BadFrame | undefined = undefined;

  /** Another stream begins. */
  reset(): void {
    this.#frames = 0;
    this.#partial = undefined;
    this.#bad = undefined;
  }

  /** Number of valid frames that have arrived. */
  get frames(): number {
    return this.#frames;
  }

  /** The peer is within a frame: its end of stream here would be a half frame. */
  get partial(): boolean {
    return this.#partial !== undefined;
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
      const frame = (this.#partial ??= { headBytes: 0, type: 0, remainingBytes: 0 });
      if (frame.headBytes === HEAD_BYTES) {
        const piece = bytes.subarray(at, Math.min(at + frame.remainingBytes, count));
        at += piece.length;
        frame.remainingBytes -= piece.length;
        if (frame.remainingBytes === 0) this.#partial = undefined;
        sink.data(piece, frame.remainingBytes);
      } else {
        this.takeHeadByte(frame, bytes[at++] ?? 0, sink);
      }
    }
    return this.#bad;
  }

  private takeHeadByte(frame: PartialFrame, byte: number, sink: FrameSink): void {
    // A shift by 24 makes the top bit the sign, as int32 has it.
    if (frame.headBytes < 4) frame.type |= byte << (frame.headBytes * 8);
    else frame.remainingBytes |= byte << ((frame.headBytes - 4) * 8);
    frame.headBytes++;
    if (frame.headBytes === 4) this.checkType(frame);
    if (frame.headBytes < HEAD_BYTES) return;

    this.checkLength(frame, sink);
    if (this.#bad !== undefined || frame.remainingBytes === 0) this.#partial = undefined;
    if (this.#bad !== undefined) return;
    this.#frames++;
    if (frame.type === HEART) sink.beat();
    else if (frame.remainingBytes === 0) sink.data(NOTHING, 0);
  }

  private checkType({ type }: PartialFrame): void {
    if (type !== HEART && type !== OTHER) this.fail('type', type, `${HEART} (HEART) or ${OTHER} (OTHER)`);
  }

  private checkLength({ type, remainingBytes }: PartialFrame, { maxDataBytes }: FrameSink): void {
    const maxBytes = type === HEART ? 0 : maxDataBytes;
    if (remainingBytes >= 0 && remainingBytes <= maxBytes) return;
    this.fail('length', remainingBytes, type === HEART ? '0 with type 0 (HEART)' : `0 to ${maxBytes}`);
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
