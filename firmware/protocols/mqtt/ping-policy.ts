/**
 * Rules by which a client pings and by which it considers the server dead: the standard's rule, and those of well-known
 * clients. `K` is keep alive. All times are milliseconds of the device's clock; Infinity is never.
 */

import type { PeriodSearch } from '../../tasks/adaptive-period.ts';

/** Facts that a policy uses: the latest times of events on this connection. */
export interface Life {
  /** CONNACK came. */
  readonly connectedMs: number;
  /** A packet was sent, PINGREQ among them. */
  readonly sentMs: number;
  /** A packet other than PINGREQ was sent. */
  readonly otherSentMs: number;
  /** A packet came. */
  readonly receivedMs: number;
  /** An answer came: CONNACK, PINGRESP, SUBACK, PUBACK, PUBREC, PUBREL, PUBCOMP. Not PUBLISH. */
  readonly answeredMs: number;
  /** CONNACK or PINGRESP came. */
  readonly pongMs: number;
  /** Time of the PINGREQ that has no PINGRESP yet; undefined: none is open. */
  readonly pingMs: number | undefined;
}

export interface PingPolicy {
  /** Returns when a PINGREQ is due, while none is open. */
  pingDueMs(life: Life, keepAliveMs: number): number;
  /** Returns when the server counts as dead, while a PINGREQ is open since `pingMs`. */
  deadMs(life: Life, pingMs: number, keepAliveMs: number): number;
  /** The client looks at its clock only so often; 0: exactly when something is due. */
  lookEveryMs(keepAliveMs: number): number;
}

export type PingPolicyName = 'spec' | 'mqtt.js' | 'paho-c' | 'esp-mqtt' | 'coremqtt' | 'qos0-is-life';

const exactly = (): number => 0;

