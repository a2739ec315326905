/**
 * The server's side of echo: it sends a line of text, and the client sends it back in upper case, one line at a time. A
 * right answer counts as a beat; anything else is a bad frame. A line that is not answered when the next is due is
 * told, and no other is sent until it is: the dead are left to TCP keepalive and to the server's liveness.
 */

import { DEVICE_PROTOCOLS, type ProtocolSettingsOf } from '../../../firmware/index.ts';
import { atLeast } from '../checks.ts';
import type { Client, ClientHandler, ListedProtocol } from './protocol.ts';

export interface EchoServiceSettings {
  /** A line comes as soon as a client is there, and then at this interval. Default 3000. */
  readonly lineIntervalMs: number;
}

export const ECHO: ListedProtocol<ProtocolSettingsOf<'echo'>, EchoServiceSettings> = {
  device: DEVICE_PROTOCOLS.echo,
  server: {
    transport: 'stream',
    liveness: { policy: 'missed-beats', scanIntervalMs: 3000, missedLimit: 5 },
    defaults: { lineIntervalMs: 3000 },
    clientsNeverMeet: true,
    problem: ({ lineIntervalMs }) => atLeast('lineIntervalMs', lineIntervalMs, 1),
    serve: ({ lineIntervalMs }) => ({ turnIntervalMs: lineIntervalMs, open: (client) => new EchoHandler(client) }),
  },
  words: {
    summary: 'text returned in upper case, a line every --beat',
    settings({ beatIntervalMs, missedLimit, keepAlive }) {
      return {
        device: { keepAlive },
        service: { lineIntervalMs: beatIntervalMs },
        liveness: { policy: 'missed-beats', scanIntervalMs: beatIntervalMs ?? 3000, missedLimit: missedLimit ?? 5 },
      };
    },
  },
};

const LINE = new TextEncoder().encode('are you there?\n');
const ANSWER = new TextEncoder().encode('ARE YOU THERE?\n');

class EchoHandler implements ClientHandler {
  readonly #client: Client;
  /** Bytes of the answer that have arrived; if all, no line is open. */
  #answeredBytes = ANSWER.length;
  #toldUnanswered = false;

  constructor(client: Client) {
    this.#client = client;
  }

  get partial(): boolean {
    return this.#answeredBytes < ANSWER.length;
  }

  begin(): void {
    this.#answeredBytes = 0;
    this.#toldUnanswered = false;
    this.#client.send(LINE);
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
    if (!this.partial) this.#client.frame(true);
    return undefined;
  }
}

function byteText(byte: number): string {
  const hex = `0x${byte.toString(16).padStart(2, '0')}`;
  return byte > 0x20 && byte < 0x7f ? `${hex} '${String.fromCharCode(byte)}'` : hex;
}
