/**
 * The client of the framed protocol: it logs in, asks for a sign of life whenever it has written nothing for a while,
 * and gives the server up when it has read nothing for too long.
 */

import { errnoOf, failure } from '../../../hal/errno.ts';
import type { Hal } from '../../../hal/hal.ts';
import type { EventListener } from '../../events.ts';
import { READABLE, WRITABLE } from '../../net/select.ts';
import type { Socket } from '../../net/socket.ts';
import type { Kernel } from '../../rtos/kernel.ts';
import type { Task } from '../../rtos/task.ts';
import { type ConnectionConfig, type Dialogue, keepConnected, type SessionEnd } from '../../tasks/connection.ts';
import {
  encodeFramed, FramedDecoder, type FramedSink, type FramedType, LOGIN_ACCEPTED, LOGIN_NAME_BYTES_MAX,
} from './frame.ts';
import { FrameQueue } from '../../tasks/frame-queue.ts';
import { IdleTimers, type IdlePeriods } from '../../tasks/idle-timers.ts';

export interface FramedConfig extends ConnectionConfig, IdlePeriods {
  /** Name with which the device logs in; '': the name of its system. */
  readonly loginName: string;
  /** Longest wait for the answer to the login. */
  readonly loginTimeoutMs: number;
  /** A frame of `dataBytes` of data so often; 0: none. */
  readonly dataIntervalMs: number;
  readonly dataBytes: number;
  /** The longest data to accept in a frame. */
  readonly maxDataBytes: number;
}

const EAGAIN = failure('EAGAIN');

/** Receive buffer of all clients: its content is decoded before the task blocks. */
const RECEIVED = new Uint8Array(1024);

export function framedTask(os: Kernel, hal: Hal, config: FramedConfig, onEvent: EventListener | undefined): Task {
  return keepConnected(os, hal, config, new FramedClient(os, hal, config, onEvent), onEvent);
}

interface Outgoing {
  readonly type: FramedType;
  readonly bytes: Uint8Array;
}

class FramedClient implements Dialogue, FramedSink {
  readonly #os: Kernel;
  readonly #hal: Hal;
  readonly #config: FramedConfig;
  readonly #tell: EventListener | undefined;
  readonly #decoder: FramedDecoder;
  readonly #idle: IdleTimers;
  readonly #login: Uint8Array;
  readonly #data: Uint8Array;
  #isLoggedIn = false;
  #loginByMs = 0;
  #nextDataMs = 0;
  readonly #outgoing = new FrameQueue<Outgoing>();
  /** Questions since the last answer, and when the first of them was sent. */
  #unanswered = 0;
  #unansweredSinceMs = 0;
  /** Bytes of the current data frame that have arrived. */
  #receivedBytes = 0;
  #end: SessionEnd | undefined;

  constructor(os: Kernel, hal: Hal, config: FramedConfig, tell: EventListener | undefined) {
    this.#os = os;
    this.#hal = hal;
    this.#config = config;
    this.#tell = tell;
    this.#decoder = new FramedDecoder(config.maxDataBytes);
    this.#idle = new IdleTimers(config);
    this.#login = encodeFramed('LOGIN_REQ', nameBytes(config.loginName || hal.system.deviceId));
    this.#data = encodeFramed('DATA', new Uint8Array(config.dataBytes));
  }

  begin(): void {
    const nowMs = this.#hal.clock.now();
    this.#decoder.reset();
    this.#idle.start(nowMs);
    this.#isLoggedIn = false;
    this.#loginByMs = nowMs + this.#config.loginTimeoutMs;
    this.#outgoing.clear();
    this.#unanswered = 0;
    this.#receivedBytes = 0;
    this.#end = undefined;
    this.#queue('LOGIN_REQ', this.#login);
  }

  turn(socket: Socket): SessionEnd | undefined {
    const nowMs = this.#hal.clock.now();
    return this.#receive(socket, nowMs) ?? this.#due(nowMs) ?? this.#send(socket, nowMs);
  }

  get waitsFor(): number {
    return this.#outgoing.isEmpty ? READABLE : READABLE | WRITABLE;
  }

