/** Times at which MQTT clients ping, and at which they take a silent server for dead: the figures of their sources. */

import { describe, expect, it } from 'vitest';
import {
  type Life, nextLookMs, PING_POLICIES, PING_POLICY_NAMES, type PingPolicyName,
} from '../../../../firmware/protocols/mqtt/ping-policy.ts';

const K = 60_000;

/**
 * A client whose server dies at `deadAtMs`, and that publishes with QoS 0 every `publishMs` (0: never): when it pings,
 * and when it gives up, within an hour. The server answers PINGREQ at once, while it lives.
 */
function lifeOf(name: PingPolicyName, keepAliveMs: number, deadAtMs: number, publishMs = 0) {
  const life = {
    connectedMs: 0, sentMs: 0, otherSentMs: 0, receivedMs: 0, answeredMs: 0, pongMs: 0, pingMs: undefined,
  } as { -readonly [K in keyof Life]: Life[K] };
  const pings: number[] = [];
  let nextPublishMs = publishMs === 0 ? Infinity : publishMs;
  for (;;) {
    const nowMs = Math.min(nextLookMs(PING_POLICIES[name], life, keepAliveMs), nextPublishMs);
    if (nowMs > 3_600_000) return { pings, goneMs: undefined };
    if (nowMs === nextPublishMs) {
      nextPublishMs += publishMs;
      life.sentMs = life.otherSentMs = nowMs;
    } else if (life.pingMs !== undefined) {
      return { pings, goneMs: nowMs };
    } else {
      pings.push(nowMs);
      life.sentMs = nowMs;
      if (nowMs < deadAtMs) life.receivedMs = life.answeredMs = life.pongMs = nowMs;
      else life.pingMs = nowMs;
    }
  }
}

describe('an idle client whose server dies right after it has answered the first ping of 60 s, or of 60.5 s', () => {
  it.each([
    ['spec', 120_000, 150_000],
    ['mqtt.js', 120_000, 150_000],
    ['paho-c', 121_000, 214_500],
    ['esp-mqtt', 90_000, 120_000],
    ['coremqtt', 90_000, 95_001],
    ['qos0-is-life', 120_000, 150_000],
  ] as const)('%s pings at %i ms and gives up at %i ms', (name, pingMs, goneMs) => {
    const { pings, goneMs: gone } = lifeOf(name, K, 60_501);
    expect(pings.at(-1)).toBe(pingMs);
    expect(gone).toBe(goneMs);
  });
});

describe('a client that publishes with QoS 0 every second', () => {
  it.each(PING_POLICY_NAMES.filter((name) => name !== 'qos0-is-life'))('%s notices all the same', (name) => {
    expect(lifeOf(name, K, 60_001, 1000).goneMs).toBeLessThanOrEqual(60_000 + 2.5 * K);
  });

  it('qos0-is-life never pings, and never notices', () => {
    expect(lifeOf('qos0-is-life', K, 60_001, 1000)).toEqual({ pings: [], goneMs: undefined });
  });
});

describe('particulars', () => {
  it('paho C looks every K / 10, in turns of 1.1 s; esp-mqtt every second', () => {
    expect(lifeOf('paho-c', 3000, 3301)).toEqual({ pings: [3300, 6600], goneMs: 12_100 });
    expect(lifeOf('paho-c', 20_000, 1)).toEqual({ pings: [22_000], goneMs: 52_800 });
    expect(lifeOf('esp-mqtt', 3000, 2001)).toEqual({ pings: [2000, 4000], goneMs: 5000 });
  });

  it('coreMQTT pings every 30 s at the latest', () => {
    expect(lifeOf('coremqtt', 600_000, 60_001).pings).toEqual([30_000, 60_000, 90_000]);
  });

  it.each(PING_POLICY_NAMES)('%s does nothing with keep alive 0', (name) => {
    expect(lifeOf(name, 0, 0)).toEqual({ pings: [], goneMs: undefined });
  });
});
