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
    'The broker hears nothing for 1.5 x keep alive; how often it checks depends on the broker. A client that counts ' +
    'its own sent messages as a sign of life learns of the loss only from TCP retransmission.',
  ),
  usual('power', 'For the broker this is the same as a pulled cable; it then publishes the will.'),
  usual(
    'power and reboot',
    'The device comes back with the same client identifier: its new connection takes over the session, and the ghost ends.',
  ),
  usual('hang', 'A hung firmware sends no MQTT packet, although its TCP stack still acknowledges: keep alive finds it.'),
  usual(
    'server power',
    'PINGREQ is not answered. Each client chooses when it sends PINGREQ and how long it waits for PINGRESP.',
  ),
  usual(
    'server hang',
    "The server's TCP acknowledges every message of QoS 0. A client that counts this as a sign of life never learns " +
    'that nobody reads the messages.',
  ),
];
