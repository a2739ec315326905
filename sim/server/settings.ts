/** Settings of the server: their meaning, defaults and limits. */

import type { ProtocolName } from '../../firmware/index.ts';
import type { KeepAlive, SocketAddress } from '../../hal/network.ts';
import { atLeast, within } from './checks.ts';
import type { Liveness } from './client-table.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { PROTOCOLS, type ServiceSettingsOf } from './protocols/index.ts';
import type { Protocol } from './protocols/protocol.ts';

/** A protocol of this project by its name, and the settings of its service that differ from the defaults. */
type KnownService<Name extends ProtocolName> = { readonly kind: Name } & Partial<ServiceSettingsOf<Name>>;

/** A protocol that is not of this project. */
interface OwnService {
  readonly kind: Protocol;
  readonly [setting: string]: unknown;
}

export type ServiceOptions = { [Name in ProtocolName]: KnownService<Name> }[ProtocolName] | OwnService;

/** Settings of one port. */
export interface PortSettings {
  /** Default 127.0.0.1, port 39002. Port 0: any. */
  readonly local: SocketAddress;
  /**
   * Connections that may wait to be accepted; on FreeRTOS+TCP, connections that there may be. Default 4096, Linux's
   * longest (net.core.somaxconn).
   */
  readonly backlog: number;
  /** Protocol of this port. Default: heartbeat. */
  readonly protocol: Protocol;
  /** The settings of that protocol's service. */
  readonly service: object;
  /** Default: the protocol's own. */
  readonly liveness: Liveness;
  readonly limits: Limits;
  /** Keepalive of accepted connections. Default off. */
  readonly keepAlive: KeepAlive | 'off';
  /** TCP_NODELAY of accepted connections. Default on. */
  readonly noDelay: boolean;
  /** True: each beat is an event. Default: no, as there are many. */
  readonly beatEvents: boolean;
}

export interface ServerOptions extends Partial<Omit<PortSettings, 'protocol' | 'service' | 'limits'>> {
  readonly protocol?: ServiceOptions;
  readonly limits?: Partial<Limits>;
}

const DEFAULT_LOCAL: SocketAddress = { address: '127.0.0.1', port: 39_002 };

/** The settings, or a sentence that names the field which is wrong and says what it must be. */
export function serverSettings(options: ServerOptions): PortSettings | string {
  const { kind, ...given } = options.protocol ?? { kind: 'heartbeat' };
  const protocol: Protocol = typeof kind === 'string' ? PROTOCOLS[kind] : kind;
  const settings: PortSettings = {
    local: DEFAULT_LOCAL,
    backlog: 4096,
    liveness: protocol.server.liveness,
    keepAlive: 'off',
    noDelay: true,
    beatEvents: false,
    ...options,
    protocol,
    service: { ...protocol.server.defaults, ...given },
    limits: { ...DEFAULT_LIMITS, ...protocol.server.limits, ...options.limits },
  };
  return problem(settings) ?? settings;
}

function problem({ local, backlog, protocol, service, liveness, limits, keepAlive }: PortSettings): string | undefined {
  const wrong = within('local.port', local.port, 0, 65_535)
    ?? within('backlog', backlog, 1, 65_535)
    ?? atLeast('limits.maxConnections', limits.maxConnections, 1)
    ?? atLeast('limits.firstFrameMs', limits.firstFrameMs, 0)
    ?? within('limits.maxDataBytes', limits.maxDataBytes, 0, 0x7fffffff)
    ?? atLeast('limits.maxFramesPerSecond', limits.maxFramesPerSecond, 1)
    ?? atLeast('limits.maxFrameBurst', limits.maxFrameBurst, 1)
    ?? atLeast('limits.maxQueuedBytes', limits.maxQueuedBytes, 0)
    ?? livenessProblem(liveness);
  if (wrong !== undefined) return wrong;
  const ofService = protocol.server.problem?.(service);
  if (ofService !== undefined) return `protocol.${ofService}`;
  if (keepAlive === 'off') return undefined;
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
