/**
 * The server's side of Dubbo: it answers beats and calls of `$echo`, and drops a client when nothing was read from it
 * and nothing written to it for three beats, as the IdleStateHandler of Dubbo's NettyServer does.
 */

import { DEVICE_PROTOCOLS, type ProtocolSettingsOf } from '../../../firmware/index.ts';
import {
  DUBBO_STATUS, DubboDecoder, type DubboMessage, type DubboSink, encodeDubbo, HESSIAN_2,
} from '../../../firmware/protocols/dubbo/frame.ts';
import { decodeCall, encodeEchoResult, encodeErrorText } from '../../../firmware/protocols/dubbo/invocation.ts';
import { IdleTimers } from '../../../firmware/tasks/idle-timers.ts';
import { atLeast } from '../checks.ts';
import type { Client, ClientHandler, ListedProtocol, ServiceHost } from './protocol.ts';

export interface DubboServiceSettings {
  /** A client is dropped if nothing was read or written for this time; 0: never. Default 180000. */
  readonly allIdleMs: number;
  /** Working times of calls, used one after the other, again and again, so that answers may come out of order. */
  readonly workMs: readonly number[];
}

export const DUBBO: ListedProtocol<ProtocolSettingsOf<'dubbo'>, DubboServiceSettings> = {
  device: DEVICE_PROTOCOLS.dubbo,
  server: {
    transport: 'stream',
    // Idleness is the service's own business.
    liveness: { policy: 'none' },
    // A client that has connected again is silent until the next call or beat.
    limits: { firstFrameMs: 0 },
    defaults: { allIdleMs: 180_000, workMs: [0] },
    problem({ allIdleMs, workMs }) {
      return atLeast('allIdleMs', allIdleMs, 0) ?? atLeast('workMs.length', workMs.length, 1)
        ?? workMs.map((ms, i) => atLeast(`workMs[${i}]`, ms, 0)).find((wrong) => wrong !== undefined);
    },
    serve(settings, host) {
      return { open: (client) => new DubboHandler(client, host, settings) };
    },
  },
  words: {
    summary: 'calls over a connection that the first call opens, and beats when nothing was read for --beat',
    options: {
      call: { type: 'string', value: '5m', only: 'run', help: 'interval of a device\'s calls' },
      'call-timeout': { type: 'string', value: '1s', only: 'run', help: 'timeout of a call' },
      service: { type: 'string', value: 'NAME', only: 'run', help: 'name of the service whose $echo is called' },
    },
    settings(said) {
      const { beatIntervalMs = 60_000, missedLimit = 3, keepAlive } = said;
      return {
        device: {
          keepAlive, beatIntervalMs, missedLimit, callIntervalMs: said.durationMs('call'),
          callTimeoutMs: said.durationMs('call-timeout'), service: said.text('service'),
        },
        service: { allIdleMs: beatIntervalMs * missedLimit },
      };
    },
  },
};

interface Answer {
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

class DubboHandler extends DubboDecoder implements ClientHandler, DubboSink {
  readonly #client: Client;
  readonly #host: ServiceHost;
  readonly #idle: IdleTimers;
  readonly #workMs: readonly number[];
  #calls = 0;
  /** Calls in progress, in the order in which they will be answered. */
  #answers: Answer[] = [];

  constructor(client: Client, host: ServiceHost, { allIdleMs, workMs }: DubboServiceSettings) {
    super(host.limits.maxDataBytes);
    this.#client = client;
    this.#host = host;
    this.#idle = new IdleTimers({ readerIdleMs: 0, writerIdleMs: 0, allIdleMs });
    this.#workMs = workMs;
  }

  begin(): void {
    this.#idle.start(this.#host.now());
    this.#setDeadline();
  }

  received(bytes: Uint8Array, count: number): string | undefined {
    this.#idle.read(this.#host.now());
    const wrong = this.decode(bytes, this, count);
    this.#setDeadline();
    return wrong;
  }

  due(): void {
    const nowMs = this.#host.now();
    const later = this.#answers.findIndex(({ atMs }) => atMs > nowMs);
    for (const { bytes } of this.#answers.splice(0, later < 0 ? Infinity : later)) this.#send(bytes);
    if (this.#idle.take(nowMs) !== undefined) this.#client.dropSilent();
    else this.#setDeadline();
  }

  message(message: DubboMessage, body: Uint8Array): undefined {
    this.#client.frame(message.kind === 'request');
    if (message.kind !== 'request' || !message.wantsResponse) return;
    const { id, isEvent, serialization } = message;
    // null is the same bytes in the answer.
    if (isEvent) this.#send(encodeDubbo({ ...response(id, DUBBO_STATUS.OK), isEvent, serialization }, body));
    else this.#work(answerTo(id, serialization, body));
  }

  #work(bytes: Uint8Array): void {
    const workMs = this.#workMs[this.#calls++ % this.#workMs.length] ?? 0;
    if (workMs === 0) return this.#send(bytes);
    const atMs = this.#host.now() + workMs;
    const later = this.#answers.findIndex((other) => other.atMs > atMs);
    this.#answers.splice(later < 0 ? this.#answers.length : later, 0, { atMs, bytes });
  }

  #send(frame: Uint8Array): void {
    this.#client.send(frame);
    this.#idle.wrote(this.#host.now());
  }

  #setDeadline(): void {
    this.#client.setDeadline(Math.min(this.#idle.nextMs(), this.#answers[0]?.atMs ?? Infinity));
  }
}

function answerTo(id: bigint, serialization: number, body: Uint8Array): Uint8Array {
  if (serialization !== HESSIAN_2) {
    const why = `serialization ${serialization} is not spoken here, only ${HESSIAN_2} (Hessian 2)`;
    return encodeDubbo(response(id, DUBBO_STATUS.BAD_REQUEST), encodeErrorText(why));
  }
  const call = decodeCall(body);
  if (call === undefined) {
    return encodeDubbo(response(id, DUBBO_STATUS.BAD_REQUEST), encodeErrorText('that is no call in Hessian 2'));
  }
  if (call.argument === undefined) {
    const why = 'only $echo of a string is answered here';
    return encodeDubbo(response(id, DUBBO_STATUS.SERVICE_ERROR), encodeErrorText(why));
  }
  return encodeDubbo(response(id, DUBBO_STATUS.OK), encodeEchoResult(call.argument));
}

function response(id: bigint, status: number): DubboMessage & { readonly kind: 'response' } {
  return { kind: 'response', id, status, isEvent: false, serialization: HESSIAN_2 };
}
