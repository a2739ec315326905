/** Events that the server reports: who came online, and who went offline, after how long and why. */

import { serverName } from '../../firmware/index.ts';
import type { Errno } from '../../hal/errno.ts';
import type { SocketAddress } from '../../hal/network.ts';
import { formatSeconds } from '../time/duration.ts';

/** Reason for which a client went offline. */
export type OfflineReason =
  /** The silence policy: no sign of life for this time. */
  | { readonly kind: 'silent'; readonly silentMs: number }
  /** The client's FIN; `halfFrame`: in the middle of a frame. */
  | { readonly kind: 'closed'; readonly halfFrame: boolean }
  /** TCP gave the connection up: a reset, a keepalive or a retransmission without answer. */
  | { readonly kind: 'error'; readonly errno: Errno }
  | { readonly kind: 'bad-frame'; readonly reason: string }
  | { readonly kind: 'flood'; readonly maxFramesPerSecond: number; readonly maxFrameBurst: number }
  | { readonly kind: 'no-first-frame'; readonly waitedMs: number }
  /** The client does not read what it is sent. */
  | { readonly kind: 'not-reading'; readonly queuedBytes: number }
  /** The protocol's rules. `reason` is a sentence without a full stop. */
  | { readonly kind: 'dropped'; readonly reason: string }
  /** The same device has connected again, as client `by`. */
  | { readonly kind: 'taken-over'; readonly by: number }
  /** Others do not hear it: their names. */
  | { readonly kind: 'reported'; readonly by: readonly string[] }
  /** The server was stopped. */
  | { readonly kind: 'stopped' };

/** `atMs` is the time of the HAL's clock; `client` counts from 1 and is never used again. */
export type ServerEvent =
  | { readonly kind: 'listening'; readonly atMs: number; readonly local: SocketAddress }
  /** The server cannot listen, or no longer listens; its clients stay connected. */
  | { readonly kind: 'failed'; readonly atMs: number; readonly local: SocketAddress; readonly errno: Errno }
  | { readonly kind: 'online'; readonly atMs: number; readonly client: number; readonly peer: SocketAddress }
  /** A beat, or a line answered; only with `beatEvents`. */
  | { readonly kind: 'beat'; readonly atMs: number; readonly client: number; readonly peer: SocketAddress }
  /** Echo: the line was not answered by the time the next was due. Told once a line. */
  | { readonly kind: 'unanswered'; readonly atMs: number; readonly client: number; readonly waitedMs: number }
  /** Numbered beats: `count` of them are missing; or one that was missing has come late, or one has come again. */
  | {
    readonly kind: 'sequence'; readonly atMs: number; readonly client: number;
    readonly what: 'missing' | 'late' | 'double'; readonly count: number;
  }
  | {
    readonly kind: 'offline'; readonly atMs: number; readonly client: number; readonly peer: SocketAddress;
    readonly onlineMs: number;
    /** Time since the last sign of life, as the silence policy counts it. */
    readonly silentMs: number;
    readonly reason: OfflineReason;
  }
  /** MQTT: the broker takes charge of a message of QoS 1 or 2, which it is about to acknowledge. */
  | {
    readonly kind: 'message'; readonly atMs: number; readonly client: number; readonly topic: string;
    /** Text of the message, cut short. */
    readonly text: string;
  }
  /** MQTT: the will of a client was published; `subscribers` is how many subscribers were online to get it. */
  | {
    readonly kind: 'will'; readonly atMs: number; readonly client: number; readonly topic: string;
    readonly subscribers: number;
  }
  /** Turned away: all connections are taken. */
  | { readonly kind: 'refused'; readonly atMs: number; readonly peer: SocketAddress; readonly maxConnections: number };

/** The event as a sentence, without its time. */
export function describeEvent(event: ServerEvent): string {
  switch (event.kind) {
    case 'listening': return `listening on ${addressText(event.local)}`;
    case 'failed': return `cannot listen on ${addressText(event.local)}: ${event.errno}`;
    case 'online': return `client ${event.client} (${addressText(event.peer)}) online`;
    case 'beat': return `client ${event.client} beat`;
    case 'unanswered': return `client ${event.client} has not answered a line for ${formatSeconds(event.waitedMs)}`;
    case 'sequence': return `client ${event.client}: ${sequenceText(event)}`;
    case 'offline': {
      const heard = event.reason.kind === 'silent' ? '' : ` (last heard ${formatSeconds(event.silentMs)} ago)`;
      return `client ${event.client} (${addressText(event.peer)}) offline after ${formatSeconds(event.onlineMs)}: ${describeReason(event.reason)}${heard}`;
    }
    case 'message': return `client ${event.client} published ${JSON.stringify(event.text)} on ${event.topic}`;
    case 'will': {
      const reached = `${event.subscribers} ${event.subscribers === 1 ? 'subscriber' : 'subscribers'}`;
      return `the will of client ${event.client} on ${event.topic} reached ${reached}`;
    }
    case 'refused': return `${addressText(event.peer)} turned away: all ${event.maxConnections} connections are taken`;
  }
}

function sequenceText({ what, count }: Extract<ServerEvent, { kind: 'sequence' }>): string {
  switch (what) {
    case 'missing': return `${count} ${count === 1 ? 'beat is' : 'beats are'} missing`;
    case 'late': return 'a beat that was missing has come';
    case 'double': return 'a beat has come twice';
  }
}

export function describeReason(reason: OfflineReason): string {
  switch (reason.kind) {
    case 'silent':
      return `silent for ${formatSeconds(reason.silentMs)}`;
    case 'closed':
      return reason.halfFrame ? 'it closed the connection in the middle of a frame' : 'it closed the connection';
    case 'error':
      return reason.errno;
    case 'bad-frame':
      return `bad frame: ${reason.reason}`;
    case 'flood':
      return `flood: more than ${reason.maxFrameBurst} frames beyond ${reason.maxFramesPerSecond} a second`;
    case 'no-first-frame':
      return `no valid frame within ${formatSeconds(reason.waitedMs)}`;
    case 'not-reading':
      return `it does not read: ${reason.queuedBytes} bytes wait for it`;
    case 'dropped':
      return reason.reason;
    case 'taken-over':
      return `taken over by client ${reason.by}`;
    case 'reported':
      return `reported by ${reason.by.join(', ')}`;
    case 'stopped':
      return 'the server was stopped';
  }
}

/** `192.0.2.1:39002`, `[2001:db8::1]:39002`. */
export function addressText({ address, port }: SocketAddress): string {
  return serverName({ host: address, port });
}
