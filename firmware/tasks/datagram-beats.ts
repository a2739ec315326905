/** A beat at once and then every period, to a server that answers nothing: what datagram heartbeats share. */

import { errnoOf, failure, type Errno } from '../../hal/errno.ts';
import type { Hal } from '../../hal/hal.ts';
import type { EventListener } from '../events.ts';
import type { DatagramEndpoint } from '../net/datagram-endpoint.ts';
import type { ProtocolSettings } from '../protocols/protocol.ts';
import type { Kernel } from '../rtos/kernel.ts';
import type { Task } from '../rtos/task.ts';
import { duration, type SettingRulesFor } from '../settings.ts';
import { checkRetry, retryDelayMs, type Retry } from './backoff.ts';
import { checkServers, serverName, type Server } from './connection.ts';
import { ownEnd } from './datagram-path.ts';

export interface DatagramBeatsConfig extends ProtocolSettings {
  readonly beatIntervalMs: number;
  /** Timeout of the look-up of the server's name, and of opening the socket. */
  readonly connectTimeoutMs: number;
  readonly retry: Retry;
}

export const DATAGRAM_BEATS_DEFAULTS = { connectTimeoutMs: 10_000, retry: { baseMs: 1000, capMs: 60_000 } } as const;

export function datagramBeatsRules(tickRateHz: number): SettingRulesFor<DatagramBeatsConfig> {
  return {
    servers: checkServers,
    beatIntervalMs: duration(tickRateHz),
    connectTimeoutMs: duration(tickRateHz),
    retry: (value, field) => checkRetry(value, field, duration(tickRateHz)),
  };
}

/** A way for beats. */
export interface BeatPath {
  readonly endpoint: DatagramEndpoint;
  /** Sends the beat of this number; beats are numbered in 32 bits. Returns its length, or an errno. */
  send(number: number): number;
}

const EAGAIN = failure('EAGAIN');
const NUMBERS = 2 ** 32;

/**
 * Sends beats forever, over the socket that `open` opens to each server in turn. The device does not notice that a
 * server is gone: only a datagram that its own network refuses to send counts as a loss.
 */
export function* sendBeats(
  os: Kernel, hal: Hal, config: DatagramBeatsConfig, onEvent: EventListener | undefined,
  open: (server: Server, timeout: number) => Generator<void, BeatPath | Errno, void>,
): Task {
  const { servers, retry } = config;
  let failures = 0;
  let number = 0;
  for (let turn = 0; ; turn = (turn + 1) % servers.length) {
    const server = servers[turn];
    if (server === undefined) throw new Error('there is no server to send to');
    onEvent?.({ kind: 'connecting', server: serverName(server) });
    const path = yield* open(server, os.msToTicks(config.connectTimeoutMs));
    if (typeof path === 'string') {
      onEvent?.({ kind: 'connect-failed', server: serverName(server), errno: path });
    } else {
      const sinceMs = hal.clock.now();
      onEvent?.({ kind: 'connected', server: serverName(server), local: ownEnd(path.endpoint) });
      const wake = { tick: os.getTickCount() };
      let sent = 0;
      for (;;) {
        sent = path.send(number);
        // A beat for which there is no room is lost, as a datagram may be anyway.
        if (sent < 0 && sent !== EAGAIN) break;
        number = (number + 1) % NUMBERS;
        failures = 0;
        onEvent?.({ kind: 'beat-sent' });
        onEvent?.({ kind: 'served' });
        yield* os.delayUntil(wake, os.msToTicks(config.beatIntervalMs));
      }
      path.endpoint.close();
      onEvent?.({ kind: 'lost', server: serverName(server), by: errnoOf(sent), afterMs: hal.clock.now() - sinceMs });
    }
    failures++;
    const delayMs = retryDelayMs(retry, failures, hal.random);
    if (delayMs > 0) onEvent?.({ kind: 'backing-off', delayMs });
    yield* os.delay(os.msToTicks(delayMs));
  }
}
