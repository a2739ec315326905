/** What is said on a connection. What sets one protocol apart from another is here and in its settings, nowhere else. */

import { BEAT, encodeOther, HEAD_BYTES, HeartbeatDecoder, type FrameSink } from '../../firmware/protocol/heartbeat-frame.ts';
import type { ServerSettings } from './settings.ts';

/** What a conversation finds and wants; the connection does it. */
export interface Partner {
  /** A valid frame came, a beat or not. */
  frame(isBeat: boolean): void;
  /** Data came. */
  data(bytes: number): void;
  /** Sends `bytes`, which are not to be changed any more. */
  send(bytes: Uint8Array): void;
}

/** What the conversations of one server have in common. */
export interface Conversations {
  /** How often each has a turn; Infinity: never. */
  readonly turnIntervalMs: number;
  /** A new one, over a connection that does not stand yet. */
  open(partner: Partner): Conversation;
  /** `data` as one frame, for any client. Throws where the protocol has no such thing. */
  dataFrame(data: Uint8Array): Uint8Array;
}

export interface Conversation {
  /** The client is on line: the server may speak. */
  begin(): void;
  /** It is the server's turn to speak. `pushed`: it sent data; `unanswered`: the first time that it waits in vain. */
  turn(): 'pushed' | 'unanswered' | undefined;
  /** Takes the first `count` of `bytes`. When that is not what was agreed: why. */
  received(bytes: Uint8Array, count: number): string | undefined;
  /** A frame has begun and not ended. */
  readonly partial: boolean;
}

export function conversations({ protocol, limits }: ServerSettings): Conversations {
  switch (protocol.kind) {
    case 'heartbeat': {
      const { answerBeats, push } = protocol;
      const pushed = push === undefined ? undefined : dataFrame(new Uint8Array(push.dataBytes));
      const terms: HeartbeatTerms = { answers: answerBeats, pushed };
      return {
        turnIntervalMs: push?.intervalMs ?? Infinity,
        open: (partner) => new HeartbeatConversation(partner, limits.maxDataBytes, terms),
        dataFrame,
      };
    }
    case 'echo':
      return {
        turnIntervalMs: protocol.lineIntervalMs,
        open: (partner) => new EchoConversation(partner),
        dataFrame() { throw new Error('an echo conversation has no frames to push data in'); },
      };
  }
}

function dataFrame(data: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEAD_BYTES + data.length);
  encodeOther(frame, data);
  return frame;
}

/** What all conversations of a server have in common. */
interface HeartbeatTerms {
  readonly answers: boolean;
  readonly pushed: Uint8Array | undefined;
}

/** S2, with or without the server's answer to each beat, and with or without data that it pushes. */
class HeartbeatConversation extends HeartbeatDecoder implements Conversation, FrameSink {
  readonly #partner: Partner;
  readonly #terms: HeartbeatTerms;

  constructor(partner: Partner, maxDataBytes: number, terms: HeartbeatTerms) {
    super(maxDataBytes);
    this.#partner = partner;
    this.#terms = terms;
  }

  begin(): void { /* the client speaks first */ }

  turn(): 'pushed' | undefined {
    const { pushed } = this.#terms;
    if (pushed === undefined) return undefined;
    this.#partner.send(pushed);
    return 'pushed';
  }

  received(bytes: Uint8Array, count: number): string | undefined {
    return this.decode(bytes, this, count)?.reason;
  }

  beat(): void {
    this.#partner.frame(true);
    if (this.#terms.answers) this.#partner.send(BEAT);
  }

  data(piece: Uint8Array, remainingBytes: number): void {
    this.#partner.data(piece.length);
    if (remainingBytes === 0) this.#partner.frame(false);
  }
}

const LINE = new TextEncoder().encode('are you there?\n');
const ANSWER = new TextEncoder().encode('ARE YOU THERE?\n');

/** S1: the server sends a line of text, the client sends it back in upper case. One line at a time. */
class EchoConversation implements Conversation {
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

  begin(): void {
    this.#answeredBytes = 0;
    this.#toldUnanswered = false;
    this.#partner.send(LINE);
  }

  turn(): 'unanswered' | undefined {
    if (!this.partial) {
      this.begin();
      return undefined;
    }
    if (this.#toldUnanswered) return undefined;
    this.#toldUnanswered = true;
    return 'unanswered';
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
