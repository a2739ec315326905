/**
 * Fleets: what the devices of a scenario speak, how that is drawn, what runs on both ends for it, and how long each end
 * may believe in the other by the rules of that protocol.
 */

import { DEVICE_PROTOCOLS, type ProtocolSettingsOf } from '../../firmware/index.ts';
import type { Dice } from '../dice.ts';
import type { Firmware } from '../board/board.ts';
import { firmware, type MqttBrokerSettings, SIMULATED_SERVERS as servers } from '../programs.ts';
import type { Liveness } from '../server/client-table.ts';
import type { ServerOptions } from '../server/settings.ts';
import { formatDuration } from '../time/duration.ts';
import type { FleetPolicy } from './scenario.ts';

/** The protocol of a fleet, with the settings that are drawn for this protocol only. */
export type FleetProtocol = HeartbeatFleet | UdpHeartbeatFleet | FramedFleet | DubboFleet | MqttFleet | PeersFleet;

export interface HeartbeatFleet {
  readonly kind: 'heartbeat';
  /**
   * Measure of silence at the server: missed heartbeats, or time since the last byte. The server's interval is that of
   * the heartbeats.
   */
  readonly silence: 'missed-beats' | 'idle';
}

export interface UdpHeartbeatFleet {
  readonly kind: 'udp-heartbeat';
  readonly numbered: boolean;
}

export interface FramedFleet {
  readonly kind: 'framed';
  /**
   * The device asks for a sign of life when it has written nothing for a beat; or when it has read nothing, either:
   * then the server pushes nothing, or the device would never ask.
   */
  readonly asksWhen: 'writer-idle' | 'all-idle';
  /** The server sends data so often; 0: none. */
  readonly pushIntervalMs: number;
  /** The device sends data every so many beats, more than one, or it would never ask; 0: none. */
  readonly dataBeats: number;
}

export interface DubboFleet {
  readonly kind: 'dubbo';
  readonly callIntervalMs: number;
  /** Times that the server works on one call after the other. Answers come late and out of order. */
  readonly workMs: readonly number[];
}

/** The keep alive of MQTT is the interval of the heartbeats. */
export interface MqttFleet {
  readonly kind: 'mqtt';
  readonly version: '3.1.1' | '5.0';
  readonly pings: Exclude<ProtocolSettingsOf<'mqtt'>['pings'], 'qos0-is-life'>;
  readonly broker: Exclude<MqttBrokerSettings['keepAlive'], 'aws-iot-core'>;
  readonly publishIntervalMs: number;
  readonly publishQos: ProtocolSettingsOf<'mqtt'>['publishQos'];
  readonly keepSession: boolean;
}

/**
 * Peers ping each other, and report to the server, their monitor, at the interval of the heartbeats. Nobody is behind a
 * NAT box: a ping would not pass it.
 */
export interface PeersFleet {
  readonly kind: 'peers';
  readonly pingIntervalMs: number;
  readonly graceMs: number;
  readonly minReporters: number;
}

/**
 * Three fleets in ten speak MQTT, between three and four heartbeat, the others UDP, framed, Dubbo, and as peers. Also
 * gives how often they beat.
 */
export function drawProtocol(
  dice: Dice, silence: HeartbeatFleet['silence'], intervalMs: number,
): readonly [FleetProtocol, beatIntervalMs: number] {
  if (dice.chance(0.3)) {
    // Keep alive is in whole seconds; half of it is longer than the longest way there and back.
    const keepAliveMs = dice.whole(5, 20) * 1000;
    return [drawMqtt(dice), keepAliveMs];
  }
  const share = dice.whole(1, 16);
  if (share <= 8) return [{ kind: 'heartbeat', silence }, intervalMs];
  if (share <= 10) return [{ kind: 'udp-heartbeat', numbered: dice.chance(0.7) }, intervalMs];
  if (share <= 12) return [drawDubbo(dice), intervalMs];
  return [share <= 14 ? drawFramed(dice) : drawPeers(dice), intervalMs];
}

