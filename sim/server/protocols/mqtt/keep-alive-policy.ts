/**
 * Rules by which brokers take a silent client offline. The standard says 1.5 x keep alive ([MQTT-3.1.2-24]; 5.0:
 * [MQTT-3.1.2-22]). Brokers differ in when they check, and in which keep alive they grant. All times are milliseconds
 * of the broker's clock.
 */

/** Facts about one client that a policy uses. */
export interface Heard {
  /** CONNACK was sent. */
  readonly connectedMs: number;
  /** Time of the last packet of any type. */
  readonly packetMs: number;
  /** The last PINGREQ came; before the first, CONNACK was sent. */
  readonly pingMs: number;
}

export interface KeepAlivePolicy {
  /** The keep alive that is granted, in seconds; 0: off. */
  grantedS(askedS: number): number;
  /** Returns when the client is taken offline if nothing more arrives. `keepAliveMs` is above 0. */
  dropMs(heard: Heard, keepAliveMs: number): number;
}

export type KeepAlivePolicyName =
  'spec' | 'mosquitto' | 'mosquitto-2.1' | 'emqx' | 'emqx-4' | 'hivemq' | 'aws-iot-core';

const asAsked = (askedS: number): number => askedS;
const afterOneAndAHalf = ({ packetMs }: Heard, keepAliveMs: number): number => packetMs + 1.5 * keepAliveMs;

/** mosquitto counts in whole seconds: when a packet came, and how long a client may be silent. */
const wholeSeconds = (ms: number): number => Math.floor(ms / 1000);

export const KEEP_ALIVE_POLICIES: Readonly<Record<KeepAlivePolicyName, KeepAlivePolicy>> = {
  /** Exactly 1.5 x keep alive after the last packet. */
  'spec': { grantedS: asAsked, dropMs: afterOneAndAHalf },
  /**
   * mosquitto 2.0 (src/keepalive.c): it looks when more than 5 whole seconds have gone since it looked last, so every 6
   * s; and drops whom it heard last more than 1.5 x keep alive ago, both in whole seconds. 2.0.11 was measured at 4.1
   * to 10.0 s for a keep alive of 3 s.
   */
  'mosquitto': {
    grantedS: asAsked,
    dropMs({ packetMs }, keepAliveMs) {
      const afterS = wholeSeconds(packetMs) + wholeSeconds(1.5 * keepAliveMs) + 1;
      return Math.ceil(afterS / 6) * 6000;
    },
  },
  /** mosquitto 2.1 (src/keepalive.c of its branch develop): the same, but it looks every second. */
  'mosquitto-2.1': {
    grantedS: asAsked,
    dropMs: ({ packetMs }, keepAliveMs) => (wholeSeconds(packetMs) + wholeSeconds(1.5 * keepAliveMs) + 1) * 1000,
  },
  /**
   * EMQX 5 (apps/emqx/src/emqx_keepalive.erl): a timer for each client, of 30 s or half of keep alive, whichever is
   * less, but at least 1 s (keepalive_check_interval). Each PINGREQ restarts it. It drops the client at the turn at
   * which turns without any packet add up to 1.5 x keep alive (keepalive_multiplier).
   */
  'emqx': {
    grantedS: asAsked,
    dropMs({ packetMs, pingMs }, keepAliveMs) {
      const turnMs = Math.min(30_000, Math.max(Math.floor(keepAliveMs / 2), 1000));
      const seenMs = pingMs + Math.ceil((packetMs - pingMs) / turnMs) * turnMs;
      return seenMs + Math.ceil((1.5 * keepAliveMs) / turnMs) * turnMs;
    },
  },
  /**
   * EMQX 4.0 to 4.2 (src/emqx_keepalive.erl; its issue 3547): it looks each 0.75 x keep alive (keepalive_backoff), and
   * drops the client when for the second time nothing has come since it looked before: after 1.5 to 2.25 x keep alive.
   */
  'emqx-4': {
    grantedS: asAsked,
    dropMs({ connectedMs, packetMs }, keepAliveMs) {
      const turnMs = Math.round(0.75 * keepAliveMs);
      return connectedMs + (Math.ceil((packetMs - connectedMs) / turnMs) + 2) * turnMs;
    },
  },
  /**
   * HiveMQ CE (com.hivemq.mqtt.handler.KeepAliveDisconnectHandler): a timer for each client, as Netty's reader idle;
   * 1.5 exactly (MQTT_CONNECTION_KEEP_ALIVE_FACTOR).
   */
  'hivemq': { grantedS: asAsked, dropMs: afterOneAndAHalf },
  /**
   * AWS IoT Core (its service quotas): 30 to 1200 s; less counts as 30 s; more, and 0, as 1200 s. When it looks is not
   * published: exactly at 1.5 here.
   */
  'aws-iot-core': {
    grantedS: (askedS) => (askedS === 0 ? 1200 : Math.min(Math.max(askedS, 30), 1200)),
    dropMs: afterOneAndAHalf,
  },
};

export const KEEP_ALIVE_POLICY_NAMES: readonly KeepAlivePolicyName[] = [
  'spec', 'mosquitto', 'mosquitto-2.1', 'emqx', 'emqx-4', 'hivemq', 'aws-iot-core',
];
