/**
 * The server's side of the framed protocol: it answers logins and questions, drops a client of which it has read
 * nothing for too long, and may push data. Who says anything else before its login is dropped; who says nothing, the
 * server's limits drop.
 */

import { DEVICE_PROTOCOLS, type ProtocolSettingsOf } from '../../../firmware/index.ts';
import {
  encodeFramed, FramedDecoder, type FramedSink, type FramedType, LOGIN_ACCEPTED,
} from '../../../firmware/protocols/framed/frame.ts';
import { IdleTimers, type IdlePeriods } from '../../../firmware/tasks/idle-timers.ts';
import { atLeast, within } from '../checks.ts';
import type { Client, ClientHandler, ListedProtocol, ServiceHost } from './protocol.ts';

/** A client is dropped when the reader has been idle, and asked for a sign of life when the writer has, or all. */
export interface FramedServiceSettings extends IdlePeriods {
  /** Sends each client a frame with so many bytes of data (zeros) at this interval. Default: nothing. */
  readonly push: { readonly intervalMs: number; readonly dataBytes: number } | undefined;
}

export const FRAMED: ListedProtocol<ProtocolSettingsOf<'framed'>, FramedServiceSettings> = {
  device: DEVICE_PROTOCOLS.framed,
  server: {
    transport: 'stream',
    // Idleness is the service's own business.
    liveness: { policy: 'none' },
    defaults: { readerIdleMs: 15_000, writerIdleMs: 0, allIdleMs: 0, push: undefined },
    clientsNeverMeet: true,
    problem({ readerIdleMs, writerIdleMs, allIdleMs, push }) {
      const wrong = atLeast('readerIdleMs', readerIdleMs, 0) ?? atLeast('writerIdleMs', writerIdleMs, 0)
        ?? atLeast('allIdleMs', allIdleMs, 0);
      if (wrong !== undefined || push === undefined) return wrong;
      return atLeast('push.intervalMs', push.intervalMs, 1) ?? within('push.dataBytes', push.dataBytes, 0, 0x7fff_fffe);
    },
    serve(settings, host) {
      const { push } = settings;
      const pushed = push && encodeFramed('DATA', new Uint8Array(push.dataBytes));
      return {
        ...(push !== undefined && { turnIntervalMs: push.intervalMs }),
        open: (client) => new FramedHandler(client, host, settings, pushed),
        message: (data) => encodeFramed('DATA', data),
      };
    },
  },
  words: {
    summary: 'a login, and beats when an end was idle for --beat',
    options: {
      push: { type: 'string', value: '5s', only: 'serve', help: 'interval at which the server sends data' },
    },
    settings(said) {
      const { beatIntervalMs = 5000, missedLimit = 3, keepAlive } = said;
      const pushIntervalMs = said.durationMs('push');
      const readerIdleMs = beatIntervalMs * missedLimit;
      return {
        device: { keepAlive, writerIdleMs: beatIntervalMs, readerIdleMs },
        service: {
          readerIdleMs,
          push: pushIntervalMs === undefined ? undefined : { intervalMs: pushIntervalMs, dataBytes: 16 },
        },
      };
    },
  },
};

const ACCEPTED = encodeFramed('LOGIN_RESP', Uint8Array.of(LOGIN_ACCEPTED));
const HEARTBEAT_REQ = encodeFramed('HEARTBEAT_REQ');
const HEARTBEAT_RESP = encodeFramed('HEARTBEAT_RESP');

class FramedHandler extends FramedDecoder implements ClientHandler, FramedSink {
  readonly #client: Client;
  readonly #host: ServiceHost;
  readonly #idle: IdleTimers;
  readonly #pushed: Uint8Array | undefined;
  #isLoggedIn = false;

  constructor(client: Client, host: ServiceHost, periods: IdlePeriods, pushed: Uint8Array | undefined) {
    super(host.limits.maxDataBytes);
    this.#client = client;
    this.#host = host;
    this.#idle = new IdleTimers(periods);
    this.#pushed = pushed;
  }

  begin(): void {
    this.#idle.start(this.#host.now());
    this.#setDeadline();
  }

  turn(): 'pushed' | undefined {
    if (this.#pushed === undefined || !this.#isLoggedIn) return undefined;
    this.#send(this.#pushed);
    return 'pushed';
  }

  received(bytes: Uint8Array, count: number): string | undefined {
    this.#idle.read(this.#host.now());
    const wrong = this.decode(bytes, this, count);
    this.#setDeadline();
    return wrong;
  }

  due(): void {
    const nowMs = this.#host.now();
    for (let idle = this.#idle.take(nowMs); idle !== undefined; idle = this.#idle.take(nowMs)) {
      if (idle === 'reader') return this.#client.dropSilent();
      this.#send(HEARTBEAT_REQ);
    }
    this.#setDeadline();
  }

  message(type: Exclude<FramedType, 'DATA'>): string | undefined {
    if (type === 'LOGIN_RESP') return 'an answer to a login from a client';
    if (type === 'LOGIN_REQ' && this.#isLoggedIn) return 'a second login';
    if (type !== 'LOGIN_REQ' && !this.#isLoggedIn) return `${type} before the login`;
    this.#isLoggedIn = true;
    this.#client.frame(type !== 'HEARTBEAT_RESP');
    if (type === 'LOGIN_REQ') this.#send(ACCEPTED);
    else if (type === 'HEARTBEAT_REQ') this.#send(HEARTBEAT_RESP);
    return undefined;
  }

  data(pieceBytes: number, remainingBytes: number): string | undefined {
    if (!this.#isLoggedIn) return 'DATA before the login';
    this.#client.data(pieceBytes);
    if (remainingBytes === 0) this.#client.frame(false);
    return undefined;
  }

  #send(frame: Uint8Array): void {
    this.#client.send(frame);
    this.#idle.wrote(this.#host.now());
  }

  #setDeadline(): void {
    this.#client.setDeadline(this.#idle.nextMs());
  }
}
