/** The protocols that a device speaks: one line each. Everything else loops over this table, or has one as long. */

import { DUBBO } from './dubbo/index.ts';
import { ECHO } from './echo/index.ts';
import { FRAMED } from './framed/index.ts';
import { ETHERNET_HEARTBEAT } from './ethernet-heartbeat/index.ts';
import { HEARTBEAT } from './heartbeat/index.ts';
import { MQTT } from './mqtt/index.ts';
import { UDP_HEARTBEAT } from './udp-heartbeat/index.ts';
import { PEERS } from './peers/index.ts';
import type { DeviceProtocol } from './protocol.ts';

export const DEVICE_PROTOCOLS = {
  heartbeat: HEARTBEAT,
  echo: ECHO,
  mqtt: MQTT,
  'udp-heartbeat': UDP_HEARTBEAT,
  framed: FRAMED,
  dubbo: DUBBO,
  peers: PEERS,
  'ethernet-heartbeat': ETHERNET_HEARTBEAT,
} satisfies Readonly<Record<string, DeviceProtocol>>;

export type ProtocolName = keyof typeof DEVICE_PROTOCOLS;

/** The settings of a protocol, by its name. */
export type ProtocolSettingsOf<Name extends ProtocolName> =
  (typeof DEVICE_PROTOCOLS)[Name] extends DeviceProtocol<infer Settings> ? Settings : never;

export function isProtocolName(name: unknown): name is ProtocolName {
  return typeof name === 'string' && Object.hasOwn(DEVICE_PROTOCOLS, name);
}
