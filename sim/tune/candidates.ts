/** The policies that `tune` tries for a limit of detection time: those that could meet it if no packet were lost. */

import type { KeepAlive } from '../../hal/network.ts';

/** A policy by which each end finds out that the other is gone. */
export type Candidate =
  /** Beats from the device, answered by the server; each end gives up after so many that are missed. */
  | { readonly kind: 'beats'; readonly intervalMs: number; readonly missedLimit: number }
  /** TCP keepalive at both ends, over an idle connection; times in s. */
  | { readonly kind: 'keepalive'; readonly keepAlive: KeepAlive }
  /** Both at once. */
  | {
    readonly kind: 'both';
    readonly intervalMs: number;
    readonly missedLimit: number;
    readonly keepAlive: KeepAlive;
  };

const MISSED_LIMITS = [1, 2, 3, 5, 8];

const PROBE_COUNTS = [1, 2, 3, 5, 9];

/** Shares of the time that go to probes. The rest is the idle time before them. */
const PROBE_SHARES = [1 / 4, 1 / 2];

/** Times that people configure, in s. */
const ROUND_S = [
  0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 45, 50, 60, 75, 90, 100, 120, 150, 180, 200, 240,
  300, 400, 450, 600, 900, 1200, 1800, 3600, 7200,
];

/** An idle connection: firmware beats when it has connected, and the next beat is due in 24 days. */
const NEVER = '24d';

/** Factors by which a hang may be noticed later than the limit where TCP notices the rest. */
const HANG_FACTORS = [2, 5, 20];

/**
 * Beats: the longest for each number of missed ones, a little shorter, and twice as often. The server counts a beat as
 * missed at a scan, which comes once a beat: it gives up within `missedLimit + 1` of them. Keepalive: the idle time is
 * what the probes leave. Both: keepalive in time, and beats that are rare, for a hang alone.
 */
export function candidatesFor(detectMs: number): readonly Candidate[] {
  const limitS = detectMs / 1000;
  const beats = MISSED_LIMITS.flatMap((missedLimit): Candidate[] => {
    const longest = limitS / (missedLimit + 1);
    const seconds = [roundBelow(longest), roundBelow(longest * 0.85), roundBelow(longest / 2)];
    return seconds.flatMap((intervalS) => {
      return intervalS === undefined ? [] : [{ kind: 'beats', intervalMs: intervalS * 1000, missedLimit }];
    });
  });
  const keepAlives = PROBE_COUNTS.flatMap((count) => PROBE_SHARES.flatMap((share): KeepAlive[] => {
    const interval = Math.max(1, Math.floor((limitS * share) / count));
    const idle = Math.floor(limitS - interval * count) - 1;
    return idle < 1 ? [] : [{ idle, interval, count }];
  }));
  const both = keepAlives.flatMap((keepAlive) => HANG_FACTORS.flatMap((factor): Candidate[] => {
    const intervalS = roundBelow((limitS * factor) / 2);
    return intervalS === undefined ? [] : [{ kind: 'both', intervalMs: intervalS * 1000, missedLimit: 1, keepAlive }];
  }));
  const alone = keepAlives.map((keepAlive): Candidate => ({ kind: 'keepalive', keepAlive }));
  return withoutRepeats([...beats, ...alone, ...both]);
}

/** The options of `cablepull run` for a policy. */
export function optionsOf(candidate: Candidate): readonly string[] {
  switch (candidate.kind) {
    case 'beats': return beatOptions(candidate);
    case 'keepalive': return ['--beat', NEVER, ...keepAliveOptions(candidate.keepAlive)];
    case 'both': return [...beatOptions(candidate), ...keepAliveOptions(candidate.keepAlive)];
  }
}

/** `beats 5 s x 2`, `keepalive 20/5/1`. */
export function candidateName(candidate: Candidate): string {
  switch (candidate.kind) {
    case 'beats': return beatsName(candidate);
    case 'keepalive': return keepAliveName(candidate.keepAlive);
    case 'both': return `${beatsName(candidate)} + ${keepAliveName(candidate.keepAlive)}`;
  }
}

interface Beats {
  readonly intervalMs: number;
  readonly missedLimit: number;
}

function beatOptions({ intervalMs, missedLimit }: Beats): string[] {
  return ['--beat', `${intervalMs / 1000}s`, '--missed-limit', String(missedLimit)];
}

function keepAliveOptions({ idle, interval, count }: KeepAlive): string[] {
  return ['--keepalive', `${idle}/${interval}/${count}`];
}

function beatsName({ intervalMs, missedLimit }: Beats): string {
  return `beats ${intervalMs / 1000} s x ${missedLimit}`;
}

function keepAliveName({ idle, interval, count }: KeepAlive): string {
  return `keepalive ${idle}/${interval}/${count}`;
}

/** Returns undefined if even the shortest is too long. */
function roundBelow(seconds: number): number | undefined {
  return ROUND_S.findLast((round) => round <= seconds);
}

function withoutRepeats(candidates: readonly Candidate[]): readonly Candidate[] {
  return [...new Map(candidates.map((one) => [candidateName(one), one])).values()];
}
