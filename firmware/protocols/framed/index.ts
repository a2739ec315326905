/** The framed protocol: frames with a mark, a length and a type; a login; beats where one end has been idle. */

import { durationOrNone, duration, refuse, whole } from '../../settings.ts';
import { CONNECTION_DEFAULTS, connectionRules } from '../../tasks/connection.ts';
import type { DeviceProtocol } from '../protocol.ts';
import { type FramedConfig, framedTask } from './client.ts';
import { LOGIN_NAME_BYTES_MAX } from './frame.ts';

const PRIORITY = 2;

/** Defaults: the device asks for a sign of life after 5 s without writing, and waits three times as long for one. */
export const FRAMED: DeviceProtocol<FramedConfig> = {
  name: 'framed',
  defaults: {
    ...CONNECTION_DEFAULTS,
    loginName: '',
    loginTimeoutMs: 5000,
    readerIdleMs: 15_000,
    writerIdleMs: 5000,
    allIdleMs: 0,
    dataIntervalMs: 0,
    dataBytes: 16,
    maxDataBytes: 4096,
  },
  rules: (tickRateHz) => ({
    ...connectionRules(tickRateHz),
    loginName: checkLoginName,
    loginTimeoutMs: duration(tickRateHz),
    readerIdleMs: durationOrNone(tickRateHz),
    writerIdleMs: durationOrNone(tickRateHz),
    allIdleMs: durationOrNone(tickRateHz),
    dataIntervalMs: durationOrNone(tickRateHz),
    dataBytes: whole('bytes', 0, 65_536),
    maxDataBytes: whole('bytes', 0),
  }),
  start(os, hal, settings, onEvent) {
    os.createTask(framedTask, 'framed', PRIORITY, hal, settings, onEvent);
  },
};

function checkLoginName(value: unknown, field: string): void {
  const fits = typeof value === 'string' && value.length <= LOGIN_NAME_BYTES_MAX && /^[ -~]*$/.test(value);
  if (!fits) refuse(field, `at most ${LOGIN_NAME_BYTES_MAX} characters of ASCII`, value);
}
