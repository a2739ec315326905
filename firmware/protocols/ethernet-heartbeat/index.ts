/** The Ethernet heartbeat: a whole frame, once a second, made by the firmware itself. */

import { DATAGRAM_BEATS_DEFAULTS, type DatagramBeatsConfig, datagramBeatsRules } from '../../tasks/datagram-beats.ts';
import type { DeviceProtocol } from '../protocol.ts';
import { ethernetHeartbeatTask } from './sender.ts';

const PRIORITY = 2;

export const ETHERNET_HEARTBEAT: DeviceProtocol<DatagramBeatsConfig> = {
  name: 'ethernet-heartbeat',
  defaults: { ...DATAGRAM_BEATS_DEFAULTS, beatIntervalMs: 1000 },
  rules: datagramBeatsRules,
  start(os, hal, settings, onEvent) {
    os.createTask(ethernetHeartbeatTask, 'ethernet-heartbeat', PRIORITY, hal, settings, onEvent);
  },
};
