/** The UDP heartbeat: a text in a datagram, again and again, to any server that listens. */

import { checkBoolean } from '../../settings.ts';
import { DATAGRAM_BEATS_DEFAULTS, datagramBeatsRules } from '../../tasks/datagram-beats.ts';
import type { DeviceProtocol } from '../protocol.ts';
import { type UdpHeartbeatConfig, udpHeartbeatTask } from './sender.ts';

const PRIORITY = 2;

export const UDP_HEARTBEAT: DeviceProtocol<UdpHeartbeatConfig> = {
  name: 'udp-heartbeat',
  defaults: { ...DATAGRAM_BEATS_DEFAULTS, beatIntervalMs: 5000, numbered: false },
  rules: (tickRateHz) => ({ ...datagramBeatsRules(tickRateHz), numbered: checkBoolean }),
  start(os, hal, settings, onEvent) {
    os.createTask(udpHeartbeatTask, 'udp-heartbeat', PRIORITY, hal, settings, onEvent);
  },
};
