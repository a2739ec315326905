/**
 * The client of the heartbeat pair: a beat at once and then every period, data frames beside them, and, where the
 * server answers beats, an eye on the answers: "both ends must beat". It goes on listening while a frame waits to be
 * taken, so that two ends that both have much to say cannot wait for each other.
 */

import { errnoOf, failure } from '../../../hal/errno.ts';
import type { Hal } from '../../../hal/hal.ts';
import type { EventListener } from '../../events.ts';
import { READABLE, WRITABLE } from '../../net/select.ts';
import type { Socket } from '../../net/socket.ts';
import type { Kernel } from '../../rtos/kernel.ts';
import type { Task } from '../../rtos/task.ts';
import { addTicks, ticksBetween } from '../../rtos/ticks.ts';
import { type AdaptivePeriod, PeriodSearch } from '../../tasks/adaptive-period.ts';
import { keepConnected, type ConnectionConfig, type Dialogue, type SessionEnd } from '../../tasks/connection.ts';
import { firstBytes } from '../first-bytes.ts';
import { BEAT, encodeOther, HEAD_BYTES, HeartbeatDecoder, type FrameSink } from './frame.ts';

export interface HeartbeatConfig extends ConnectionConfig {
  readonly beatIntervalMs: number;
  /**
   * The client finds the longest safe period by itself, in place of `beatIntervalMs`: the next beat is due this long
   * after the last answer. It depends on answers, so the server must send them, and the first answer that is not in
   * time ends the connection, with any `expectAnswers` and `missedLimit`.
   */
  readonly adaptive: AdaptivePeriod | 'off';
  /** The server answers beats; `missedLimit` unanswered ones in a row mean it is gone. */
  readonly expectAnswers: boolean;
  /**
   * Also how many beat intervals a frame may take to be taken: a peer that takes nothing is as gone as one that answers
   * nothing.
   */
  readonly missedLimit: number;
  /** A data frame of `dataBytes` so often; 0: none. */
  readonly dataIntervalMs: number;
  readonly dataBytes: number;
  /** The longest data frame to accept. */
  readonly maxDataBytes: number;
}

const EAGAIN = failure('EAGAIN');

/** Receive buffer of all heartbeat tasks: its content is decoded before the task blocks. */
const RECEIVED = new Uint8Array(1024);

/** Largest distance of the later of two tick counts: less than half of 2^32 ticks. */
const TICKS_AHEAD_MAX = 0x7fff_ffff;

export function heartbeatTask(os: Kernel, hal: Hal, config: HeartbeatConfig, onEvent: EventListener | undefined): Task {
  return keepConnected(os, hal, config, new Heartbeat(os, hal, config, onEvent), onEvent);
}

/** The data frames that the client sends. */
interface DataSeries {
  readonly frame: Uint8Array;
  /** When the next one is due. */
  nextTick: number;
}

/** A frame that is being sent. */
interface BegunFrame {
  readonly frame: Uint8Array;
  readonly takenBytes: number;
  /** When all of it must be taken. */
  readonly untilTick: number;
}

class Heartbeat extends HeartbeatDecoder implements Dialogue, FrameSink {
  readonly #os: Kernel;
  readonly #hal: Hal;
  readonly #config: HeartbeatConfig;
  readonly #tell: EventListener | undefined;
  readonly #series: DataSeries | undefined;
  readonly #search: PeriodSearch | undefined;
  /** The tick at which the next beat is due. */
  #nextBeat = 0;
  /** The frame of which not all was taken yet. One frame at a time is sent completely, so that no two mix. */
  #begun: BegunFrame | undefined = undefined;
  /** Beats since the last answer, and when the first of them was sent. */
  #unanswered = 0;
  #unansweredSinceMs = 0;
  /** Bytes of the current data frame that have arrived. */
  #dataBytes = 0;

  constructor(os: Kernel, hal: Hal, config: HeartbeatConfig, tell: EventListener | undefined) {
    super();
    this.#os = os;
    this.#hal = hal;
    this.#config = config;
    this.#tell = tell;
    this.#series = config.dataIntervalMs > 0 ? { frame: newDataFrame(config.dataBytes), nextTick: 0 } : undefined;
    const onChange = (periodMs: number, settled: boolean): void => tell?.({ kind: 'beat-period', periodMs, settled });
    this.#search = config.adaptive === 'off' ? undefined : new PeriodSearch(config.adaptive, onChange);
  }

  get maxDataBytes(): number {
    return this.#config.maxDataBytes;
  }

