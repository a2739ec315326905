/** Peers that watch each other, and report to a monitor whom they do not hear. */

import { duration, whole } from '../../settings.ts';
import { checkRetry } from '../../tasks/backoff.ts';
import { checkServers } from '../../tasks/connection.ts';
import type { DeviceProtocol } from '../protocol.ts';
import { type PeersConfig, peerTask } from './peer.ts';

const PRIORITY = 2;

/** Ceph's defaults: pings every 6 s at most, 20 s of grace, a report every 5 s. */
export const PEERS: DeviceProtocol<PeersConfig> = {
  name: 'peers',
  defaults: {
    pingIntervalMs: 6000,
    graceMs: 20_000,
    reportIntervalMs: 5000,
    missedLimit: 4,
    connectTimeoutMs: 10_000,
    retry: { baseMs: 1000, capMs: 60_000 },
  },
  rules: (tickRateHz) => ({
    servers: checkServers,
    pingIntervalMs: duration(tickRateHz),
    graceMs: duration(tickRateHz),
    reportIntervalMs: duration(tickRateHz),
    missedLimit: whole('reports', 1, 1000),
    connectTimeoutMs: duration(tickRateHz),
    retry: (value, field) => checkRetry(value, field, duration(tickRateHz)),
  }),
  start(os, hal, settings, onEvent) {
    os.createTask(peerTask, 'peers', PRIORITY, hal, settings, onEvent);
  },
};
