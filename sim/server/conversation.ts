/** What is said on a connection: the two protocols that the server speaks. */

import { BEAT, HeartbeatDecoder, type FrameSink } from '../../firmware/protocol/heartbeat-frame.ts';

/** What a conversation finds and wants; the connection does it. */
export interface Partner {
  /** A valid frame came, a beat or not. */
  frame(isBeat: boolean): void;
  /** Data came. */
  data(bytes: number): void;
  /** Sends `bytes`, which are not to be changed any more. */
  send(bytes: Uint8Array): void;
}

export interface Conversation {
  /** Takes the first `count` of `bytes`. When that is not what was agreed: why. */
  received(bytes: Uint8Array, count: number): string | undefined;
  /** A frame has begun and not ended. */
  readonly partial: boolean;
}

/** S2, with or without the server's answer to each beat. */
export class HeartbeatConversation implements Conversation, FrameSink {
  readonly #decoder: HeartbeatDecoder;
  readonly #answers: boolean;
  readonly #partner: Partner;

  constructor(partner: Partner, maxDataBytes: number, answers: boolean) {
    this.#partner = partner;
    this.#decoder = new HeartbeatDecoder(maxDataBytes);
    this.#answers = answers;
  }

  get partial(): boolean {
    return this.#decoder.partial;
  }

  received(bytes: Uint8Array, count: number): string | undefined {
    return this.#decoder.decode(bytes, this, count)?.reason;
  }

  beat(): void {
    this.#partner.frame(true);
    if (this.#answers) this.#partner.send(BEAT);
  }

  data(piece: Uint8Array, remainingBytes: number): void {
    this.#partner.data(piece.length);
    if (remainingBytes === 0) this.#partner.frame(false);
  }
}

const LINE = new TextEncoder().encode('are you there?\n');
const ANSWER = new TextEncoder().encode('ARE YOU THERE?\n');

/** S1: the server sends a line of text, the client sends it back in upper case. One line at a time. */
export class EchoConversation implements Conversation {
  readonly #partner: Partner;
  /** How much of the answer has come; all of it: no line is open. */
  #answeredBytes = ANSWER.length;
  #toldUnanswered = false;

  constructor(partner: Partner) {
    this.#partner = partner;
  }

  get partial(): boolean {
    return this.#answeredBytes < ANSWER.length;
  }

  /** Time for the next line. It is sent when the last was answered; the first time that it was not, gives true. */
  turn(): boolean {
    if (!this.partial) {
      this.#answeredBytes = 0;
      this.#toldUnanswered = false;
      this.#partner.send(LINE);
      return false;
    }
    const news = !this.#toldUnanswered;
    this.#toldUnanswered = true;
    return news;
  }

  received(bytes: Uint8Array, count: number): string | undefined {
    for (let i = 0; i < count; i++) {
      if (!this.partial) return 'text came that no line asked for';
      const byte = bytes[i] ?? 0;
      const expected = ANSWER[this.#answeredBytes] ?? 0;
      if (byte !== expected) {
        return `byte ${this.#answeredBytes + 1} of the answer is ${byteText(byte)}, must be ${byteText(expected)}`;
      }
      this.#answeredBytes++;
    }
    if (!this.partial) this.#partner.frame(true);
    return undefined;
  }
}

function byteText(byte: number): string {
  const hex = `0x${byte.toString(16).padStart(2, '0')}`;
  return byte > 0x20 && byte < 0x7f ? `${hex} '${String.fromCharCode(byte)}'` : hex;
}
