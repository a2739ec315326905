/** The heartbeat protocol: beats in frames of 8 bytes, which the server may answer, and data beside them. */

import { checkBoolean, duration, durationOrNone, whole } from '../../settings.ts';
import { adaptivePeriodRule } from '../../tasks/adaptive-period.ts';
import { CONNECTION_DEFAULTS, connectionRules } from '../../tasks/connection.ts';
import type { DeviceProtocol } from '../protocol.ts';
import { type HeartbeatConfig, heartbeatTask } from './heartbeat.ts';

const PRIORITY = 2;

/** Defaults: a beat every 3 s; the connection is given up after five missed beats. */
export const HEARTBEAT: DeviceProtocol<HeartbeatConfig> = {
  name: 'heartbeat',
  defaults: {
    ...CONNECTION_DEFAULTS,
    beatIntervalMs: 3000,
    adaptive: 'off',
    expectAnswers: true,
    missedLimit: 5,
    dataIntervalMs: 0,
    dataBytes: 16,
    maxDataBytes: 4096,
  },
  rules: (tickRateHz) => ({
    ...connectionRules(tickRateHz),
    beatIntervalMs: duration(tickRateHz),
    adaptive: adaptivePeriodRule(tickRateHz),
    expectAnswers: checkBoolean,
    missedLimit: whole('beats', 1, 1000),
    dataIntervalMs: durationOrNone(tickRateHz),
    dataBytes: whole('bytes', 0, 65_536),
    maxDataBytes: whole('bytes', 0),
  }),
  start(os, hal, settings, onEvent) {
    os.createTask(heartbeatTask, 'heartbeat', PRIORITY, hal, settings, onEvent);
  },
};
