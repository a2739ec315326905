/**
 * Calls over lazy connections, as Dubbo's clients make them (LazyConnectExchangeClient, HeaderExchangeClient): there is
 * one connection for each peer, and the first call opens it. All tasks share it; the numbers of requests tell whose
 * response it is (DefaultFuture). A connection over which nothing came for a beat asks for a sign of life, and again
 * each beat (NettyClientHandler). When nothing came for `missedLimit` beats, it is given up and opened again: at once,
 * while Dubbo looks once in a third of that time, and no more than once a minute (ReconnectTimerTask).
 */

import { errnoOf, failure, type Errno } from '../../../hal/errno.ts';
import type { Hal } from '../../../hal/hal.ts';
import type { EventListener, LossReason } from '../../events.ts';
import { READABLE, WRITABLE } from '../../net/select.ts';
import type { Socket } from '../../net/socket.ts';
import type { Kernel } from '../../rtos/kernel.ts';
import { Semaphore } from '../../rtos/semaphore.ts';
import {
  type ConnectionConfig, type Dialogue, keepConnected, type Server, serverName, type SessionEnd,
} from '../../tasks/connection.ts';
import { FrameQueue } from '../../tasks/frame-queue.ts';
import { IdleTimers } from '../../tasks/idle-timers.ts';
import { DUBBO_STATUS, DubboDecoder, type DubboMessage, type DubboSink, encodeDubbo, HESSIAN_2 } from './frame.ts';
import { encodeErrorText, HESSIAN_NULL } from './invocation.ts';

export interface LazyConfig extends ConnectionConfig {
  readonly beatIntervalMs: number;
  /** Number of beats without a received byte after which the connection is given up. */
  readonly missedLimit: number;
  /** The longest body to accept. */
  readonly maxBodyBytes: number;
}

/** Outcome of a call. */
export type CallOutcome =
  | { readonly kind: 'answered'; readonly body: Uint8Array }
  /** The peer answered with a status that is not OK. */
  | { readonly kind: 'refused'; readonly status: number }
  /** Nobody knows whether the peer has done it. */
  | { readonly kind: 'failed'; readonly by: 'timeout' | LossReason };

/** Above the tasks that call, so that an answer is there before the next call. */
const PRIORITY = 3;

/** Longer than this nobody need wait: a turn for nothing is harmless. */
const WAIT_MS_MAX = 60_000;

const EAGAIN = failure('EAGAIN');

/** Receive buffer of all connections: its content is decoded before the task blocks. */
const RECEIVED = new Uint8Array(1024);

/** One connection for each peer that is called. */
export class LazyClient {
  readonly #os: Kernel;
  readonly #hal: Hal;
  readonly #config: Omit<LazyConfig, 'servers'>;
  readonly #tell: EventListener | undefined;
  readonly #connections = new Map<string, LazyConnection>();

  constructor(os: Kernel, hal: Hal, config: Omit<LazyConfig, 'servers'>, tell: EventListener | undefined) {
    this.#os = os;
    this.#hal = hal;
    this.#config = config;
    this.#tell = tell;
  }

  /** The connection to a peer: made by the first who asks, opened by the first call. */
  connectionTo(peer: Server): LazyConnection {
    const name = serverName(peer);
    const known = this.#connections.get(name);
    if (known !== undefined) return known;
    const made = new LazyConnection(this.#os, this.#hal, { ...this.#config, servers: [peer] }, this.#tell);
    this.#connections.set(name, made);
    return made;
  }

  /** Calls a peer: `LazyConnection.call`. */
  call(peer: Server, body: Uint8Array, timeoutMs: number): Generator<void, CallOutcome, void> {
    return this.connectionTo(peer).call(body, timeoutMs);
  }
}

interface Call {
  readonly over: Semaphore;
  outcome: CallOutcome | undefined;
}

interface Outgoing {
  /** Number of the call that it carries. */
  readonly call?: bigint;
  readonly isBeat: boolean;
  readonly bytes: Uint8Array;
}

/** A connection to one peer, which may be at several addresses. */
export class LazyConnection implements Dialogue, DubboSink {
  readonly #os: Kernel;
  readonly #hal: Hal;
  readonly #config: LazyConfig;
  readonly #tell: EventListener | undefined;
  readonly #decoder: DubboDecoder;
  readonly #idle: IdleTimers;
  readonly #calls = new Map<bigint, Call>();
  #isOpened = false;
  #socket: Socket | undefined;
  /** Why there is no connection. */
  #downBy: LossReason | undefined;
  #lastId = 0n;
  #lateAnswers = 0;
  #readMs = 0;
  readonly #outgoing = new FrameQueue<Outgoing>();
  /** Beats since the last answer to one, and when the first of them was sent. */
  #unanswered = 0;
  #unansweredSinceMs = 0;

  constructor(os: Kernel, hal: Hal, config: LazyConfig, tell: EventListener | undefined) {
    this.#os = os;
    this.#hal = hal;
    this.#config = config;
    this.#tell = tell;
    this.#decoder = new DubboDecoder(config.maxBodyBytes);
    this.#idle = new IdleTimers({ readerIdleMs: config.beatIntervalMs, writerIdleMs: 0, allIdleMs: 0 });
  }

  /** Answers that came too late, and were dropped. */
  get lateAnswers(): number {
    return this.#lateAnswers;
  }