  waitTicks(): number {
    const ofLogin = this.#isLoggedIn ? Infinity : this.#loginByMs;
    const ofData = this.#isLoggedIn && this.#config.dataIntervalMs > 0 ? this.#nextDataMs : Infinity;
    const untilMs = Math.min(this.#idle.nextMs(), ofLogin, ofData) - this.#hal.clock.now();
    return this.#os.msToTicks(Math.min(Math.max(Math.ceil(untilMs), 1), WAIT_MS_MAX));
  }

  // ---- what comes ----

  message(type: Exclude<FramedType, 'DATA'>, body: Uint8Array): string | undefined {
    switch (type) {
      case 'LOGIN_RESP':
        if (this.#isLoggedIn) return 'a second answer to the login';
        if (body[0] === LOGIN_ACCEPTED) this.#loggedIn();
        else this.#end = { by: 'refused', detail: `the login was refused with ${body[0] ?? 0}` };
        return undefined;
      case 'HEARTBEAT_REQ':
        this.#queue('HEARTBEAT_RESP', HEARTBEAT_RESP);
        return undefined;
      case 'HEARTBEAT_RESP':
        this.#answered();
        return undefined;
      case 'LOGIN_REQ':
        return 'a login from a server';
    }
  }

  data(pieceBytes: number, remainingBytes: number): undefined {
    this.#receivedBytes += pieceBytes;
    if (remainingBytes > 0) return;
    this.#tell?.({ kind: 'data-received', bytes: this.#receivedBytes });
    this.#receivedBytes = 0;
  }

  #loggedIn(): void {
    const nowMs = this.#hal.clock.now();
    this.#isLoggedIn = true;
    this.#nextDataMs = nowMs + this.#config.dataIntervalMs;
    this.#tell?.({ kind: 'served', afterMs: nowMs - (this.#loginByMs - this.#config.loginTimeoutMs) });
  }

  #answered(): void {
    if (this.#unanswered > 0) {
      this.#tell?.({ kind: 'served', afterMs: this.#hal.clock.now() - this.#unansweredSinceMs });
    }
    this.#unanswered = 0;
  }

  #receive(socket: Socket, nowMs: number): SessionEnd | undefined {
    const count = socket.tryRead(RECEIVED);
    if (count === EAGAIN) return undefined;
    if (count === 0) return { by: 'closed' };
    if (count < 0) return { by: errnoOf(count) };
    this.#idle.read(nowMs);
    const wrong = this.#decoder.decode(RECEIVED, this, count);
    return wrong === undefined ? this.#end : { by: 'bad-frame', detail: wrong };
  }

  // ---- what is due ----

  #due(nowMs: number): SessionEnd | undefined {
    const { dataIntervalMs, loginTimeoutMs, readerIdleMs } = this.#config;
    if (!this.#isLoggedIn && nowMs >= this.#loginByMs) {
      return { by: 'no-answer', detail: `the login was not answered within ${loginTimeoutMs} ms` };
    }
    for (let idle = this.#idle.take(nowMs); idle !== undefined; idle = this.#idle.take(nowMs)) {
      if (idle === 'reader') return { by: 'missed-beats', detail: `nothing came for ${readerIdleMs} ms` };
      // A frame that already waits to be sent is as good a sign of life as a question.
      if (this.#isLoggedIn && this.#outgoing.isEmpty) this.#ask();
    }
    if (this.#isLoggedIn && dataIntervalMs > 0 && nowMs >= this.#nextDataMs) {
      this.#nextDataMs = Math.max(this.#nextDataMs + dataIntervalMs, nowMs);
      if (this.#outgoing.isEmpty) this.#queue('DATA', this.#data);
    }
    return this.#outgoing.overflow();
  }

  #ask(): void {
    if (this.#unanswered > 0) this.#tell?.({ kind: 'beat-missed', missed: this.#unanswered });
    this.#queue('HEARTBEAT_REQ', HEARTBEAT_REQ);
  }

  // ---- what goes ----

  #queue(type: FramedType, bytes: Uint8Array): void {
    this.#outgoing.push({ type, bytes });
  }

  #send(socket: Socket, nowMs: number): SessionEnd | undefined {
    return this.#outgoing.send(socket, ({ type }) => this.#sent(type, nowMs));
  }

  #sent(type: FramedType, nowMs: number): void {
    this.#idle.wrote(nowMs);
    if (type === 'DATA') this.#tell?.({ kind: 'data-sent', bytes: this.#config.dataBytes });
    if (type !== 'HEARTBEAT_REQ') return;
    if (this.#unanswered === 0) this.#unansweredSinceMs = nowMs;
    this.#unanswered++;
    this.#tell?.({ kind: 'beat-sent' });
  }
}

const HEARTBEAT_REQ = encodeFramed('HEARTBEAT_REQ');
const HEARTBEAT_RESP = encodeFramed('HEARTBEAT_RESP');

/** Longer than this nobody need wait: a turn for nothing is harmless. */
const WAIT_MS_MAX = 60_000;

/** Returns the name in ASCII, with a question mark for any other character. */
function nameBytes(name: string): Uint8Array {
  return Uint8Array.from(name.slice(0, LOGIN_NAME_BYTES_MAX), (letter) => {
    const code = letter.charCodeAt(0);
    return code >= 0x20 && code < 0x7f ? code : 0x3f;
  });
}
