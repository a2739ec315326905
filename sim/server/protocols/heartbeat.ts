/**
 * The server's side of the heartbeat protocol: with or without an answer to each beat, with or without data that it
 * pushes.
 */

import {
  BEAT, DEVICE_PROTOCOLS, encodeOther, type FrameSink, HEAD_BYTES, HeartbeatDecoder, type ProtocolSettingsOf,
} from '../../../firmware/index.ts';
import { atLeast, within } from '../checks.ts';
import { ADAPTIVE_OPTION, saidAdaptive } from '../adaptive-option.ts';
import type { Client, ClientHandler, ListedProtocol } from './protocol.ts';

export interface HeartbeatServiceSettings {
  /** Sends each beat back, so that the client learns of a dead server as well. Default true. */
  readonly answerBeats: boolean;
  /** Sends each client a frame with so many bytes of data (zeros) at this interval. Default: nothing. */
  readonly push: { readonly intervalMs: number; readonly dataBytes: number } | undefined;
}

export const HEARTBEAT: ListedProtocol<ProtocolSettingsOf<'heartbeat'>, HeartbeatServiceSettings> = {
  device: DEVICE_PROTOCOLS.heartbeat,
  server: {
    transport: 'stream',
    liveness: { policy: 'missed-beats', scanIntervalMs: 3000, missedLimit: 5 },
    defaults: { answerBeats: true, push: undefined },
    clientsNeverMeet: true,
    problem({ push }) {
      if (push === undefined) return undefined;
      return atLeast('push.intervalMs', push.intervalMs, 1) ?? within('push.dataBytes', push.dataBytes, 0, 0x7fffffff);
    },
    serve({ answerBeats, push }, { limits: { maxDataBytes } }) {
      const terms = { maxDataBytes, answers: answerBeats, pushed: push && message(new Uint8Array(push.dataBytes)) };
      return {
        ...(push !== undefined && { turnIntervalMs: push.intervalMs }),
        open: (client) => new HeartbeatHandler(client, terms),
        message,
      };
    },
  },
  words: {
    summary: 'beats in frames of 8 bytes',
    options: {
      answers: { type: 'boolean', default: true, help: 'expect no answers to beats' },
      adaptive: ADAPTIVE_OPTION,
      push: { type: 'string', value: '5s', only: 'serve', help: 'interval at which the server sends data' },
    },
    settings(said) {
      const { beatIntervalMs, missedLimit, keepAlive } = said;
      const adaptive = saidAdaptive(said, beatIntervalMs);
      const [answers, pushIntervalMs] = [said.flag('answers'), said.durationMs('push')];
      return {
        device: { keepAlive, beatIntervalMs, adaptive, missedLimit, expectAnswers: answers },
        service: {
          answerBeats: answers,
          push: pushIntervalMs === undefined ? undefined : { intervalMs: pushIntervalMs, dataBytes: 16 },
        },
        // The rule of MQTT brokers for keep alive, because the server does not know which period a client has settled
        // on.
        liveness: adaptive === undefined
          ? { policy: 'missed-beats', scanIntervalMs: beatIntervalMs ?? 3000, missedLimit: missedLimit ?? 5 }
          : { policy: 'idle', checkIntervalMs: 1000, idleMs: 1.5 * adaptive.maxMs },
        // If the server does not answer, the beats that it receives show that a device is served.
        beatEvents: !answers,
      };
    },
  },
};

function message(data: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEAD_BYTES + data.length);
  encodeOther(frame, data);
  return frame;
}

/** Settings that all clients of a server share. */
interface Terms {
  readonly maxDataBytes: number;
  readonly answers: boolean;
  readonly pushed: Uint8Array | undefined;
}

class HeartbeatHandler extends HeartbeatDecoder implements ClientHandler, FrameSink {
  readonly #client: Client;
  readonly #terms: Terms;

  constructor(client: Client, terms: Terms) {
    super();
    this.#client = client;
    this.#terms = terms;
  }

  get maxDataBytes(): number {
    return this.#terms.maxDataBytes;
  }

  turn(): 'pushed' | undefined {
    const { pushed } = this.#terms;
    if (pushed === undefined) return undefined;
    this.#client.send(pushed);
    return 'pushed';
  }

  received(bytes: Uint8Array, count: number): string | undefined {
    return this.decode(bytes, this, count)?.reason;
  }

  beat(): void {
    this.#client.frame(true);
    if (this.#terms.answers) this.#client.send(BEAT);
  }

  data(piece: Uint8Array, remainingBytes: number): void {
    this.#client.data(piece.length);
    if (remainingBytes === 0) this.#client.frame(false);
  }
}
