/**
 * The life of a connection: servers tried in turn, a session as long as it lasts, and a wait before the next. What is
 * said over the connection is a dialogue's business.
 */

import { errnoOf, type Errno } from '../../hal/errno.ts';
import type { Hal } from '../../hal/hal.ts';
import type { KeepAlive } from '../../hal/network.ts';
import type { EventListener, LossReason } from '../events.ts';
import { lookup } from '../net/lookup.ts';
import { Socket } from '../net/socket.ts';
import type { Blocking } from '../rtos/blocking.ts';
import type { Kernel } from '../rtos/kernel.ts';
import type { Task } from '../rtos/task.ts';
import { checkBoolean, checkSettings, duration, isRecord, refuse, type SettingRulesFor, whole } from '../settings.ts';
import { checkRetry, retryDelayMs, type Retry } from './backoff.ts';

/** A server by name or address. */
export interface Server {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, with an IPv6 address in brackets (RFC 3986). */
export function serverName({ host, port }: Server): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export interface ConnectionConfig {
  /** Tried in turn: after a failure or a loss, the next one. */
  readonly servers: readonly Server[];
  /** Timeout of the name look-up, and of each address that is tried. */
  readonly connectTimeoutMs: number;
  /** A connection that stayed up for this time has lasted: after its loss the back-off starts from its beginning. */
  readonly stableMs: number;
  readonly retry: Retry;
  readonly noDelay: boolean;
  readonly keepAlive: KeepAlive | 'off';
  /** TCP_USER_TIMEOUT; 0: the platform's own. */
  readonly userTimeoutMs: number;
}

/** Defaults for protocols over a connection that have none of their own. */
export const CONNECTION_DEFAULTS = {
  connectTimeoutMs: 10_000,
  stableMs: 10_000,
  retry: { baseMs: 1000, capMs: 60_000 },
  noDelay: true,
  keepAlive: 'off',
  userTimeoutMs: 0,
} as const satisfies Omit<ConnectionConfig, 'servers'>;

export function connectionRules(tickRateHz: number): SettingRulesFor<ConnectionConfig> {
  return {
    servers: checkServers,
    connectTimeoutMs: duration(tickRateHz),
    stableMs: whole('milliseconds', 1),
    retry: (value, field) => checkRetry(value, field, duration(tickRateHz)),
    noDelay: checkBoolean,
    keepAlive: checkKeepAlive,
    userTimeoutMs: whole("milliseconds; 0: the platform's own", 0),
  };
}

/** Why a session is over. */
export interface SessionEnd {
  readonly by: LossReason;
  readonly detail?: string;
  /** The device has finished and rests for this time; nothing was wrong. */
  readonly restMs?: number;
}

/**
 * The device's side of what is said over a connection, kept from one connection to the next. It goes turn by turn, and
 * is no task of its own within the task: a generator costs a device more than all it says.
 */
export interface Dialogue {
  /** A connection stands. */
  begin(socket: Socket, server: Server): void;
  /** A server could not be reached. */
  unreachable?(errno: Errno): void;
  /**
   * Says and hears all that can be said and heard now. Why the session is over, when it is; it does not close the
   * socket.
   */
  turn(socket: Socket): SessionEnd | undefined;
  /** Events that another turn needs: READABLE, WRITABLE, or either. */
  readonly waitsFor: number;
  /** Number of ticks after which another turn is needed in any case. */
  waitTicks(): number;
}

/** Keeps a connection forever: connects, runs the session, closes, waits, and continues with the next server. */
export function* keepConnected(
  os: Kernel,
  hal: Hal,
  config: ConnectionConfig,
  dialogue: Dialogue,
  onEvent: EventListener | undefined,
): Task {
  // A connected device holds every variable of a generator, and room for the steps of its longest expression: here are
  // few and short ones, and functions do the rest.
  sayWhatIsMissing(hal, config);
  let failures = 0;
  for (let turn = 0; ; turn = (turn + 1) % config.servers.length) {
    const socket = yield* connectTo({ os, hal, config, turn, onEvent });
    let end: SessionEnd | undefined;
    if (typeof socket === 'string') {
      dialogue.unreachable?.(socket);
      failures++;
    } else {
      const sinceMs = hal.clock.now();
      setOptions(config, socket);
      dialogue.begin(socket, serverAt(config, turn));
      while ((end = dialogue.turn(socket)) === undefined) yield* nextEvent(dialogue, socket);
      socket.close();
      failures = sessionOver({ hal, config, turn, onEvent, end, sinceMs, failures });
    }
    yield* rest({ os, hal, config, onEvent, end, failures });
  }
}

/** A connection, as the parts of `keepConnected` see it. */
interface Connection {
  readonly os: Kernel;
  readonly hal: Hal;
  readonly config: ConnectionConfig;
  readonly onEvent: EventListener | undefined;
  /** Place of the server in the list. */
  readonly turn: number;
  /** Why the session is over; undefined if there was none. */
  readonly end: SessionEnd | undefined;
  /** When the session began. */
  readonly sinceMs: number;
  /** Attempts in a row that failed, or gave a connection that did not last. */
  readonly failures: number;
}

function serverAt({ servers }: ConnectionConfig, turn: number): Server {
  const server = servers[turn];
  if (server === undefined) throw new Error('there is no server to connect to');
  return server;
}

/** Connects to the server whose turn it is. */
function* connectTo(
  { os, hal, config, turn, onEvent }: Pick<Connection, 'os' | 'hal' | 'config' | 'turn' | 'onEvent'>,
): Generator<void, Socket | Errno, void> {
  const server = serverAt(config, turn);
  const name = onEvent === undefined ? '' : serverName(server);
  onEvent?.({ kind: 'connecting', server: name });
  const socket = yield* openSocket(os, hal, config, server);
  if (typeof socket === 'string') onEvent?.({ kind: 'connect-failed', server: name, errno: socket });
  else onEvent?.({ kind: 'connected', server: name, local: socket.local });
  return socket;
}

/** Tries each address of the server in the order the look-up gave. The last errno, if none would have it. */
function* openSocket(
  os: Kernel,
  hal: Hal,
  config: ConnectionConfig,
  server: Server,
): Generator<void, Socket | Errno, void> {
  const timeout = os.msToTicks(config.connectTimeoutMs);
  const addresses = yield* lookup(os, hal.network, server.host, timeout);
  if (typeof addresses === 'string') return addresses;
  let errno: Errno = 'EAI_NONAME';
  for (const address of addresses) {
    const socket = new Socket(os, hal.network);
    const result = yield* socket.connect({ address, port: server.port }, timeout);
    if (result === 0) return socket;
    socket.close();
    errno = errnoOf(result);
  }
  return errno;
}

function nextEvent(dialogue: Dialogue, socket: Socket): Blocking<number> {
  return socket.poll(dialogue.waitsFor, dialogue.waitTicks());
}

/** Tells of the end of a session, and returns the number of failures from now on. */
function sessionOver(
  { hal, config, turn, onEvent, end, sinceMs, failures }: Omit<Connection, 'os'> & { readonly end: SessionEnd },
): number {
  const afterMs = hal.clock.now() - sinceMs;
  const { by, detail, restMs } = end;
  const server = serverName(serverAt(config, turn));
  onEvent?.({ kind: 'lost', server, afterMs, by, ...(detail !== undefined && { detail }) });
  return restMs !== undefined || afterMs >= config.stableMs ? 0 : failures + 1;
}

/** Waits until it is the next server's turn: as long as the session's end says, or the back-off. */
function rest(
  { os, hal, config, onEvent, end, failures }: Omit<Connection, 'turn' | 'sinceMs'>,
): Blocking<void> {
  const delayMs = end?.restMs ?? retryDelayMs(config.retry, failures, hal.random);
  if (delayMs > 0) onEvent?.({ kind: 'backing-off', delayMs });
  return os.delay(os.msToTicks(delayMs));
}

function setOptions({ keepAlive, userTimeoutMs, noDelay }: ConnectionConfig, socket: Socket): void {
  if (noDelay) socket.setNoDelay(true);
  if (keepAlive !== 'off') socket.setKeepAlive(keepAlive);
  if (userTimeoutMs > 0) socket.setUserTimeout(userTimeoutMs);
}

/** Says once, before the first connection, what of it this port will not do. */
function sayWhatIsMissing({ console, network }: Hal, { keepAlive, userTimeoutMs }: ConnectionConfig): void {
  const { capabilities } = network;
  if (keepAlive !== 'off' && capabilities.keepAlive !== 'full') {
    const asked = `keepalive ${keepAlive.idle}/${keepAlive.interval}/${keepAlive.count}`;
    const has =
      capabilities.keepAlive === 'idle' ? "sets the idle time only, the rest is the platform's" : 'has no keepalive';
    console.print(`${asked} cannot be had: this port ${has}`);
  }
  if (userTimeoutMs > 0 && !capabilities.userTimeout) {
    console.print(`a user timeout of ${userTimeoutMs} ms cannot be had: this port has none`);
  }
  if (!capabilities.errorReason) console.print('this port cannot tell why a connection failed: every failure is EIO');
}

/** The rule for a list of servers. */
export function checkServers(value: unknown, field: string): void {
  if (!Array.isArray(value) || value.length === 0) return refuse(field, 'a list of at least one { host, port }', value);
  for (const [i, server] of value.entries()) {
    if (!isRecord(server)) return refuse(`${field}[${i}]`, '{ host, port }', server);
    checkSettings(server, SERVER_RULES, `${field}[${i}].`);
  }
}

/** A name or an IPv4 address has no colon; an IPv6 address has, and its zone after a `%` (RFC 4007). */
const HOST = /^(?:[^\s:/[\]]+|[\da-f.]*:[\da-f:.]*(?:%\w+)?)$/i;

const SERVER_RULES: SettingRulesFor<Server> = {
  host(value, field) {
    if (typeof value !== 'string' || !HOST.test(value)) {
      refuse(field, 'a host name or an address, and nothing else', value);
    }
  },
  port: whole('a port', 1, 65_535),
};

function checkKeepAlive(value: unknown, field: string): void {
  if (value === 'off') return;
  if (!isRecord(value)) return refuse(field, "'off' or { idle, interval, count }", value);
  // Linux's limits: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL and MAX_TCP_KEEPCNT (include/net/tcp.h).
  const seconds = whole('seconds', 1, 32_767);
  checkSettings(value, { idle: seconds, interval: seconds, count: whole('probes', 1, 127) }, `${field}.`);
}
