/** Settings that several commands have: what devices and servers are both told, and what is read from files. */

import type { KeepAlive } from '../../hal/network.ts';
import { serverSettings, type ServerOptions } from '../server/settings.ts';
import { duration, usage, wholeNumber } from './values.ts';

export const COMMON_OPTIONS = {
  protocol: { type: 'string', default: 'heartbeat' },
  beat: { type: 'string' },
  'missed-limit': { type: 'string' },
  answers: { type: 'boolean', default: true },
  keepalive: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** What devices and servers are both told; undefined where it was not said. */
export interface CommonSettings {
  readonly heartbeat: boolean;
  readonly keepAlive?: KeepAlive | 'off';
  readonly beatIntervalMs?: number;
  readonly missedLimit?: number;
}

export interface CommonValues {
  readonly protocol: string;
  readonly beat?: string;
  readonly 'missed-limit'?: string;
  readonly answers: boolean;
  readonly keepalive?: string;
}

export function commonSettings(values: CommonValues): CommonSettings {
  const heartbeat = checkProtocol(values.protocol) === 'heartbeat';
  if (!heartbeat && !values.answers) throw usage('--no-answers is about beats: there are none with --protocol echo');
  const limit = values['missed-limit'];
  return {
    heartbeat,
    ...defined({
      keepAlive: values.keepalive === undefined ? undefined : parseKeepAlive(values.keepalive),
      beatIntervalMs: duration('--beat', values.beat),
      missedLimit: limit === undefined ? undefined : wholeNumber('--missed-limit', limit, 1, 1000),
    }),
  };
}

/** `idle/interval/count`, or `off`. */
function parseKeepAlive(text: string): KeepAlive | 'off' {
  if (text === 'off') return 'off';
  const [, idle, interval, count] = /^(\d+)\/(\d+)\/(\d+)$/.exec(text) ?? [];
  if (idle === undefined || interval === undefined || count === undefined) {
    throw usage(`--keepalive must be idle/interval/count in seconds, as in 3/3/3, or off, not '${text}'`);
  }
  // What Linux takes (tcp.h: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL, MAX_TCP_KEEPCNT).
  return {
    idle: wholeNumber('the idle time of --keepalive', idle, 1, 32_767),
    interval: wholeNumber('the interval of --keepalive', interval, 1, 32_767),
    count: wholeNumber('the count of --keepalive', count, 1, 127),
  };
}

function checkProtocol(text: string): 'heartbeat' | 'echo' {
  if (text === 'heartbeat' || text === 'echo') return text;
  throw usage(`--protocol must be heartbeat or echo, not '${text}'`);
}

export function checkServer(options: ServerOptions): ServerOptions {
  const settings = serverSettings(options);
  if (typeof settings === 'string') throw usage(settings);
  return options;
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the fields that are undefined, so that they do not hide a default. */
export function defined<T extends object>(fields: T): Defined<T> {
  const result: Defined<T> = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) Reflect.set(result, name, value);
  return result;
}