export const PING_POLICIES: Readonly<Record<PingPolicyName, PingPolicy>> = {
  /**
   * [MQTT-3.1.2-23] (5.0: [MQTT-3.1.2-20]): PINGREQ when nothing was sent for K. Section 3.1.2.10 allows one at any
   * time, and so one is sent as well when nothing came for K: what a client sends shows nothing of the server. PINGRESP
   * must come "within a reasonable amount of time". The standard gives no number: K / 2 here, so that both ends know
   * after 1.5 K.
   */
  'spec': {
    pingDueMs: ({ sentMs, receivedMs }, keepAliveMs) => Math.min(sentMs, receivedMs) + keepAliveMs,
    deadMs: (_life, pingMs, keepAliveMs) => pingMs + keepAliveMs / 2,
    lookEveryMs: exactly,
  },
  /**
   * MQTT.js 5.16 (src/lib/KeepaliveManager.ts, handlers/index.ts): a timer of K / 2, started again at every answer, but
   * neither by what is published nor by a PUBLISH that comes. PINGREQ at the second turn, "Keepalive timeout" at the
   * third. K is 60 s by default.
   */
  'mqtt.js': {
    pingDueMs: ({ answeredMs }, keepAliveMs) => answeredMs + 2 * Math.ceil(keepAliveMs / 2),
    deadMs: ({ answeredMs }, _pingMs, keepAliveMs) => answeredMs + 3 * Math.ceil(keepAliveMs / 2),
    lookEveryMs: exactly,
  },
  /**
   * Paho C 1.3 (src/MQTTProtocolClient.c, MQTTProtocol_keepalive): PINGREQ when nothing was sent for K, or nothing came
   * for K. Dead when, for 1.5 K since PINGREQ, nothing came at all. It looks every K / 10, from 100 ms to 5 s
   * (src/MQTTAsyncUtils.c, setRetryLoopInterval), at the end of a turn in which it waits for 1 s and sleeps for 100 ms
   * (MQTTAsync_receiveThread, MQTTAsync_cycle): so every whole 1.1 s. 1.3.12 was measured, K: PINGREQ after, dead after
   * that: 1 s: 1.1 s, 2.2 s; 2 s: 2.2 s, 3.3 s; 3 s: 3.3 s, 5.5 s; 10 s: 11.1 s, 15.5 s; 20 s: 22.1 s, 31.0 s; the same
   * while it publishes with QoS 0 (test/interop/paho.test.ts).
   */
  'paho-c': {
    pingDueMs: ({ sentMs, receivedMs }, keepAliveMs) => Math.min(sentMs, receivedMs) + keepAliveMs,
    deadMs: ({ receivedMs }, pingMs, keepAliveMs) => Math.max(pingMs, receivedMs) + 1.5 * keepAliveMs,
    lookEveryMs: (keepAliveMs) => Math.ceil(Math.min(Math.max(keepAliveMs / 10, 100), 5000) / 1100) * 1100,
  },
  /**
   * esp-mqtt (mqtt_client.c, process_keepalive): only CONNACK and PINGRESP count. PINGREQ after K / 2, dead after K.
   * Its task looks about once a second (MQTT_POLL_READ_TIMEOUT_MS). K is 120 s by default (MQTT_KEEPALIVE_TICK).
   */
  'esp-mqtt': {
    pingDueMs: ({ pongMs }, keepAliveMs) => pongMs + keepAliveMs / 2,
    deadMs: ({ pongMs }, _pingMs, keepAliveMs) => pongMs + keepAliveMs,
    lookEveryMs: () => 1000,
  },
  /**
   * coreMQTT (core_mqtt.c, handleKeepAlive): PINGREQ when nothing was sent for K or 30 s, whichever is less, or nothing
   * came for 30 s (PACKET_TX_TIMEOUT_MS, PACKET_RX_TIMEOUT_MS). Dead when PINGRESP took more than 5 s
   * (MQTT_PINGRESP_TIMEOUT_MS). 5.0.2 was compiled for Linux, called once a millisecond, and measured against a server
   * that falls silent after its first PINGRESP. PINGREQ after, dead after that, with K of 1, 2, 3, 10, 20, 40 and 60 s:
   * 1.0, 2.0, 3.0, 10.0, 20.0, 30.0 and 30.0 s; always 5.0 s. While it publishes with QoS 0 each 500 ms, with K of 1,
   * 3, 10 and 40 s: 30.0 s; 5.0 s. Not modelled: CONNACK does not count as received (core_mqtt.c,
   * receiveSingleIteration), so that a PINGREQ follows it at once where the clock is past 30 s.
   */
  'coremqtt': {
    pingDueMs: ({ sentMs, receivedMs }, keepAliveMs) => (
      Math.min(sentMs + Math.min(keepAliveMs, 30_000), receivedMs + 30_000)
    ),
    deadMs: (_life, pingMs) => pingMs + 5001,
    lookEveryMs: exactly,
  },
  /**
   * The known bug: every packet that is sent counts as a sign of life, of the server, too. Who publishes with QoS 0
   * more often than every K never pings, and one who waits for PINGRESP waits on with every PUBLISH: a dead server is
   * never noticed. MQTT.js was so (its issues 682 and 1861, mended in 5.6); the letter of [MQTT-3.1.2-23] allows the
   * first half.
   */
  'qos0-is-life': {
    pingDueMs: ({ sentMs, answeredMs }, keepAliveMs) => Math.max(sentMs, answeredMs) + keepAliveMs,
    deadMs: ({ otherSentMs }, pingMs, keepAliveMs) => Math.max(pingMs, otherSentMs) + keepAliveMs / 2,
    lookEveryMs: exactly,
  },
};

/** Pings at a period that the client finds by itself, at most at keep alive. */
export function adaptivePings(search: PeriodSearch): PingPolicy {
  return {
    pingDueMs: ({ sentMs, receivedMs }, keepAliveMs) => (
      Math.min(sentMs, receivedMs) + Math.min(search.periodMs, keepAliveMs)
    ),
    deadMs: (_life, pingMs) => pingMs + search.answerTimeoutMs,
    lookEveryMs: exactly,
  };
}

/** The names, in the order of the table. */
export const PING_POLICY_NAMES: readonly PingPolicyName[] = [
  'spec', 'mqtt.js', 'paho-c', 'esp-mqtt', 'coremqtt', 'qos0-is-life',
];

/**
 * Returns when the client has to act next: ping, or give the server up. Infinity with keep alive 0, which turns all of
 * this off (section 3.1.2.10).
 */
export function nextLookMs(policy: PingPolicy, life: Life, keepAliveMs: number): number {
  if (keepAliveMs === 0) return Infinity;
  const { pingMs, connectedMs } = life;
  const dueMs = pingMs === undefined ? policy.pingDueMs(life, keepAliveMs) : policy.deadMs(life, pingMs, keepAliveMs);
  const everyMs = policy.lookEveryMs(keepAliveMs);
  if (everyMs === 0) return dueMs;
  // The loop of such a client has a rhythm of its own: here it begins with the connection. One turn does one thing.
  const turn = Math.ceil((dueMs - connectedMs) / everyMs);
  const turnOfPing = pingMs === undefined ? -1 : Math.floor((pingMs - connectedMs) / everyMs);
  return connectedMs + Math.max(turn, turnOfPing + 1) * everyMs;
}
