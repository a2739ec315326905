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


export interface PolicyParts {
  readonly keepAlives: readonly KeepAlive[];
  readonly beats: readonly { readonly intervalMs: number; readonly missedLimit: number }[];
}

/** Timers that heartbeats and keepalive are usually argued about. */
export const DEFAULT_PARTS: PolicyParts = {
  keepAlives: [{ idle: 3, interval: 3, count: 3 }],
  beats: [{ intervalMs: 3000, missedLimit: 5 }],
};

/** Nothing, each part by itself, and where there is one of each, both together. */
export function policiesOf({ keepAlives, beats }: PolicyParts): BeatPolicy[] {
  const [keepAlive, ...otherKeepAlives] = keepAlives;
  const [beat, ...otherBeats] = beats;
  const isOneOfEach = otherKeepAlives.length + otherBeats.length === 0;
  return [
    { name: 'nothing', keepAlive: 'off', beats: undefined },
    ...keepAlives.map((one): BeatPolicy => {
      return { name: `TCP keepalive ${one.idle}/${one.interval}/${one.count}`, keepAlive: one, beats: undefined };
    }),
    ...beats.map((one): BeatPolicy => {
      const name = `beats ${one.intervalMs / 1000} s x ${one.missedLimit}`;
      return { name, keepAlive: 'off', beats: one };
    }),
    ...(isOneOfEach && keepAlive !== undefined && beat !== undefined
      ? [{ name: 'both', keepAlive, beats: beat }]
      : []),
  ];
}

/** Policies that heartbeats and keepalive are usually argued about. */
export const POLICIES: readonly BeatPolicy[] = policiesOf(DEFAULT_PARTS);

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
