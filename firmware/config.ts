/** The settings of a firmware image: what there is, what it means, what it must be. */

import type { ConnectionConfig } from './tasks/connection.ts';
import type { HeartbeatConfig } from './tasks/heartbeat.ts';
import { WATCHDOG_MIN_TICKS } from './tasks/watchdog.ts';

/** What every image has, whatever it says over its connection. */
interface ImageConfig {
  /**
   * The hardware watchdog's time, and how long a task may keep the others from running, give or take a quarter (see
   * `startWatchdog`); 0: no watchdog. Default 0.
   */
  readonly watchdogMs: number;
  /** Default 1000. */
  readonly tickRateHz: number;
}

/** The heartbeat client. */
export interface HeartbeatImage extends HeartbeatConfig, ImageConfig {
  readonly protocol: 'heartbeat';
}

/** The keepalive task: it gives back in upper case what it is sent. */
export interface EchoImage extends ConnectionConfig, ImageConfig {
  readonly protocol: 'echo';
}

export type Image = HeartbeatImage | EchoImage;

/** What `boot` is given: a protocol and servers, and whatever shall differ from the defaults. */
export type FirmwareConfig = Settings<HeartbeatImage> | Settings<EchoImage>;

type Settings<I extends Image> = Pick<I, 'protocol' | 'servers'> & Partial<I>;

const IMAGE_DEFAULTS = {
  connectTimeoutMs: 10_000,
  stableMs: 10_000,
  noDelay: true,
  userTimeoutMs: 0,
  watchdogMs: 0,
  tickRateHz: 1000,
};

/** The numbers of the article's client: a beat every 3 s; five missed ones are too many. */
export const HEARTBEAT_DEFAULTS: Omit<HeartbeatImage, 'servers'> = {
  ...IMAGE_DEFAULTS,
  protocol: 'heartbeat',
  keepAlive: 'off',
  retry: { baseMs: 1000, capMs: 60_000 },
  beatIntervalMs: 3000,
  expectAnswers: true,
  missedLimit: 5,
  dataIntervalMs: 0,
  dataBytes: 16,
  maxDataBytes: 4096,
};

/** The numbers of the article's task: keepalive 3/3/3, and 100 ms after a failure. */
export const ECHO_DEFAULTS: Omit<EchoImage, 'servers'> = {
  ...IMAGE_DEFAULTS,
  protocol: 'echo',
  keepAlive: { idle: 3, interval: 3, count: 3 },
  retry: { fixedMs: 100 },
};

/** A setting that cannot be: `message` names the field and says what it must be. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Fills in the defaults and checks every field. Throws a ConfigError. */
export function resolveConfig(config: FirmwareConfig): Image {
  if (!isRecord(config)) refuse('', 'an object with `protocol` and `servers`', config);
  switch (config.protocol) {
    case 'heartbeat': {
      const image: HeartbeatImage = Object.assign({}, HEARTBEAT_DEFAULTS, config);
      check(image, heartbeatRules(image.tickRateHz));
      return inCommon(image);
    }
    case 'echo': {
      const image: EchoImage = Object.assign({}, ECHO_DEFAULTS, config);
      check(image, imageRules(image.tickRateHz));
      return inCommon(image);
    }
    default:
      return refuse('protocol', "'heartbeat' or 'echo'", Reflect.get(config, 'protocol'));
  }
}

let latest: Image | undefined;

/** Devices that have the same settings and are started one after another share one image: gives the one before, if it is the same. */
function inCommon(image: Image): Image {
  const before = latest;
  const isSame = before !== undefined && Object.entries(image).every(([name, value]) => Reflect.get(before, name) === value);
  if (!isSame) latest = image;
  return latest ?? image;
}

/** Refuses a value, by its field's path, or passes it. */
type Rule = (value: unknown, field: string) => void;
type Rules = Readonly<Record<string, Rule>>;

const INT32_MAX = 2 ** 31 - 1;

function imageRules(tickRateHz: number): Rules {
  const durationMs = duration(tickRateHz, 1);
  return {
    protocol: () => {},
    // Before the times, which are checked against it.
    tickRateHz: whole(1, 1_000_000, 'ticks a second'),
    servers: checkServers,
    connectTimeoutMs: durationMs,
    stableMs: whole(1, INT32_MAX, 'milliseconds'),
    retry: (value, field) => checkRetry(value, field, durationMs),
    noDelay: checkBoolean,
    keepAlive: checkKeepAlive,
    userTimeoutMs: whole(0, INT32_MAX, "milliseconds; 0: the platform's own"),
    watchdogMs: orNone(duration(tickRateHz, WATCHDOG_MIN_TICKS, '0 for none; milliseconds')),
  };
}

