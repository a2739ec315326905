/** MQTT 3.1.1 and 5.0 over TCP: keep alive and PINGREQ, a will, messages of QoS 0, 1 and 2 that are sent again. */

import {
  checkBoolean, checkSettings, duration, durationOrNone, oneOf, refuse, type SettingRule, whole,
} from '../../settings.ts';
import { adaptivePeriodRule } from '../../tasks/adaptive-period.ts';
import { CONNECTION_DEFAULTS, connectionRules } from '../../tasks/connection.ts';
import type { DeviceProtocol } from '../protocol.ts';
import { type MqttConfig, mqttTask } from './client.ts';
import { PING_POLICY_NAMES } from './ping-policy.ts';
import { topicFilterProblem, topicNameProblem } from './topic.ts';
import { encodeUtf8, TEXT_MAX_BYTES } from './utf8.ts';

const PRIORITY = 2;

/** Keep alive 60 s, as MQTT.js and Paho have it; a will; a session that is kept; and nothing published. */
export const MQTT: DeviceProtocol<MqttConfig> = {
  name: 'mqtt',
  defaults: {
    ...CONNECTION_DEFAULTS,
    version: '3.1.1',
    clientId: '',
    keepAliveS: 60,
    pings: 'spec',
    adaptive: 'off',
    // esp-mqtt's MQTT_NETWORK_TIMEOUT_MS.
    connackTimeoutMs: 10_000,
    // coreMQTT's MQTT_SEND_TIMEOUT_MS.
    sendTimeoutMs: 20_000,
    keepSession: true,
    sessionExpiryS: 3600,
    will: { topic: 'cablepull/%c/status', text: 'gone', qos: 1, retain: false, delayS: 0 },
    username: '',
    password: '',
    publishIntervalMs: 0,
    publishTopic: 'cablepull/%c/data',
    publishQos: 1,
    publishBytes: 0,
    subscribe: 'cablepull/%c/command',
    subscribeQos: 1,
    answerTopic: 'cablepull/%c/answer',
    maxPacketBytes: 16_384,
    awakeMs: 0,
    asleepMs: 60_000,
  },
  rules: (tickRateHz) => ({
    ...connectionRules(tickRateHz),
    version: oneOf(['3.1.1', '5.0']),
    clientId: text,
    keepAliveS: whole('seconds; 0: off', 0, 65_535),
    pings: oneOf(PING_POLICY_NAMES),
    adaptive: adaptivePeriodRule(tickRateHz),
    connackTimeoutMs: duration(tickRateHz),
    sendTimeoutMs: duration(tickRateHz),
    keepSession: checkBoolean,
    sessionExpiryS: whole('seconds', 0, 0xffff_ffff),
    will(value, field) {
      if (value === 'none') return;
      if (typeof value !== 'object' || value === null) {
        return refuse(field, "'none' or { topic, text, qos, retain, delayS }", value);
      }
      const delayS = whole('seconds', 0, 0xffff_ffff);
      checkSettings(value, { topic: topicName, text, qos: QOS, retain: checkBoolean, delayS }, `${field}.`);
    },
    username: text,
    password: text,
    publishIntervalMs: durationOrNone(tickRateHz),
    publishTopic: topicName,
    publishQos: QOS,
    publishBytes: whole('bytes', 0, 8192),
    subscribe(value, field) {
      if (value !== '') right(topicFilterProblem)(value, field);
    },
    subscribeQos: QOS,
    answerTopic(value, field) {
      if (value !== '') topicName(value, field);
    },
    maxPacketBytes: whole('bytes', 64, 268_435_455),
    awakeMs: durationOrNone(tickRateHz),
    asleepMs: duration(tickRateHz),
  }),
  start(os, hal, settings, onEvent) {
    os.createTask(mqttTask, 'mqtt', PRIORITY, hal, settings, onEvent);
  },
};

const QOS: SettingRule = whole('QoS', 0, 2);

function text(value: unknown, field: string): void {
  const must = `a text of at most ${TEXT_MAX_BYTES} bytes, without U+0000`;
  if (typeof value !== 'string') return refuse(field, must, value);
  try {
    encodeUtf8(value);
  } catch {
    refuse(field, must, value);
  }
}

const topicName: SettingRule = right(topicNameProblem);

function right(problem: (topic: string) => string | undefined): SettingRule {
  return (value, field) => {
    text(value, field);
    const wrong = problem(String(value));
    if (wrong !== undefined) refuse(field, `right: ${wrong}`, value);
  };
}
