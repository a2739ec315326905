/** One connection of a device, as both its ends have it. What the words mean stands in sessions.ts. */

import type { LossReason } from '../../firmware/index.ts';
import type { Errno } from '../../hal/errno.ts';
import type { SocketAddress } from '../../hal/network.ts';
import type { ResetReason } from '../../hal/system.ts';
import type { FaultKind } from '../faults/kinds/index.ts';
import type { OfflineReason } from '../server/events.ts';

export interface Session {
  /** The device's end, by its name (end-names.ts). */
  readonly end: string;
  /** The device that owns the session; undefined if no device has reported it yet. It may be a stranger's. */
  device: DeviceSessions | undefined;
  /** Time from which the device has the session. */
  connectedMs: number;
  /** The server's side; undefined if no server has accepted the session. */
  online: Online | undefined;
  /** The time and reason for which the device left the session; undefined if it has not. */
  left: Left | undefined;
  /** The time and reason for which the server dropped the session; undefined while the server's end exists. */
  dropped: Dropped | undefined;
  /** Time at which the program of the user's own server reported the device gone; undefined if it has not. */
  putOfflineMs: number | undefined;
  /** The current outage; undefined while, as far as is known, the device can be reached over this session. */
  outage: Outage | undefined;
  /** Ghosts that are over, the earliest first. */
  ghosts: readonly Ghost[];
  /** Number of beats that the device has sent over the session. */
  beatsSent: number;
  /**
   * Number of these beats, counted from the first, that have arrived or been lost, as the server reports it. Over
   * datagrams without numbers nobody sees which beats are lost, so the lost ones may be missing from this number.
   */
  beatsPassed: number;
}

export interface Online {
  /** The name of its host. */
  readonly server: string;
  /** The number that the server has for the client. Undefined: it has not told. */
  readonly client?: number;
  /** The device's end as this server has it. Undefined: it has not told. */
  readonly peer: SocketAddress | undefined;
  readonly sinceMs: number;
  /**
   * True if no server reports anything: the server is then assumed to accept the session as soon as the device has it.
   */
  readonly isAssumed: boolean;
}

export interface Left {
  readonly atMs: number;
  readonly by: LeftBy;
}

export type LeftBy =
  /** The firmware reported the loss. */
  | { readonly kind: 'lost'; readonly by: LossReason; readonly detail: string | undefined }
  | { readonly kind: 'boot'; readonly resetReason: ResetReason }
  | { readonly kind: 'panic' }
  /** The fault stopped the firmware. */
  | { readonly kind: 'fault'; readonly fault: FaultKind }
  /** The device has a new session. */
  | { readonly kind: 'reconnected' };

export interface Dropped {
  readonly atMs: number;
  readonly by: DroppedBy;
}

export type DroppedBy =
  /** The server says so. */
  | { readonly kind: 'offline'; readonly reason: OfflineReason }
  /** An observer outside the server saw its end of the connection go. */
  | { readonly kind: 'hung-up'; readonly by: Errno | 'closed' }
  /** The fault stopped the server. */
  | { readonly kind: 'fault'; readonly fault: FaultKind }
  /** The same end is that of a newer one. */
  | { readonly kind: 'replaced' };

/** The device cannot be reached over the session, or has left it. */
export interface Outage {
  readonly sinceMs: number;
  /** Cause of the outage: the line of a plan, or a sentence. */
  readonly why: string;
  /** Time at which the last fault that cuts the device off came or was over. */
  latestMs: number;
  /** Something that is over at once has cut the device off: only what was sent after that shows that it is served. */
  moment: Moment | undefined;
}

/** A moment in the life of a session: when it was, and how many beats the device had sent over it. */
export interface Moment {
  readonly atMs: number;
  readonly beatsSent: number;
}

/**
 * Whether a sign of service over the session shows that the device is served since that moment: what it answers was
 * sent then or later. Where nobody answers (`sentMs` undefined), the server has had more beats than were sent before.
 */
export function isSince({ beatsPassed }: Session, sentMs: number | undefined, { atMs, beatsSent }: Moment): boolean {
  return sentMs === undefined ? beatsPassed > beatsSent : sentMs >= atMs;
}

export interface Ghost {
  readonly fromMs: number;
  readonly toMs: number;
  /** Cause of the ghost: the line of the plan, or a sentence. */
  readonly why: string;
}

/** The connections of a device. */
export interface DeviceSessions {
  readonly name: string;
  /** The one that it has. */
  session: Session | undefined;
  /** The one that its firmware had when a fault stopped it, until it boots. */
  stopped: Session | undefined;
  /** The last one of which the server's end is gone, as who sees it from outside tells. */
  lastDropped: Session | undefined;
  /** Sessions that the device has left and no server has dropped; the earliest first. */
  left: readonly Session[];
  /** True once the device has had a session. */
  hasConnected: boolean;
  /** The server that took one of it last. */
  server: string | undefined;
  /** Nobody answers it: that it is served is assumed, unless a server tells of its beats. */
  isAssumed: boolean;
}

/** The times that the server believed in a ghost, as things stand at `endMs`. */
export function ghostsOf(session: Session, endMs: number): readonly Ghost[] {
  const open = session.dropped === undefined ? ghostUntil(session, endMs) : undefined;
  return open === undefined ? session.ghosts : [...session.ghosts, open];
}

/** Returns the length of these ghosts within a span of time. */
export function ghostMsWithin(session: Session, fromMs: number, toMs: number, endMs: number): number {
  return ghostsOf(session, endMs).reduce((sum, ghost) => {
    return sum + Math.max(Math.min(ghost.toMs, toMs) - Math.max(ghost.fromMs, fromMs), 0);
  }, 0);
}

/** The ghost that an outage makes, if it ends then. */
export function ghostUntil({ outage, online }: Session, toMs: number): Ghost | undefined {
  if (outage === undefined || online === undefined) return undefined;
  const fromMs = Math.max(outage.sinceMs, online.sinceMs);
  return toMs > fromMs ? { fromMs, toMs, why: outage.why } : undefined;
}

/** Returns the sessions of a device that a server has online. */
export function onlineOf({ session, left }: DeviceSessions): readonly Session[] {
  const all = session === undefined || session.dropped !== undefined ? left : [...left, session];
  return all.filter(({ online }) => online !== undefined);
}
