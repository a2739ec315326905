/** The Ethernet heartbeat: a whole frame, once a second, made by the firmware itself. */

import { duration } from '../../settings.ts';
import { checkRetry } from '../../tasks/backoff.ts';
import { checkServers } from '../../tasks/connection.ts';
import type { DeviceProtocol } from '../protocol.ts';
import { type EthernetHeartbeatConfig, ethernetHeartbeatTask } from './sender.ts';

const PRIORITY = 2;

export const ETHERNET_HEARTBEAT: DeviceProtocol<EthernetHeartbeatConfig> = {
  name: 'ethernet-heartbeat',
  defaults: { beatIntervalMs: 1000, connectTimeoutMs: 10_000, retry: { baseMs: 1000, capMs: 60_000 } },
  rules: (tickRateHz) => ({
    servers: checkServers,
    beatIntervalMs: duration(tickRateHz),
    connectTimeoutMs: duration(tickRateHz),
    retry: (value, field) => checkRetry(value, field, duration(tickRateHz)),
  }),
  start(os, hal, settings, onEvent) {
    os.createTask(ethernetHeartbeatTask, 'ethernet-heartbeat', PRIORITY, hal, settings, onEvent);
  },
};
