/**
 * The client of the heartbeat pair: a beat at once and then every period, data frames beside them, and, where the server answers
 * beats, an eye on the answers: "both ends must beat".
 */

import { errnoOf, failure } from '../../hal/errno.ts';
import type { Hal } from '../../hal/hal.ts';
import type { EventListener } from '../events.ts';
import type { Socket } from '../net/socket.ts';
import { BEAT, encodeOther, HEAD_BYTES, HeartbeatDecoder, type FrameSink } from '../protocol/heartbeat-frame.ts';
import type { Kernel } from '../rtos/kernel.ts';
import type { Task } from '../rtos/task.ts';
import { addTicks, MAX_DELAY, ticksBetween } from '../rtos/ticks.ts';
import { keepConnected, type ConnectionConfig, type SessionEnd } from './connection.ts';

export interface HeartbeatConfig extends ConnectionConfig {
  readonly beatIntervalMs: number;
  /** The server answers beats; `missedLimit` unanswered ones in a row mean it is gone. */
  readonly expectAnswers: boolean;
  readonly missedLimit: number;
  /** A data frame of `dataBytes` so often; 0: none. */
  readonly dataIntervalMs: number;
  readonly dataBytes: number;
  /** The longest data frame to accept. */
  readonly maxDataBytes: number;
}

const BUFFER_BYTES = 64;
const EAGAIN = failure('EAGAIN');

export function* heartbeatTask(os: Kernel, hal: Hal, config: HeartbeatConfig, onEvent: EventListener | undefined): Task {
  const beatTicks = os.msToTicks(config.beatIntervalMs);
  const dataTicks = os.msToTicks(config.dataIntervalMs);
  // A peer that takes nothing for as long as one that answers nothing is as gone.
  const writeTicks = Math.min(beatTicks * config.missedLimit, MAX_DELAY - 1);
  const buffer = new Uint8Array(BUFFER_BYTES);
  const dataFrame = new Uint8Array(dataTicks > 0 ? HEAD_BYTES + config.dataBytes : 0);
  if (dataTicks > 0) encodeOther(dataFrame, new Uint8Array(config.dataBytes));

  let unanswered = 0;
  let beatAtMs = 0;
  const sink: FrameSink = {
    beat() {
      if (unanswered > 0) onEvent?.({ kind: 'beat-answered', afterMs: hal.clock.now() - beatAtMs });
      unanswered = 0;
    },
    data(piece) {
      onEvent?.({ kind: 'data-received', bytes: piece.length });
    },
  };

  function* beatAndListen(socket: Socket): Generator<void, SessionEnd, void> {
    const decoder = new HeartbeatDecoder(config.maxDataBytes);
    unanswered = 0;
    let nextBeat = os.getTickCount();
    let nextData = addTicks(nextBeat, dataTicks);
    for (;;) {
      if (isDue(nextBeat)) {
        if (config.expectAnswers && unanswered > 0) {
          onEvent?.({ kind: 'beat-missed', missed: unanswered });
          if (unanswered >= config.missedLimit) return { by: 'missed-beats' };
        }
        const failed = yield* send(socket, BEAT);
        if (failed !== undefined) return failed;
        beatAtMs = hal.clock.now();
        unanswered++;
        onEvent?.({ kind: 'beat-sent' });
        nextBeat = nextAfter(nextBeat, beatTicks);
      }
      if (dataTicks > 0 && isDue(nextData)) {
        const failed = yield* send(socket, dataFrame);
        if (failed !== undefined) return failed;
        onEvent?.({ kind: 'data-sent', bytes: config.dataBytes });
        nextData = nextAfter(nextData, dataTicks);
      }
      const quiet = Math.min(ticksUntil(nextBeat), dataTicks > 0 ? ticksUntil(nextData) : MAX_DELAY);
      const received = yield* socket.read(buffer, quiet);
      if (received === EAGAIN) continue;
      if (received === 0) return { by: 'closed' };
      if (received < 0) return { by: errnoOf(received) };
      const bad = decoder.decode(buffer.subarray(0, received), sink);
      if (bad !== undefined) return { by: 'bad-frame', detail: bad.reason };
    }
  }

  /** Writes a whole frame. A half one would spoil all that follows, so one that gets stuck ends the session. */
  function* send(socket: Socket, frame: Uint8Array): Generator<void, SessionEnd | undefined, void> {
    const sent = yield* socket.write(frame, writeTicks);
    if (sent === frame.length) return undefined;
    return sent >= 0 || sent === EAGAIN ? { by: 'ETIMEDOUT', detail: 'the peer takes nothing any more' } : { by: errnoOf(sent) };
  }

  function ticksUntil(tick: number): number {
    // A tick that has passed lies nearly 2^32 ahead.
    const ticks = ticksBetween(os.getTickCount(), tick);
    return ticks > 0x8000_0000 ? 0 : ticks;
  }

  function isDue(tick: number): boolean {
    return ticksUntil(tick) === 0;
  }

  /** The next of a series without drift; what a long stall has missed is not made up for. */
  function nextAfter(tick: number, period: number): number {
    const next = addTicks(tick, period);
    return isDue(next) ? addTicks(os.getTickCount(), period) : next;
  }

  yield* keepConnected(os, hal, config, beatAndListen, onEvent);
}
