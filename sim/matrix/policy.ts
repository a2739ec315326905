/** Policies: by what each end would find out that the other is gone. */

import type { KeepAlive } from '../../hal/network.ts';
import type { Firmware } from '../board/board.ts';
import { heartbeatFirmware, referenceServer, type ServerProgram } from '../programs.ts';

export type Policy = BeatPolicy | ProtocolPolicy;

/** A policy of both ends alike. */
export interface BeatPolicy {
  readonly name: string;
  readonly keepAlive: KeepAlive | 'off';
  /** Beats from the device, answered by the server, and how many may be missed; undefined: the connection is idle. */
  readonly beats: { readonly intervalMs: number; readonly missedLimit: number } | undefined;
}

/** A policy of a protocol, at both ends. */
export interface ProtocolPolicy {
  readonly name: string;
  readonly device: Firmware;
  readonly server: ServerProgram;
}


const KEEPALIVE: KeepAlive = { idle: 3, interval: 3, count: 3 };
const BEATS = { intervalMs: 3000, missedLimit: 5 };

/** Policies that heartbeats and keepalive are usually argued about. */
export const POLICIES: readonly BeatPolicy[] = [
  { name: 'nothing', keepAlive: 'off', beats: undefined },
  { name: 'TCP keepalive 3/3/3', keepAlive: KEEPALIVE, beats: undefined },
  { name: 'beats 3 s x 5', keepAlive: 'off', beats: BEATS },
  { name: 'both', keepAlive: KEEPALIVE, beats: BEATS },
];

/** The longest that a firmware's timer can wait: it beats when it has connected, and then for 24 days no more. */
const NEVER_MS = 2 ** 31 - 1;

export function firmwareOfPolicy(policy: Policy): Firmware {
  if ('device' in policy) return policy.device;
  const { keepAlive, beats } = policy;
  const settings =
    beats === undefined
      ? { beatIntervalMs: NEVER_MS }
      : { beatIntervalMs: beats.intervalMs, missedLimit: beats.missedLimit };
  return heartbeatFirmware({ ...settings, keepAlive });
}

export function serverOf(policy: Policy): ServerProgram {
  if ('device' in policy) return policy.server;
  const { keepAlive, beats } = policy;
  return referenceServer({
    keepAlive,
    liveness:
      beats === undefined
        ? { policy: 'none' }
        : { policy: 'missed-beats', scanIntervalMs: beats.intervalMs, missedLimit: beats.missedLimit },
  });
}
