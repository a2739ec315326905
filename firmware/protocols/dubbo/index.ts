/** Dubbo: a service is called now and then, over a connection that the first call opens and beats keep. */

import type { Hal } from '../../../hal/hal.ts';
import type { EventListener } from '../../events.ts';
import type { Kernel } from '../../rtos/kernel.ts';
import type { Task } from '../../rtos/task.ts';
import { duration, refuse, whole } from '../../settings.ts';
import { CONNECTION_DEFAULTS, connectionRules } from '../../tasks/connection.ts';
import type { DeviceProtocol } from '../protocol.ts';
import { decodeEchoResult, encodeEchoCall } from './invocation.ts';
import { type LazyConfig, LazyConnection } from './lazy-client.ts';

export interface DubboConfig extends LazyConfig {
  /** The first call is made at once, and then one so often. */
  readonly callIntervalMs: number;
  /** Longest wait for the answer to a call. */
  readonly callTimeoutMs: number;
  /** The service that is called: the name of its interface. */
  readonly service: string;
}

const PRIORITY = 2;

/** Dubbo's own times (org.apache.dubbo.remoting.Constants, and DEFAULT_TIMEOUT of CommonConstants). */
export const DUBBO: DeviceProtocol<DubboConfig> = {
  name: 'dubbo',
  defaults: {
    ...CONNECTION_DEFAULTS,
    connectTimeoutMs: 3000,
    beatIntervalMs: 60_000,
    missedLimit: 3,
    callIntervalMs: 300_000,
    callTimeoutMs: 1000,
    service: 'cablepull.Device',
    maxBodyBytes: 65_536,
  },
  rules: (tickRateHz) => ({
    ...connectionRules(tickRateHz),
    beatIntervalMs: duration(tickRateHz),
    // UrlUtils.getIdleTimeout refuses less.
    missedLimit: whole('beats', 2, 1000),
    callIntervalMs: duration(tickRateHz),
    callTimeoutMs: duration(tickRateHz),
    service: checkService,
    maxBodyBytes: whole('bytes', 1, 8 * 1024 * 1024),
  }),
  start(os, hal, settings, onEvent) {
    os.createTask(callTask, 'dubbo', PRIORITY, hal, settings, onEvent);
  },
};

/** Calls `$echo` of the service with the number of the call, and looks whether that comes back. */
function* callTask(os: Kernel, hal: Hal, config: DubboConfig, onEvent: EventListener | undefined): Task {
  const connection = new LazyConnection(os, hal, config, onEvent);
  const wake = { tick: os.getTickCount() };
  for (let number = 1; ; number++) {
    const sinceMs = hal.clock.now();
    const text = `call ${number}`;
    const outcome = yield* connection.call(encodeEchoCall(config.service, text), config.callTimeoutMs);
    const afterMs = hal.clock.now() - sinceMs;
    if (outcome.kind !== 'answered') {
      onEvent?.({ kind: 'call-failed', by: outcome.kind === 'refused' ? 'refused' : outcome.by, afterMs });
    } else if (decodeEchoResult(outcome.body) === text) {
      onEvent?.({ kind: 'served', afterMs });
    } else {
      onEvent?.({ kind: 'call-failed', by: 'wrong-answer', afterMs });
    }
    yield* os.delayUntil(wake, os.msToTicks(config.callIntervalMs));
  }
}

function checkService(value: unknown, field: string): void {
  if (typeof value !== 'string' || !/^[!-~]{1,255}$/.test(value)) {
    refuse(field, 'the name of a Java interface, of at most 255 characters of ASCII', value);
  }
}