function heartbeatRules(tickRateHz: number): Rules {
  return {
    ...imageRules(tickRateHz),
    beatIntervalMs: duration(tickRateHz, 1),
    expectAnswers: checkBoolean,
    missedLimit: whole(1, 1000, 'beats'),
    dataIntervalMs: orNone(duration(tickRateHz, 1, '0 for none; milliseconds')),
    dataBytes: whole(0, 65_536, 'bytes'),
    maxDataBytes: whole(0, INT32_MAX, 'bytes'),
  };
}

function check(value: object, rules: Rules, path = ''): void {
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(rules, name)) throw new ConfigError(`config.${path}${name} is not a setting; there are: ${Object.keys(rules).join(', ')}`);
  }
  for (const [name, rule] of Object.entries(rules)) rule(Reflect.get(value, name), path + name);
}

function whole(min: number, max: number, unit: string): Rule {
  return (value, field) => {
    const fits = typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
    if (!fits) refuse(field, `a whole number from ${min} to ${max} (${unit})`, value);
  };
}

/**
 * A time that the kernel counts. It must not round to no tick at all, which would be no wait; and of two tick counts
 * only those less than half of 2^32 apart can be put in order.
 */
function duration(tickRateHz: number, minTicks: number, unit = 'milliseconds'): Rule {
  const minMs = Math.ceil((minTicks * 1000) / tickRateHz);
  const maxMs = Math.min(Math.floor((INT32_MAX * 1000) / tickRateHz), INT32_MAX);
  return whole(minMs, maxMs, `${unit}, at ${tickRateHz} ticks a second`);
}

function orNone(rule: Rule): Rule {
  return (value, field) => {
    if (value !== 0) rule(value, field);
  };
}

function checkBoolean(value: unknown, field: string): void {
  if (typeof value !== 'boolean') refuse(field, 'true or false', value);
}

function checkServers(value: unknown, field: string): void {
  if (!Array.isArray(value) || value.length === 0) return refuse(field, 'a list of at least one { host, port }', value);
  for (const [i, server] of value.entries()) {
    if (!isRecord(server)) return refuse(`${field}[${i}]`, '{ host, port }', server);
    check(server, { host: checkHost, port: whole(1, 65_535, 'a TCP port') }, `${field}[${i}].`);
  }
}

/** A name or an IPv4 address has no colon; an IPv6 address has, and its zone after a `%` (RFC 4007). */
const HOST = /^(?:[^\s:/[\]]+|[\da-f.]*:[\da-f:.]*(?:%\w+)?)$/i;

function checkHost(value: unknown, field: string): void {
  if (typeof value !== 'string' || !HOST.test(value)) refuse(field, 'a host name or an address, and nothing else', value);
}

function checkRetry(value: unknown, field: string, durationMs: Rule): void {
  if (!isRecord(value)) return refuse(field, '{ baseMs, capMs } or { fixedMs }', value);
  if (Object.hasOwn(value, 'fixedMs')) return check(value, { fixedMs: durationMs }, `${field}.`);
  check(value, { baseMs: durationMs, capMs: durationMs }, `${field}.`);
  if (Number(value['capMs']) < Number(value['baseMs'])) refuse(`${field}.capMs`, `at least ${field}.baseMs, which is ${String(value['baseMs'])}`, value['capMs']);
}

function checkKeepAlive(value: unknown, field: string): void {
  if (value === 'off') return;
  if (!isRecord(value)) return refuse(field, "'off' or { idle, interval, count }", value);
  // What Linux takes: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL and MAX_TCP_KEEPCNT (include/net/tcp.h).
  const seconds = whole(1, 32_767, 'seconds');
  check(value, { idle: seconds, interval: seconds, count: whole(1, 127, 'probes') }, `${field}.`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(field: string, must: string, value: unknown): never {
  throw new ConfigError(`config${field === '' ? '' : `.${field}`} must be ${must}, not ${shown(value)}`);
}

const SHOWN_MAX = 40;

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > SHOWN_MAX ? `${value.slice(0, SHOWN_MAX)}...` : value);
    case 'object':
      return value === null ? 'null' : 'an object';
    case 'function':
      return 'a function';
    default:
      return String(value);
  }
}
