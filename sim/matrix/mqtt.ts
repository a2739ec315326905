/** The matrix of MQTT: what well-known clients and brokers make of each fault. */

import type { PingPolicyName } from '../../firmware/protocols/mqtt/ping-policy.ts';
import type { MatrixFault } from './matrix.ts';
import { mqttBroker, type MqttBrokerSettings, mqttFirmware } from '../programs.ts';
import type { ProtocolPolicy } from './policy.ts';
import { usualFaultsAt } from './usual-faults.ts';

const KEEP_ALIVE_S = 30;
const PUBLISH_INTERVAL_MS = 10_000;

/**
 * Keep alive 30 s, and every 10 s a message of QoS 0. What the device does is the client's, what the server does the
 * broker's.
 */
export const MQTT_POLICIES: readonly ProtocolPolicy[] = [
  policy('spec', 'spec'),
  policy('mqtt.js', 'mosquitto'),
  policy('paho-c', 'mosquitto-2.1'),
  policy('esp-mqtt', 'emqx'),
  policy('coremqtt', 'aws-iot-core'),
  policy('qos0-is-life', 'hivemq'),
];

function policy(pings: PingPolicyName, broker: MqttBrokerSettings['keepAlive']): ProtocolPolicy {
  return {
    name: pings === broker ? pings : `${pings}, ${broker}`,
    device: mqttFirmware({
      pings, keepAliveS: KEEP_ALIVE_S, publishIntervalMs: PUBLISH_INTERVAL_MS, publishQos: 0,
    }),
    server: mqttBroker({ keepAlive: broker }),
  };
}

const usual = usualFaultsAt('10m');

export const MQTT_FAULTS: readonly MatrixFault[] = [
  usual(
    'cable',
    'The broker hears nothing for 1.5 x keep alive, and looks as often as it does. A client that takes what it sends itself ' +
    "for a sign of life is left to TCP's retransmissions.",
  ),
  usual('power', 'As with the cable; the will is published then.'),
  usual(
    'power and reboot',
    'The device comes back with the same client identifier: its new connection takes the session over, and the ghost goes.',
  ),
  usual('hang', 'No packet comes from a hung firmware, whatever its TCP stack acknowledges: keep alive finds it.'),
  usual(
    'server power',
    'PINGREQ has no answer. How long a client waits before it asks, and then for PINGRESP, is its own.',
  ),
  usual(
    'server hang',
    "The server's TCP acknowledges every message of QoS 0: a client that takes that for a sign of life never learns that " +
    'nobody reads them.',
  ),
];
