/** What can be set on the server, what it is by default, and what it must be. */

import type { KeepAlive, SocketAddress } from '../../hal/network.ts';
import type { Liveness } from './client-table.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';

export type Protocol =
  | {
    readonly kind: 'heartbeat';
    /** Sends each beat back, so that the client learns of a dead server as well. */
    readonly answerBeats: boolean;
    /** Sends each client a frame with so many bytes of data (zeros) at this interval. */
    readonly push?: { readonly intervalMs: number; readonly dataBytes: number };
  }
  /**
   * S1: sends a line as soon as a client is there and then at this interval, and expects it back in upper case.
   * A right answer counts as a beat; anything else is a bad frame. A line not answered when the next is due is
   * told, and no other is sent until it is: the dead are left to TCP keepalive and to `liveness`.
   */
  | { readonly kind: 'echo'; readonly lineIntervalMs: number };

export interface ServerSettings {
  /** Default 127.0.0.1, port 39002. Port 0: any. */
  readonly local: SocketAddress;
  /** Default: heartbeat with answers. */
  readonly protocol: Protocol;
  /** Default: S2's, a scan every 3 s and 5 missed beats. */
  readonly liveness: Liveness;
  readonly limits: Limits;
  /** For accepted connections. Default off. */
  readonly keepAlive: KeepAlive | 'off';
  /** For accepted connections. Default on. */
  readonly noDelay: boolean;
  /** Whether each beat is an event. Default no: there are many. */
  readonly beatEvents: boolean;
}

export type ServerOptions = Partial<Omit<ServerSettings, 'limits'>> & { readonly limits?: Partial<Limits> };

const DEFAULT_SETTINGS: ServerSettings = {
  local: { address: '127.0.0.1', port: 39_002 },
  protocol: { kind: 'heartbeat', answerBeats: true },
  liveness: { policy: 'missed-beats', scanIntervalMs: 3000, missedLimit: 5 },
  limits: DEFAULT_LIMITS,
  keepAlive: 'off',
  noDelay: true,
  beatEvents: false,
};

/** The settings, or a sentence that names the field which is wrong and says what it must be. */
export function serverSettings(options: ServerOptions): ServerSettings | string {
  const settings = { ...DEFAULT_SETTINGS, ...options, limits: { ...DEFAULT_LIMITS, ...options.limits } };
  return problem(settings) ?? settings;
}

function problem({ local, protocol, liveness, limits, keepAlive }: ServerSettings): string | undefined {
  const wrong = within('local.port', local.port, 0, 65_535)
    ?? atLeast('limits.maxConnections', limits.maxConnections, 1)
    ?? atLeast('limits.firstFrameMs', limits.firstFrameMs, 0)
    ?? within('limits.maxDataBytes', limits.maxDataBytes, 0, 0x7fffffff)
    ?? atLeast('limits.maxFramesPerSecond', limits.maxFramesPerSecond, 1)
    ?? atLeast('limits.maxFrameBurst', limits.maxFrameBurst, 1)
    ?? atLeast('limits.maxQueuedBytes', limits.maxQueuedBytes, 0)
    ?? livenessProblem(liveness)
    ?? protocolProblem(protocol);
  if (wrong !== undefined || keepAlive === 'off') return wrong;
  return atLeast('keepAlive.idle', keepAlive.idle, 1)
    ?? atLeast('keepAlive.interval', keepAlive.interval, 1)
    ?? atLeast('keepAlive.count', keepAlive.count, 1);
}

function livenessProblem(liveness: Liveness): string | undefined {
  switch (liveness.policy) {
    case 'missed-beats':
      return atLeast('liveness.scanIntervalMs', liveness.scanIntervalMs, 1)
        ?? atLeast('liveness.missedLimit', liveness.missedLimit, 1);
    case 'idle':
      return atLeast('liveness.checkIntervalMs', liveness.checkIntervalMs, 1)
        ?? atLeast('liveness.idleMs', liveness.idleMs, 1);
    case 'none':
      return undefined;
  }
}

function protocolProblem(protocol: Protocol): string | undefined {
  switch (protocol.kind) {
    case 'heartbeat':
      if (protocol.push === undefined) return undefined;
      return atLeast('protocol.push.intervalMs', protocol.push.intervalMs, 1)
        ?? within('protocol.push.dataBytes', protocol.push.dataBytes, 0, 0x7fffffff);
    case 'echo':
      return atLeast('protocol.lineIntervalMs', protocol.lineIntervalMs, 1);
  }
}

function atLeast(field: string, value: number, least: number): string | undefined {
  if (Number.isInteger(value) && value >= least) return undefined;
  return `${field} is ${value}, must be a whole number of at least ${least}`;
}

function within(field: string, value: number, least: number, most: number): string | undefined {
  if (Number.isInteger(value) && value >= least && value <= most) return undefined;
  return `${field} is ${value}, must be a whole number from ${least} to ${most}`;
}