function drawPeers(dice: Dice): PeersFleet {
  return {
    kind: 'peers',
    pingIntervalMs: dice.whole(10, 60) * 100,
    // Longer than any way there and back, and than the pings of which one in five is lost on the worst of cables.
    graceMs: dice.whole(5, 20) * 1000,
    minReporters: dice.pick([1, 2, 2, 2, 3] as const),
  };
}

/** Longer than any way there and back, and shorter than some work. */
const CALL_TIMEOUT_MS = 5000;

function drawDubbo(dice: Dice): DubboFleet {
  // One call is answered at once: a device whose calls all come too late is never served.
  const others = Array.from({ length: dice.whole(0, 2) }, () => dice.pick([0, 50, 400, 1500, 7000]));
  return { kind: 'dubbo', callIntervalMs: dice.magnitude(5, 600) * 100, workMs: [0, ...others] };
}

function drawFramed(dice: Dice): FramedFleet {
  const asksWhen = dice.chance(0.7) ? 'writer-idle' : 'all-idle';
  const pushes = asksWhen === 'writer-idle' && dice.chance(0.5);
  return {
    kind: 'framed', asksWhen,
    pushIntervalMs: pushes ? dice.whole(5, 100) * 100 : 0,
    dataBeats: dice.pick([0, 0, 1.5, 2.5]),
  };
}

function drawMqtt(dice: Dice): MqttFleet {
  return {
    kind: 'mqtt',
    version: dice.pick(['3.1.1', '5.0'] as const),
    pings: dice.pick(['spec', 'mqtt.js', 'paho-c', 'esp-mqtt', 'coremqtt'] as const),
    broker: dice.pick(['spec', 'mosquitto', 'mosquitto-2.1', 'emqx', 'hivemq'] as const),
    publishIntervalMs: dice.whole(5, 100) * 100,
    publishQos: dice.pick([0, 1, 1, 2, 2] as const),
    keepSession: dice.chance(0.8),
  };
}

/** Both ends of a fleet. Times are in ms, by the clock of the end that counts them, and without what is on its way. */
export interface FleetEnds {
  firmware(watchdogMs: number): Firmware;
  readonly server: Pick<ServerOptions, 'protocol' | 'liveness'>;
  /** Shortest and longest time for which the server keeps a client that it no longer hears. */
  readonly silentMs: { readonly least: number; readonly most: number };
  /**
   * Longest time for which a device keeps a session in which nobody answers. If nobody ever answers, the device sends a
   * heartbeat after this time.
   */
  readonly deadMs: number;
  /** Longest time that a connected device waits for the server to admit it. */
  readonly admittedMs: number;
  /** A few words, for people. */
  readonly text: string;
}

export function fleetOf(policy: FleetPolicy): FleetEnds {
  const { speaks } = policy;
  switch (speaks.kind) {
    case 'heartbeat': return heartbeatFleet(policy, speaks);
    case 'udp-heartbeat': return udpHeartbeatFleet(policy, speaks);
    case 'framed': return framedFleet(policy, speaks);
    case 'dubbo': return dubboFleet(policy, speaks);
    case 'mqtt': return mqttFleet(policy, speaks);
    case 'peers': return peersFleet(policy, speaks);
  }
}

/** Interval at which a server looks for silent clients, unless it does so at the interval of the heartbeats. */
const CHECK_MS = 1000;

/**
 * The scan that finds the count of missed beats at the limit is number missedLimit + 1 (client-table.ts), and the first
 * may come at once; idleness of missedLimit beats is found by the first scan when the time is over. Keepalive can only
 * be sooner: a connection whose beats come is not idle, and one whose beats do not come is dropped by the count. A
 * device finds as many beats without an answer as the limit when one more is due (heartbeat.ts).
 */
