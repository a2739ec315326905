/**
 * The observation of a run: the facts that its invariants check. An observation is data, so that a test can make up
 * cases that never happen.
 */

import type { Errno } from '../../hal/errno.ts';
import type { LossReason } from '../../firmware/index.ts';
import type { OfflineReason } from '../server/events.ts';
import type { FaultSpan } from '../sessions/fault-span.ts';
import type { DeviceLine } from '../verdict/time-line.ts';
import type { Findings } from '../verdict/verdict.ts';
import type { Scenario } from './scenario.ts';
import type { StreamEnd } from './streams.ts';

export interface Observation {
  readonly scenario: Scenario;
  readonly endMs: number;
  readonly findings: Findings;
  /** Every time that a fault came, on each host that it was on, in the order of time. */
  readonly faults: readonly FaultSpan[];
  readonly devices: readonly DeviceFacts[];
  /** Every client that the server ever had online, in the order in which they came. */
  readonly sessions: readonly HeardSession[];
  /** Clients that went offline, in the order of time. */
  readonly gone: readonly GoneClient[];
  /** Facts about MQTT messages; empty if the fleet does not speak MQTT. */
  readonly mqtt: MqttFacts;
  /** Time lines of the devices, as a page would show them. */
  readonly lines: readonly DeviceLine[];
  /**
   * At the end: the clients online by the device that each is, `?` where nobody has its address; undefined: no server
   * runs.
   */
  readonly clients: ReadonlyMap<string, number> | undefined;
  /**
   * At the end: connections of the server's stack that its program has not closed, beside those in their handshakes;
   * undefined: no server runs, or it has no connections.
   */
  readonly openConnections: number | undefined;
  /** Both ends of the connections; the server's `remote` is the device's own end, also where a NAT box is between. */
  readonly streams: readonly StreamEnd[];
  /** Now and then: what is held. */
  readonly samples: readonly Sample[];
  /** Errors in the trace itself. */
  readonly traceProblems: readonly string[];
}

export interface DeviceFacts {
  readonly name: string;
  /**
   * Times at which the device was served: it received an answer. If nobody answers, the times at which the server
   * reported its heartbeats.
   */
  readonly servedMs: readonly number[];
  /** Times at which the device began to connect. */
  readonly attemptsMs: readonly number[];
  /** Times at which the device's own stack refused a new connection: its table of connections was full (ENOBUFS). */
  readonly tableFullMs: readonly number[];
  /** Times at which the server's stack could not give the device a connection that it asked for. */
  readonly turnedAway: readonly TurnedAway[];
  /** Attempts to connect that failed. */
  readonly failures: readonly ConnectFailure[];
  readonly beatsSent: number;
  /** Connections that it has lost. */
  readonly losses: readonly Loss[];
  /** Times of answers that match no call of the device, or that refuse it. */
  readonly badAnswersMs: readonly number[];
  readonly isConnected: boolean;
}

/**
 * A SYN of the device came to the server, whose table of connections or whose listener was full, or which had an old
 * connection between the same two ends that a SYN does not end.
 */
export interface TurnedAway {
  readonly atMs: number;
  readonly by: 'full-table' | 'full-listener' | 'old-connection';
}

export interface ConnectFailure {
  /** Time at which the device began to connect. */
  readonly fromMs: number;
  readonly atMs: number;
  readonly errno: Errno;
}

export interface Loss {
  readonly atMs: number;
  readonly by: LossReason;
  readonly detail: string | undefined;
}

export interface MqttFacts {
  /** Messages that their devices were told are acknowledged. */
  readonly acknowledged: readonly string[];
  /**
   * Number of times that the broker accepted each message since the broker's last start. A power cut deletes its
   * sessions, and a client whose CONNACK was lost as well cannot know that.
   */
  readonly accepted: ReadonlyMap<string, number>;
}

export interface GoneClient {
  readonly device: string;
  readonly atMs: number;
  readonly how: OfflineReason;
  /** MQTT: how often its will was published since. */
  wills: number;
}

/** A client, as the server hears it. */
export interface HeardSession {
  /** The device, or `?`. */
  readonly device: string;
  /** Times at which the server heard of the device: its connect and each heartbeat. */
  readonly heardMs: number[];
  /** Undefined if the client is online at the end. */
  overMs: number | undefined;
  /** Findings of the server in the sequence of numbered heartbeats. */
  readonly sequence: SequenceFinding[];
}

export interface SequenceFinding {
  readonly atMs: number;
  readonly what: 'missing' | 'late' | 'double';
  readonly count: number;
}

export interface Sample {
  readonly atMs: number;
  /** Places in the queue of events. */
  readonly waiters: number;
  /** Connections in the table of each host's stack. */
  readonly connections: ReadonlyMap<string, number>;
}
