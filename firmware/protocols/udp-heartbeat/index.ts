/** The UDP heartbeat: a text in a datagram, again and again, to whoever listens. */

import { checkBoolean, duration } from '../../settings.ts';
import { checkRetry } from '../../tasks/backoff.ts';
import { checkServers } from '../../tasks/connection.ts';
import type { DeviceProtocol } from '../protocol.ts';
import { type UdpHeartbeatConfig, udpHeartbeatTask } from './sender.ts';

const PRIORITY = 2;

export const UDP_HEARTBEAT: DeviceProtocol<UdpHeartbeatConfig> = {
  name: 'udp-heartbeat',
  defaults: {
    beatIntervalMs: 5000,
    numbered: false,
    connectTimeoutMs: 10_000,
    retry: { baseMs: 1000, capMs: 60_000 },
  },
  rules: (tickRateHz) => ({
    servers: checkServers,
    beatIntervalMs: duration(tickRateHz),
    numbered: checkBoolean,
    connectTimeoutMs: duration(tickRateHz),
    retry: (value, field) => checkRetry(value, field, duration(tickRateHz)),
  }),
  start(os, hal, settings, onEvent) {
    os.createTask(udpHeartbeatTask, 'udp-heartbeat', PRIORITY, hal, settings, onEvent);
  },
};
