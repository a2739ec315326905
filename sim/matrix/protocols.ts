/** The protocols that have a matrix of faults: what is compared in each. */

import { DUBBO_FAULTS, DUBBO_POLICIES } from './dubbo.ts';
import { FRAMED_FAULTS, FRAMED_POLICIES } from './framed.ts';
import { MATRIX_FAULTS, type MatrixFault } from './matrix.ts';
import { MQTT_FAULTS, MQTT_POLICIES } from './mqtt.ts';
import { POLICIES, type Policy } from './policy.ts';
import { UDP_HEARTBEAT_FAULTS, UDP_HEARTBEAT_POLICIES } from './udp-heartbeat.ts';

export interface Comparison {
  readonly policies: readonly Policy[];
  readonly faults: readonly MatrixFault[];
}

export const COMPARISONS: Readonly<Record<string, Comparison>> = {
  heartbeat: { policies: POLICIES, faults: MATRIX_FAULTS },
  mqtt: { policies: MQTT_POLICIES, faults: MQTT_FAULTS },
  framed: { policies: FRAMED_POLICIES, faults: FRAMED_FAULTS },
  dubbo: { policies: DUBBO_POLICIES, faults: DUBBO_FAULTS },
  'udp-heartbeat': { policies: UDP_HEARTBEAT_POLICIES, faults: UDP_HEARTBEAT_FAULTS },
};
