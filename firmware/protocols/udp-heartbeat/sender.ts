/**
 * The UDP heartbeat's sender: a datagram at once and then every period, to a server that answers nothing. So the device
 * learns nothing of a server that is gone; only what its own network refuses to send is a loss.
 */

import { errnoOf, failure } from '../../../hal/errno.ts';
import type { Hal } from '../../../hal/hal.ts';
import type { EventListener } from '../../events.ts';
import type { Kernel } from '../../rtos/kernel.ts';
import type { Task } from '../../rtos/task.ts';
import { retryDelayMs, type Retry } from '../../tasks/backoff.ts';
import { serverName } from '../../tasks/connection.ts';
import { openDatagramPath, ownEnd } from '../../tasks/datagram-path.ts';
import type { ProtocolSettings } from '../protocol.ts';
import { encodeUdpBeat } from './text.ts';

export interface UdpHeartbeatConfig extends ProtocolSettings {
  readonly beatIntervalMs: number;
  /** Each beat has a number, so that the receiver can count what is lost, late or double. */
  readonly numbered: boolean;
  /** For the look-up of the server's name, and for the socket. */
  readonly connectTimeoutMs: number;
  readonly retry: Retry;
}

const EAGAIN = failure('EAGAIN');

/** Beats are numbered in 32 bits. */
const NUMBERS = 2 ** 32;

export function* udpHeartbeatTask(
  os: Kernel, hal: Hal, config: UdpHeartbeatConfig, onEvent: EventListener | undefined,
): Task {
  const { servers, retry } = config;
  let failures = 0;
  let number = 0;
  for (let turn = 0; ; turn = (turn + 1) % servers.length) {
    const server = servers[turn];
    if (server === undefined) throw new Error('there is no server to send to');
    onEvent?.({ kind: 'connecting', server: serverName(server) });
    const timeout = os.msToTicks(config.connectTimeoutMs);
    const path = yield* openDatagramPath(os, hal.network, server, timeout);
    if (typeof path === 'string') {
      onEvent?.({ kind: 'connect-failed', server: serverName(server), errno: path });
      failures++;
    } else {
      const sinceMs = hal.clock.now();
      onEvent?.({ kind: 'connected', server: serverName(server), local: ownEnd(path.endpoint) });
      const wake = { tick: os.getTickCount() };
      let sent = 0;
      for (;;) {
        sent = path.endpoint.sendTo(encodeUdpBeat(config.numbered ? number : undefined), path.remote);
        // Without room in the socket it is lost, as a datagram may be anyway.
        if (sent < 0 && sent !== EAGAIN) break;
        number = (number + 1) % NUMBERS;
        failures = 0;
        onEvent?.({ kind: 'beat-sent' });
        onEvent?.({ kind: 'served' });
        yield* os.delayUntil(wake, os.msToTicks(config.beatIntervalMs));
      }
      path.endpoint.close();
      onEvent?.({ kind: 'lost', server: serverName(server), by: errnoOf(sent), afterMs: hal.clock.now() - sinceMs });
      failures++;
    }
    const delayMs = retryDelayMs(retry, failures, hal.random);
    if (delayMs > 0) onEvent?.({ kind: 'backing-off', delayMs });
    yield* os.delay(os.msToTicks(delayMs));
  }
}
