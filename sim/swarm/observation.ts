/**
 * What is looked at of a run: the facts that its invariants are about. Data, so that a test can make up what never
 * happens.
 */

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
  /** What becomes of messages; empty where the fleet does not speak MQTT. */
  readonly mqtt: MqttFacts;
  /** What a page would show. */
  readonly lines: readonly DeviceLine[];
  /**
   * At the end: the clients online by the device that each is, `?` where nobody has its address; undefined: no server
   * runs.
   */
  readonly clients: ReadonlyMap<string, number> | undefined;
  /** Both ends of the connections; the server's `remote` is the device's own end, also where a NAT box is between. */
  readonly streams: readonly StreamEnd[];
  /** Now and then: what is held. */
  readonly samples: readonly Sample[];
  /** What is wrong with the trace itself. */
  readonly traceProblems: readonly string[];
}

export interface DeviceFacts {
  readonly name: string;
  /** When it was served: what it sent answered; where nobody answers, a beat that the server tells of. */
  readonly servedMs: readonly number[];
  /** When it began to connect. */
  readonly attemptsMs: readonly number[];
  readonly beatsSent: number;
  /** Connections that it has lost. */
  readonly losses: readonly Loss[];
  /** When it had answers that are none to its calls, or say no. */
  readonly badAnswersMs: readonly number[];
  readonly isConnected: boolean;
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
   * How often the broker took charge of each message, since it was started last: with its power it loses its sessions,
   * and a client whose CONNACK was lost, too, cannot know.
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
  /** When the server heard of it: that it came, each beat. */
  readonly heardMs: number[];
  /** Undefined: it is online at the end. */
  overMs: number | undefined;
  /** Of numbered beats: what the server has found in their sequence. */
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