function heartbeatFleet(policy: FleetPolicy, { silence }: HeartbeatFleet): FleetEnds {
  const { beatIntervalMs, missedLimit, keepAlive, connectTimeoutMs, retry } = policy;
  const liveness: Liveness = silence === 'missed-beats'
    ? { policy: 'missed-beats', scanIntervalMs: beatIntervalMs, missedLimit }
    : { policy: 'idle', checkIntervalMs: beatIntervalMs, idleMs: beatIntervalMs * missedLimit };
  return {
    firmware: (watchdogMs) => firmware({
      protocol: 'heartbeat', servers, beatIntervalMs, missedLimit, keepAlive, connectTimeoutMs, retry,
      watchdogMs,
    }),
    server: { liveness },
    silentMs: { least: beatIntervalMs * missedLimit, most: beatIntervalMs * (missedLimit + 1) },
    deadMs: beatIntervalMs * (missedLimit + 1),
    admittedMs: 0,
    text: `beats every ${formatDuration(beatIntervalMs)}, ${missedLimit} may be missed, silence by ${silence}`,
  };
}

/** Nobody answers: a device gives nothing up, and is served by the beat after the last one that was lost. */
function udpHeartbeatFleet(policy: FleetPolicy, { numbered }: UdpHeartbeatFleet): FleetEnds {
  const { beatIntervalMs, missedLimit, connectTimeoutMs, retry } = policy;
  const idleMs = beatIntervalMs * missedLimit;
  return {
    firmware: (watchdogMs) => firmware({
      protocol: 'udp-heartbeat', servers, beatIntervalMs, numbered, connectTimeoutMs, retry, watchdogMs,
    }),
    server: {
      protocol: { kind: 'udp-heartbeat' },
      liveness: { policy: 'idle', checkIntervalMs: CHECK_MS, idleMs },
    },
    silentMs: { least: idleMs, most: idleMs + CHECK_MS },
    deadMs: beatIntervalMs,
    admittedMs: 0,
    text: `UDP: ${numbered ? 'numbered ' : ''}beats every ${formatDuration(beatIntervalMs)}, `
      + `${missedLimit} may be missed`,
  };
}

/** Long for a report, so that it is the other peers that notice first. */
const REPORT_TIMEOUT_MS = 60_000;

/**
 * A peer gives up a monitor that does not answer so many reports, when the next one is due (peer.ts). Whom no other
 * peer reports, the monitor drops when nothing has come for REPORT_TIMEOUT_MS.
 */
function peersFleet(policy: FleetPolicy, { pingIntervalMs, graceMs, minReporters }: PeersFleet): FleetEnds {
  const { beatIntervalMs: reportIntervalMs, missedLimit, connectTimeoutMs, retry } = policy;
  return {
    firmware: (watchdogMs) => firmware({
      protocol: 'peers', servers, pingIntervalMs, graceMs, reportIntervalMs, missedLimit, connectTimeoutMs, retry,
      watchdogMs,
    }),
    server: {
      protocol: { kind: 'peers', minReporters },
      liveness: { policy: 'idle', checkIntervalMs: CHECK_MS, idleMs: REPORT_TIMEOUT_MS },
    },
    silentMs: { least: REPORT_TIMEOUT_MS, most: REPORT_TIMEOUT_MS + CHECK_MS },
    deadMs: reportIntervalMs * (missedLimit + 1),
    admittedMs: 0,
    text: `peers: pings at most ${formatDuration(pingIntervalMs)} apart, grace ${formatDuration(graceMs)}, `
      + `${minReporters} reporters, reports every ${formatDuration(reportIntervalMs)}, ${missedLimit} may be missed`,
  };
}

/**
 * Either end gives the other up when its reader was idle for missedLimit beats. Data counts for that, though it is no
 * beat; between two questions there is one at most, which a bad line may bring as late as that.
 */
function framedFleet(policy: FleetPolicy, { asksWhen, pushIntervalMs, dataBeats }: FramedFleet): FleetEnds {
  const { beatIntervalMs, missedLimit, keepAlive, connectTimeoutMs, retry } = policy;
  const readerIdleMs = beatIntervalMs * missedLimit;
  const dataIntervalMs = beatIntervalMs * dataBeats;
  const push = pushIntervalMs === 0 ? undefined : { intervalMs: pushIntervalMs, dataBytes: 16 };
  return {
    firmware: (watchdogMs) => firmware({
      protocol: 'framed', servers, keepAlive, connectTimeoutMs, retry, watchdogMs, dataIntervalMs,
      readerIdleMs,
      writerIdleMs: asksWhen === 'writer-idle' ? beatIntervalMs : 0,
      allIdleMs: asksWhen === 'all-idle' ? beatIntervalMs : 0,
    }),
    server: { protocol: { kind: 'framed', readerIdleMs, push } },
    silentMs: { least: readerIdleMs, most: readerIdleMs * (dataBeats === 0 ? 1 : 2) },
    deadMs: readerIdleMs,
    admittedMs: DEVICE_PROTOCOLS.framed.defaults.loginTimeoutMs,
    text: `framed: asks when ${asksWhen.replace('-', ' ')} for ${formatDuration(beatIntervalMs)}, ends when reader idle `
      + `for ${formatDuration(readerIdleMs)}, pushes ${each(pushIntervalMs)}, data ${each(dataIntervalMs)}`,
  };
}