  begin(socket: Socket): void {
    this.#search?.connected(socket.local?.address ?? '', this.#hal.clock.now());
    this.reset();
    this.#begun = undefined;
    this.#unanswered = 0;
    this.#dataBytes = 0;
    this.#nextBeat = this.#os.getTickCount();
    if (this.#series === undefined) return;
    this.#series.nextTick = addTicks(this.#nextBeat, this.#os.msToTicks(this.#config.dataIntervalMs));
  }

  turn(socket: Socket): SessionEnd | undefined {
    return this.send(socket, this.#os.getTickCount()) ?? this.receive(socket);
  }

  get waitsFor(): number {
    return this.#begun === undefined ? READABLE : READABLE | WRITABLE;
  }

  waitTicks(): number {
    const now = this.#os.getTickCount();
    if (this.#begun !== undefined) return ticksUntil(this.#begun.untilTick, now);
    const untilBeat = ticksUntil(this.#nextBeat, now);
    return this.#series === undefined ? untilBeat : Math.min(untilBeat, ticksUntil(this.#series.nextTick, now));
  }

  beat(): void {
    if (this.#unanswered > 0) {
      this.#tell?.({ kind: 'served', afterMs: this.#hal.clock.now() - this.#unansweredSinceMs });
    }
    this.#unanswered = 0;
    if (this.#search === undefined) return;
    this.#search.answered(this.#hal.clock.now());
    this.#nextBeat = addTicks(this.#os.getTickCount(), this.#os.msToTicks(this.#search.periodMs));
  }

  data(piece: Uint8Array, remainingBytes: number): void {
    this.#search?.traffic();
    this.#dataBytes += piece.length;
    if (remainingBytes > 0) return;
    this.#tell?.({ kind: 'data-received', bytes: this.#dataBytes });
    this.#dataBytes = 0;
  }

  /** Sends the frames that are due `now`, as far as they are taken. */
  private send(socket: Socket, now: number): SessionEnd | undefined {
    for (;;) {
      const begun = this.#begun;
      if (begun === undefined && isDue(this.#nextBeat, now) && this.missedTooMany()) return { by: 'missed-beats' };
      const frame = begun?.frame ?? this.nextFrame(now);
      if (frame === undefined) return undefined;
      let takenBytes = begun?.takenBytes ?? 0;
      const count = socket.tryWrite(takenBytes === 0 ? frame : frame.subarray(takenBytes));
      if (count < 0 && count !== EAGAIN) return { by: errnoOf(count) };
      if (count > 0) takenBytes += count;
      if (takenBytes < frame.length) {
        const untilTick = begun?.untilTick ?? this.takenBy(now);
        this.#begun = { frame, takenBytes, untilTick };
        if (!isDue(untilTick, now)) return undefined;
        return { by: 'not-reading', detail: `${takenBytes} of ${frame.length} bytes of a frame were taken` };
      }
      this.#begun = undefined;
      this.sent(frame);
    }
  }

  /** At the time of a beat: whether those before it are unanswered, as many as the limit. */
  private missedTooMany(): boolean {
    const { expectAnswers, missedLimit } = this.#config;
    if (this.#unanswered === 0 || !(expectAnswers || this.#search !== undefined)) return false;
    this.#tell?.({ kind: 'beat-missed', missed: this.#unanswered });
    return this.#search !== undefined || this.#unanswered >= missedLimit;
  }

  private nextFrame(now: number): Uint8Array | undefined {
    const { beatIntervalMs, dataIntervalMs } = this.#config;
    if (isDue(this.#nextBeat, now)) {
      // The answer sets the time of the next one.
      this.#nextBeat = this.nextAfter(this.#nextBeat, this.#search?.answerTimeoutMs ?? beatIntervalMs, now);
      return BEAT;
    }
    const series = this.#series;
    if (series === undefined || !isDue(series.nextTick, now)) return undefined;
    series.nextTick = this.nextAfter(series.nextTick, dataIntervalMs, now);
    return series.frame;
  }

  /** The tick by which all of a frame must be taken that is begun `now`. */
  private takenBy(now: number): number {
    const { beatIntervalMs, missedLimit } = this.#config;
    return addTicks(now, Math.min(this.#os.msToTicks(beatIntervalMs * missedLimit), TICKS_AHEAD_MAX));
  }

  private sent(frame: Uint8Array): void {
    if (frame === BEAT) {
      // Only who is told needs it.
      if (this.#unanswered === 0 && this.#tell !== undefined) this.#unansweredSinceMs = this.#hal.clock.now();
      this.#unanswered++;
      this.#search?.sent();
      this.#tell?.({ kind: 'beat-sent' });
      if (!this.#config.expectAnswers && this.#search === undefined) this.#tell?.({ kind: 'served' });
    } else {
      this.#search?.traffic();
      this.#tell?.({ kind: 'data-sent', bytes: this.#config.dataBytes });
    }
  }

  private receive(socket: Socket): SessionEnd | undefined {
    const received = socket.tryRead(RECEIVED);
    if (received === EAGAIN) return undefined;
    if (received === 0) return { by: 'closed' };
    if (received < 0) return { by: errnoOf(received) };
    const bad = this.decode(RECEIVED, this, received);
    if (bad === undefined) return undefined;
    // A peer whose first frame is bad speaks another protocol, and what it said tells which.
    const said = this.frames > 0 ? '' : `; the first bytes that came are ${firstBytes(RECEIVED.subarray(0, received))}`;
    return { by: 'bad-frame', detail: `${bad.reason}${said}` };
  }

  /** The next of a series without drift; what a long stall has missed is not made up for. */
  private nextAfter(tick: number, periodMs: number, now: number): number {
    const period = this.#os.msToTicks(periodMs);
    const next = addTicks(tick, period);
    return isDue(next, now) ? addTicks(now, period) : next;
  }
}

function ticksUntil(tick: number, now: number): number {
  const ticks = ticksBetween(now, tick);
  return ticks > TICKS_AHEAD_MAX ? 0 : ticks;
}

function isDue(tick: number, now: number): boolean {
  return ticksUntil(tick, now) === 0;
}

function newDataFrame(dataBytes: number): Uint8Array {
  const frame = new Uint8Array(HEAD_BYTES + dataBytes);
  encodeOther(frame, new Uint8Array(dataBytes));
  return frame;
}
