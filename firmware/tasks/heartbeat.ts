/**
 * The client of the heartbeat pair: a beat at once and then every period, data frames beside them, and, where the server answers
 * beats, an eye on the answers: "both ends must beat". It goes on listening while a frame waits to be taken, so that two ends
 * that both have much to say cannot wait for each other.
 */

import { errnoOf, failure } from '../../hal/errno.ts';
import type { Hal } from '../../hal/hal.ts';
import type { EventListener } from '../events.ts';
import { READABLE, type Socket, WRITABLE } from '../net/socket.ts';
import { BEAT, encodeOther, HEAD_BYTES, HeartbeatDecoder, type FrameSink } from '../protocol/heartbeat-frame.ts';
import type { Kernel } from '../rtos/kernel.ts';
import type { Task } from '../rtos/task.ts';
import { addTicks, MAX_DELAY, ticksBetween } from '../rtos/ticks.ts';
import { keepConnected, type ConnectionConfig, type SessionEnd } from './connection.ts';

export interface HeartbeatConfig extends ConnectionConfig {
  readonly beatIntervalMs: number;
  /** The server answers beats; `missedLimit` unanswered ones in a row mean it is gone. */
  readonly expectAnswers: boolean;
  /** Also how many beat intervals a frame may take to be taken: a peer that takes nothing is as gone as one that answers nothing. */
  readonly missedLimit: number;
  /** A data frame of `dataBytes` so often; 0: none. */
  readonly dataIntervalMs: number;
  readonly dataBytes: number;
  /** The longest data frame to accept. */
  readonly maxDataBytes: number;
}

const EAGAIN = failure('EAGAIN');

/** What is received, for all heartbeat tasks: it is decoded before the task blocks. */
const RECEIVED = new Uint8Array(1024);

export function* heartbeatTask(os: Kernel, hal: Hal, config: HeartbeatConfig, onEvent: EventListener | undefined): Task {
  const beatTicks = os.msToTicks(config.beatIntervalMs);
  const dataTicks = os.msToTicks(config.dataIntervalMs);
  const takeTicks = Math.min(beatTicks * config.missedLimit, TICKS_AHEAD_MAX);
  const dataFrame = dataTicks > 0 ? newDataFrame(config.dataBytes) : BEAT;

  let unanswered = 0;
  let unansweredSinceMs = 0;
  let dataBytes = 0;
  const sink: FrameSink = {
    beat() {
      if (unanswered > 0) onEvent?.({ kind: 'beat-answered', afterMs: hal.clock.now() - unansweredSinceMs });
      unanswered = 0;
    },
    data(piece, remainingBytes) {
      dataBytes += piece.length;
      if (remainingBytes > 0) return;
      onEvent?.({ kind: 'data-received', bytes: dataBytes });
      dataBytes = 0;
    },
  };

  function* beatAndListen(socket: Socket): Generator<void, SessionEnd, void> {
    const decoder = new HeartbeatDecoder(config.maxDataBytes);
    unanswered = 0;
    dataBytes = 0;
    let nextBeat = os.getTickCount();
    let nextData = addTicks(nextBeat, dataTicks);
    // What is being sent: one frame at a time, and all of it, so that no two mix.
    let frame: Uint8Array | undefined;
    let taken = 0;
    let takenBy = 0;
    const begin = (next: Uint8Array) => {
      frame = next;
      taken = 0;
      takenBy = addTicks(os.getTickCount(), takeTicks);
    };
    for (;;) {
      if (frame === undefined && isDue(os, nextBeat)) {
        if (config.expectAnswers && unanswered > 0) {
          onEvent?.({ kind: 'beat-missed', missed: unanswered });
          if (unanswered >= config.missedLimit) return { by: 'missed-beats' };
        }
        begin(BEAT);
        nextBeat = nextAfter(os, nextBeat, beatTicks);
      } else if (frame === undefined && dataTicks > 0 && isDue(os, nextData)) {
        begin(dataFrame);
        nextData = nextAfter(os, nextData, dataTicks);
      }

      if (frame !== undefined) {
        const count = socket.tryWrite(taken === 0 ? frame : frame.subarray(taken));
        if (count < 0 && count !== EAGAIN) return { by: errnoOf(count) };
        if (count > 0) taken += count;
        if (taken === frame.length) {
          sent(frame);
          frame = undefined;
          continue;
        }
        if (isDue(os, takenBy)) return { by: 'not-reading', detail: `${taken} of ${frame.length} bytes of a frame were taken` };
      }

      const received = socket.tryRead(RECEIVED);
      if (received > 0) {
        const bad = decoder.decode(RECEIVED, sink, received);
        if (bad !== undefined) return { by: 'bad-frame', detail: bad.reason };
      } else if (received !== EAGAIN) {
        return { by: received === 0 ? 'closed' : errnoOf(received) };
      } else if (frame !== undefined) {
        yield* socket.poll(READABLE | WRITABLE, ticksUntil(os, takenBy));
      } else {
        yield* socket.poll(READABLE, Math.min(ticksUntil(os, nextBeat), dataTicks > 0 ? ticksUntil(os, nextData) : MAX_DELAY));
      }
    }
  }

  function sent(frame: Uint8Array): void {
    if (frame !== BEAT) {
      onEvent?.({ kind: 'data-sent', bytes: config.dataBytes });
      return;
    }
    if (unanswered === 0) unansweredSinceMs = hal.clock.now();
    unanswered++;
    onEvent?.({ kind: 'beat-sent' });
  }

  yield* keepConnected(os, hal, config, beatAndListen, onEvent);
}

function newDataFrame(dataBytes: number): Uint8Array {
  const frame = new Uint8Array(HEAD_BYTES + dataBytes);
  encodeOther(frame, new Uint8Array(dataBytes));
  return frame;
}

/** Of two tick counts, the one ahead is less than half of 2^32 ticks away. */
const TICKS_AHEAD_MAX = 0x7fff_ffff;

function ticksUntil(os: Kernel, tick: number): number {
  const ticks = ticksBetween(os.getTickCount(), tick);
  return ticks > TICKS_AHEAD_MAX ? 0 : ticks;
}

function isDue(os: Kernel, tick: number): boolean {
  return ticksUntil(os, tick) === 0;
}

/** The next of a series without drift; what a long stall has missed is not made up for. */
function nextAfter(os: Kernel, tick: number, period: number): number {
  const next = addTicks(tick, period);
  return isDue(os, next) ? addTicks(os.getTickCount(), period) : next;
}