function each(intervalMs: number): string {
  return intervalMs === 0 ? 'never' : `every ${formatDuration(intervalMs)}`;
}

/**
 * A server drops whom it has not read for missedLimit beats, as it writes nothing but answers, the last of them after
 * its work; a device gives it up after as long. Over a new connection nothing is said before the next call or beat; and
 * where answers come, there are no beats, and as many calls may time out as there are kinds of work.
 */
function dubboFleet(policy: FleetPolicy, { callIntervalMs, workMs }: DubboFleet): FleetEnds {
  const { beatIntervalMs, missedLimit, keepAlive, connectTimeoutMs, retry } = policy;
  const allIdleMs = beatIntervalMs * missedLimit;
  const admittedMs = beatIntervalMs + workMs.length * CALL_TIMEOUT_MS;
  return {
    firmware: (watchdogMs) => firmware({
      protocol: 'dubbo', servers, beatIntervalMs, missedLimit, callIntervalMs, keepAlive, connectTimeoutMs, retry,
      callTimeoutMs: CALL_TIMEOUT_MS, watchdogMs,
    }),
    server: { protocol: { kind: 'dubbo', allIdleMs, workMs } },
    silentMs: { least: allIdleMs, most: allIdleMs + Math.max(...workMs) },
    deadMs: allIdleMs + admittedMs,
    admittedMs,
    text: `Dubbo: calls ${each(callIntervalMs)}, beats after ${formatDuration(beatIntervalMs)}, ends when idle for `
      + `${formatDuration(allIdleMs)}, work of ${workMs.map(formatDuration).join(', ')}`,
  };
}

/**
 * A broker drops after 1.5 x keep alive (keep-alive-policy.ts); mosquitto up to 6 s and a second's rounding later, and
 * as much sooner by its rounding; EMQX up to two of its turns later. The latest that a client gives up a server that
 * answers nothing (ping-policy.ts): paho C after 2.5 x keep alive, and twice the time between its looks; coreMQTT asks
 * after 30 s without anything that comes, and waits for 5 s.
 */
function mqttFleet(policy: FleetPolicy, fleet: MqttFleet): FleetEnds {
  const { beatIntervalMs: keepAliveMs, keepAlive, connectTimeoutMs, retry } = policy;
  const { kind: protocol, broker, ...client } = fleet;
  return {
    firmware: (watchdogMs) => firmware({
      protocol, servers, ...client, keepAliveS: keepAliveMs / 1000, keepAlive, connectTimeoutMs, retry,
      watchdogMs,
    }),
    server: { protocol: { kind: 'mqtt', keepAlive: broker, messageEvents: true } },
    silentMs: { least: 1.5 * keepAliveMs - 1000, most: 1.5 * keepAliveMs + Math.max(7000, keepAliveMs) },
    deadMs: client.pings === 'coremqtt' ? Math.max(keepAliveMs, 30_000) + 5001 : 2.5 * keepAliveMs + 4500,
    admittedMs: DEVICE_PROTOCOLS.mqtt.defaults.connackTimeoutMs,
    text: `MQTT ${client.version}, keep alive ${formatDuration(keepAliveMs)}, pings as ${client.pings}, `
      + `broker as ${broker}, QoS ${client.publishQos} every ${formatDuration(client.publishIntervalMs)}, `
      + `sessions ${client.keepSession ? 'kept' : 'clean'}`,
  };
}