  /**
   * Sends `body` as a request, and waits for its response. The first call opens the connection, and those made until it
   * stands go with it. While it is down, calls fail at once with the reason, and it is opened again without them.
   */
  *call(body: Uint8Array, timeoutMs: number): Generator<void, CallOutcome, void> {
    if (!this.#isOpened) this.#open();
    if (this.#downBy !== undefined) return { kind: 'failed', by: this.#downBy };
    const id = ++this.#lastId;
    const call: Call = { over: new Semaphore(this.#os), outcome: undefined };
    this.#calls.set(id, call);
    this.#outgoing.push({ call: id, isBeat: false, bytes: encodeDubbo({ ...REQUEST, id, isEvent: false }, body) });
    this.#socket?.wake();
    yield* call.over.take(this.#os.msToTicks(timeoutMs));
    if (call.outcome !== undefined) return call.outcome;
    this.#calls.delete(id);
    // A request that has not begun to be sent need not be sent any more.
    this.#outgoing.withdraw((frame) => frame.call === id);
    return { kind: 'failed', by: 'timeout' };
  }

  #open(): void {
    this.#isOpened = true;
    const name = serverName(this.#config.servers[0] ?? { host: '?', port: 0 });
    this.#os.createTask((os) => keepConnected(os, this.#hal, this.#config, this, this.#tell), name, PRIORITY);
  }

  // ---- the connection ----

  begin(socket: Socket): void {
    this.#socket = socket;
    this.#downBy = undefined;
    this.#decoder.reset();
    this.#readMs = this.#hal.clock.now();
    this.#idle.start(this.#readMs);
    this.#outgoing.rewind();
    this.#unanswered = 0;
  }

  unreachable(errno: Errno): void {
    this.#down(errno);
  }

  turn(socket: Socket): SessionEnd | undefined {
    const nowMs = this.#hal.clock.now();
    const end = this.#receive(socket, nowMs) ?? this.#due(nowMs) ?? this.#send(socket, nowMs);
    if (end !== undefined) this.#down(end.by);
    return end;
  }

  get waitsFor(): number {
    return this.#outgoing.isEmpty ? READABLE : READABLE | WRITABLE;
  }

  waitTicks(): number {
    const untilMs = Math.min(this.#idle.nextMs(), this.#silentAtMs()) - this.#hal.clock.now();
    return this.#os.msToTicks(Math.min(Math.max(Math.ceil(untilMs), 1), WAIT_MS_MAX));
  }

  /** Tells every task that waits for an answer that none will come. */
  #down(by: LossReason): void {
    this.#socket = undefined;
    this.#downBy = by;
    this.#outgoing.clear();
    for (const call of this.#calls.values()) over(call, { kind: 'failed', by });
    this.#calls.clear();
  }

  // ---- what comes ----

  message(message: DubboMessage, body: Uint8Array): undefined {
    const { id, serialization } = message;
    if (message.kind === 'response') {
      if (message.isEvent) this.#beatAnswered();
      else if (message.status === DUBBO_STATUS.OK) this.#answered(id, { kind: 'answered', body });
      else this.#answered(id, { kind: 'refused', status: message.status });
    } else if (message.wantsResponse) {
      const bytes = message.isEvent
        ? encodeDubbo({ ...RESPONSE, id, serialization, status: DUBBO_STATUS.OK, isEvent: true }, body)
        : encodeDubbo({ ...RESPONSE, id, status: DUBBO_STATUS.SERVICE_ERROR, isEvent: false }, NO_SERVICE);
      this.#outgoing.push({ isBeat: false, bytes });
    }
  }

  #answered(id: bigint, outcome: CallOutcome): void {
    const call = this.#calls.get(id);
    if (call === undefined) {
      this.#lateAnswers++;
      this.#tell?.({ kind: 'late-answer', lateAnswers: this.#lateAnswers });
      return;
    }
    this.#calls.delete(id);
    over(call, outcome);
  }

  #beatAnswered(): void {
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
    this.#readMs = nowMs;
    this.#idle.read(nowMs);
    const wrong = this.#decoder.decode(RECEIVED, this, count);
    return wrong === undefined ? undefined : { by: 'bad-frame', detail: wrong };
  }

  // ---- what is due ----

  #silentAtMs(): number {
    return this.#readMs + this.#config.beatIntervalMs * this.#config.missedLimit;
  }

  #due(nowMs: number): SessionEnd | undefined {
    if (nowMs >= this.#silentAtMs()) {
      return { by: 'missed-beats', detail: `nothing came for ${nowMs - this.#readMs} ms` };
    }
    // A frame that already waits to be sent is as good a sign of life as a beat.
    while (this.#idle.take(nowMs) !== undefined) if (this.#outgoing.isEmpty) this.#beat();
    return this.#outgoing.overflow();
  }

  #beat(): void {
    if (this.#unanswered > 0) this.#tell?.({ kind: 'beat-missed', missed: this.#unanswered });
    const id = ++this.#lastId;
    this.#outgoing.push({ isBeat: true, bytes: encodeDubbo({ ...REQUEST, id, isEvent: true }, HESSIAN_NULL) });
  }

  // ---- what goes ----

  #send(socket: Socket, nowMs: number): SessionEnd | undefined {
    return this.#outgoing.send(socket, ({ isBeat }) => {
      if (!isBeat) return;
      if (this.#unanswered === 0) this.#unansweredSinceMs = nowMs;
      this.#unanswered++;
      this.#tell?.({ kind: 'beat-sent' });
    });
  }
}

const REQUEST = { kind: 'request', wantsResponse: true, serialization: HESSIAN_2 } as const;
const RESPONSE = { kind: 'response', serialization: HESSIAN_2 } as const;
const NO_SERVICE = encodeErrorText('there is no service on a device');

function over(call: Call, outcome: CallOutcome): void {
  call.outcome = outcome;
  call.over.give();
}
