/** MQTT's place among the protocols: the broker as a service, and what the command line knows of both ends. */

import { DEVICE_PROTOCOLS, type ProtocolSettingsOf } from '../../../../firmware/index.ts';
import { PING_POLICY_NAMES } from '../../../../firmware/protocols/mqtt/ping-policy.ts';
import { ADAPTIVE_OPTION, saidAdaptive } from '../../adaptive-option.ts';
import { atLeast } from '../../checks.ts';
import type { ListedProtocol, Said, SaidSettings } from '../protocol.ts';
import { Broker, BROKER_DEFAULTS, type BrokerSettings } from './broker.ts';
import { KEEP_ALIVE_POLICY_NAMES } from './keep-alive-policy.ts';

type MqttSettings = ProtocolSettingsOf<'mqtt'>;

export const MQTT: ListedProtocol<MqttSettings, BrokerSettings> = {
  device: DEVICE_PROTOCOLS.mqtt,
  server: {
    transport: 'stream',
    // Keep alive is each client's own, and the broker's business.
    liveness: { policy: 'none' },
    defaults: BROKER_DEFAULTS,
    problem({ keepAlive, maxSessions, maxQueuedMessages, maxInFlight, maxSubscriptions, maxRetained }) {
      if (!KEEP_ALIVE_POLICY_NAMES.includes(keepAlive)) {
        return `keepAlive is ${String(keepAlive)}, must be one of ${KEEP_ALIVE_POLICY_NAMES.join(', ')}`;
      }
      return atLeast('maxSessions', maxSessions, 1)
        ?? atLeast('maxQueuedMessages', maxQueuedMessages, 0)
        ?? atLeast('maxInFlight', maxInFlight, 1)
        ?? atLeast('maxSubscriptions', maxSubscriptions, 0)
        ?? atLeast('maxRetained', maxRetained, 0);
    },
    serve: (settings, host) => new Broker(settings, host),
  },
  words: {
    summary: 'MQTT 3.1.1 or 5.0 with a broker; --beat is keep alive in whole seconds',
    options: {
      'mqtt-version': { type: 'string', value: '3.1.1|5.0', only: 'run', help: 'version of MQTT (3.1.1)' },
      'keep-alive': { type: 'boolean', default: true, only: 'run', help: 'set keep alive to 0: the devices send no pings' },
      pings: {
        type: 'string', value: PING_POLICY_NAMES.join('|'), only: 'run',
        help: 'rule by which a device pings and gives up the server: of the standard, of a library, or the bug '
          + 'that QoS 0 counts as a sign of life (spec)',
      },
      adaptive: ADAPTIVE_OPTION,
      broker: {
        type: 'string', value: KEEP_ALIVE_POLICY_NAMES.join('|'),
        help: 'rule by which our own broker takes a silent client offline (spec: 1.5 x keep alive)',
      },
      publish: { type: 'string', value: '10s', only: 'run', help: 'interval at which each device publishes a message' },
      qos: { type: 'string', value: '0|1|2', only: 'run', help: 'QoS of these messages (1)' },
      subscribe: {
        type: 'string', value: "'cablepull/+/status'", only: 'run',
        help: 'topic filter that each device subscribes to, instead of its command topic; the trace has the messages, also wills',
      },
      awake: {
        type: 'string', value: '10s', only: 'run',
        help: 'time on a connection after which a device sends DISCONNECT and sleeps (never)',
      },
      asleep: { type: 'string', value: '1m', only: 'run', help: 'length of that sleep (1m)' },
      'clean-session': { type: 'boolean', default: false, only: 'run', help: 'keep no session between connections' },
      'session-expiry': { type: 'string', value: '1h', only: 'run', help: 'time for which an MQTT 5.0 broker keeps a session' },
      will: { type: 'boolean', default: true, only: 'run', help: 'connect without a will' },
      'will-delay': { type: 'string', value: '30s', only: 'run', help: 'delay of the will (MQTT 5.0)' },
      username: { type: 'string', value: 'NAME', only: 'run', help: 'user name of the devices' },
      password: { type: 'string', value: 'WORD', only: 'run', help: 'password of the devices' },
    },
    settings,
  },
};

const QOS = { '0': 0, '1': 1, '2': 2, default: undefined } as const;

const DEFAULTS = DEVICE_PROTOCOLS.mqtt.defaults;

function settings(said: Said): SaidSettings<Omit<MqttSettings, 'servers'>, BrokerSettings> {
  const { keepAlive } = said;
  const beatS = said.seconds('beat', 1, 65_535);
  const isBeating = said.flag('keep-alive');
  const adaptive = saidAdaptive(said);
  const willDelayS = said.seconds('will-delay', 1, 0xffff_ffff);
  const hasWill = said.flag('will');
  const subscribe = said.text('subscribe');
  const { will } = DEFAULTS;
  const delayed = willDelayS === undefined || will === 'none' ? undefined : { ...will, delayS: willDelayS };
  return {
    device: {
      keepAlive,
      version: said.choice('mqtt-version', ['3.1.1', '5.0']),
      // Keep alive is the longest period that an adaptive client may try.
      keepAliveS: isBeating ? beatS ?? (adaptive && Math.ceil(adaptive.maxMs / 1000)) : 0,
      adaptive,
      pings: said.choice('pings', PING_POLICY_NAMES),
      subscribe,
      // A device that subscribes does not answer the messages.
      answerTopic: subscribe === undefined ? undefined : '',
      awakeMs: said.durationMs('awake'),
      asleepMs: said.durationMs('asleep'),
      publishIntervalMs: said.durationMs('publish'),
      publishQos: QOS[said.choice('qos', ['0', '1', '2']) ?? 'default'],
      keepSession: !said.flag('clean-session'),
      sessionExpiryS: said.seconds('session-expiry', 1, 0xffff_ffff),
      will: hasWill ? delayed : 'none',
      username: said.text('username'),
      password: said.text('password'),
    },
    service: { keepAlive: said.choice('broker', KEEP_ALIVE_POLICY_NAMES), messageEvents: true },
  };
}
