/** The protocols, both ends of each: one line each. The compiler wants one for every protocol that devices speak. */

import { isProtocolName, type ProtocolName } from '../../../firmware/index.ts';
import { DUBBO } from './dubbo.ts';
import { ECHO } from './echo.ts';
import { FRAMED } from './framed.ts';
import { ETHERNET_HEARTBEAT } from './ethernet-heartbeat.ts';
import { HEARTBEAT } from './heartbeat.ts';
import { MQTT } from './mqtt/index.ts';
import { PEERS } from './peers.ts';
import type { ListedProtocol, ServerProtocol } from './protocol.ts';
import { UDP_HEARTBEAT } from './udp-heartbeat.ts';

export const PROTOCOLS = {
  heartbeat: HEARTBEAT,
  echo: ECHO,
  mqtt: MQTT,
  'udp-heartbeat': UDP_HEARTBEAT,
  framed: FRAMED,
  dubbo: DUBBO,
  peers: PEERS,
  'ethernet-heartbeat': ETHERNET_HEARTBEAT,
} satisfies Readonly<Record<ProtocolName, ListedProtocol>>;

export const PROTOCOL_NAMES: readonly ProtocolName[] = Object.keys(PROTOCOLS).filter(isProtocolName);

/** The settings of a protocol's service, by the protocol's name. */
export type ServiceSettingsOf<Name extends ProtocolName> =
  (typeof PROTOCOLS)[Name]['server'] extends ServerProtocol<infer Settings> ? Settings : never;
