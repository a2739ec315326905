/** Every setting is checked, and refused in words that say which one it is and what it must be. */

import { describe, expect, it } from 'vitest';
import { firmwareImage } from '../../firmware/config.ts';
import { DEVICE_PROTOCOLS } from '../../firmware/protocols/index.ts';
import type { DeviceProtocol } from '../../firmware/protocols/protocol.ts';
import { checkBoolean, ConfigError } from '../../firmware/settings.ts';
import { checkServers } from '../../firmware/tasks/connection.ts';

const servers = [{ host: 'a.example', port: 39_002 }];

/** Returns the message about a configuration without types, as a program in JavaScript or a file may have. */
function refused(config: unknown): string {
  try {
    Reflect.apply(firmwareImage, undefined, [config]);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'accepted';
}

const heartbeat = (settings: object) => refused({ protocol: 'heartbeat', servers, ...settings });
const echo = (settings: object) => refused({ protocol: 'echo', servers, ...settings });

describe('an accepted configuration', () => {
  it('needs a protocol and servers; all other settings have defaults', () => {
    for (const protocol of ['heartbeat', 'echo'] as const) {
      const known = DEVICE_PROTOCOLS[protocol];
      expect(firmwareImage({ protocol, servers })).toEqual({
        ...known.defaults,
        tickRateHz: 1000,
        watchdogMs: 0,
        protocol: known,
        servers,
      });
    }
  });

  it('has the defaults of the programs that it imitates', () => {
    expect(DEVICE_PROTOCOLS.heartbeat.defaults).toMatchObject({
      beatIntervalMs: 3000,
      missedLimit: 5,
      expectAnswers: true,
    });
    expect(DEVICE_PROTOCOLS.echo.defaults).toMatchObject({
      keepAlive: { idle: 3, interval: 3, count: 3 },
      retry: { fixedMs: 100 },
      noDelay: true,
    });
  });

  it.each([
    'localhost',
    '10.0.0.1',
    'a-b.example',
    '::1',
    '::',
    '2001:db8::ff00:42:8329',
    '::ffff:192.0.2.1',
    'fe80::1%eth0',
  ])('host %s', (host) => {
    expect(heartbeat({ servers: [{ host, port: 1 }] })).toBe('accepted');
  });

  it.each([
    { connectTimeoutMs: 1 },
    { connectTimeoutMs: 2_147_483_647 },
    { stableMs: 1 },
    { retry: { fixedMs: 1 } },
    { retry: { baseMs: 5, capMs: 5 } },
    { keepAlive: 'off' },
    { keepAlive: { idle: 32_767, interval: 32_767, count: 127 } },
    { userTimeoutMs: 0 },
    { watchdogMs: 0 },
    { watchdogMs: 4 },
    { tickRateHz: 1, connectTimeoutMs: 1000, beatIntervalMs: 1000, retry: { baseMs: 1000, capMs: 1000 } },
    { tickRateHz: 1_000_000, connectTimeoutMs: 2_147_483, retry: { fixedMs: 1 } },
    { missedLimit: 1 },
    { missedLimit: 1000 },
    { dataIntervalMs: 0 },
    { dataBytes: 0 },
    { dataBytes: 65_536 },
    { maxDataBytes: 0 },
    { maxDataBytes: 2 ** 31 - 1 },
  ])('%j', (settings) => {
    expect(heartbeat(settings)).toBe('accepted');
  });
});

it('a protocol that is not of this project has its own settings, defaults and rules', () => {
  const quiz: DeviceProtocol<{ readonly servers: typeof servers; readonly isHard: boolean }> = {
    name: 'quiz',
    defaults: { isHard: false },
    rules: () => ({ servers: checkServers, isHard: checkBoolean }),
    start() {},
  };
  expect(firmwareImage({ protocol: quiz, servers })).toEqual({
    protocol: quiz,
    servers,
    isHard: false,
    tickRateHz: 1000,
    watchdogMs: 0,
  });
  expect(refused({ protocol: quiz, servers, isHard: 1 })).toBe('config.isHard must be true or false, not 1');
  expect(refused({ protocol: quiz, servers, beatIntervalMs: 1 }))
    .toBe('config.beatIntervalMs is not a setting; there are: protocol, tickRateHz, watchdogMs, servers, isHard');
  expect(refused({ protocol: { name: 'quiz' }, servers })).toMatch(
    /^config.protocol must be .*, or a protocol of your own, not an object$/,
  );
});

describe('the configuration is refused', () => {
  const KNOWN = Object.keys(DEVICE_PROTOCOLS).map((name) => `'${name}'`).join(', ');
  const duration = 'a whole number from 1 to 2147483647 (milliseconds, at 1000 ticks a second)';

  it.each<[unknown, string]>([
    [undefined, 'config must be an object with `protocol` and `servers`, not nothing'],
    [null, 'config must be an object with `protocol` and `servers`, not null'],
    [[], 'config must be an object with `protocol` and `servers`, not an empty list'],
    [{}, `config.protocol must be ${KNOWN}, or a protocol of your own, not nothing`],
    [{ protocol: 'morse', servers }, `config.protocol must be ${KNOWN}, or a protocol of your own, not "morse"`],
    [{ protocol: 'heartbeat' }, 'config.servers must be a list of at least one { host, port }, not nothing'],
  ])('%j', (config, message) => {
    expect(refused(config)).toBe(message);
  });

  it.each<[object, string]>([
    // Each field: another type, below, above, a fraction; nothing where there must be something.
    [{ servers: [] }, 'servers must be a list of at least one { host, port }, not an empty list'],
    [{ servers: 'a.example:1' }, 'servers must be a list of at least one { host, port }, not "a.example:1"'],
    [{ servers: ['a.example:1'] }, 'servers[0] must be { host, port }, not "a.example:1"'],
    [{ servers: [servers[0], {}] }, 'servers[1].host must be a host name or an address, and nothing else, not nothing'],
    [
      { servers: [{ host: '', port: 1 }] },
      'servers[0].host must be a host name or an address, and nothing else, not ""',
    ],
    [
      { servers: [{ host: 'a b', port: 1 }] },
      'servers[0].host must be a host name or an address, and nothing else, not "a b"',
    ],
    [
      { servers: [{ host: 'a.example:80', port: 1 }] },
      'servers[0].host must be a host name or an address, and nothing else, not "a.example:80"',
    ],
    [
      { servers: [{ host: 'http://a.example', port: 1 }] },
      'servers[0].host must be a host name or an address, and nothing else, not "http://a.example"',
    ],
    [
      { servers: [{ host: '[::1]', port: 1 }] },
      'servers[0].host must be a host name or an address, and nothing else, not "[::1]"',
    ],
    [{ servers: [{ host: 'a', port: 0 }] }, 'servers[0].port must be a whole number from 1 to 65535 (a port), not 0'],
    [
      { servers: [{ host: 'a', port: 65_536 }] },
      'servers[0].port must be a whole number from 1 to 65535 (a port), not 65536',
    ],
    [
      { servers: [{ host: 'a', port: '80' }] },
      'servers[0].port must be a whole number from 1 to 65535 (a port), not "80"',
    ],
    [{ servers: [{ host: 'a' }] }, 'servers[0].port must be a whole number from 1 to 65535 (a port), not nothing'],
    [{ servers: [{ host: 'a', port: 1, tls: true }] }, 'servers[0].tls is not a setting; there are: host, port'],
    [{ connectTimeoutMs: 0 }, `connectTimeoutMs must be ${duration}, not 0`],
    [{ connectTimeoutMs: 2_147_483_648 }, `connectTimeoutMs must be ${duration}, not 2147483648`],
    [{ connectTimeoutMs: 1.5 }, `connectTimeoutMs must be ${duration}, not 1.5`],
    [{ connectTimeoutMs: NaN }, `connectTimeoutMs must be ${duration}, not NaN`],
    [{ connectTimeoutMs: Infinity }, `connectTimeoutMs must be ${duration}, not Infinity`],
    [{ connectTimeoutMs: '10s' }, `connectTimeoutMs must be ${duration}, not "10s"`],
    [{ connectTimeoutMs: 5n }, `connectTimeoutMs must be ${duration}, not 5`],
    [{ connectTimeoutMs: undefined }, `connectTimeoutMs must be ${duration}, not nothing`],
    [{ stableMs: 0 }, 'stableMs must be a whole number from 1 to 2147483647 (milliseconds), not 0'],
    [{ stableMs: null }, 'stableMs must be a whole number from 1 to 2147483647 (milliseconds), not null'],
    [{ retry: 100 }, 'retry must be { baseMs, capMs } or { fixedMs }, not 100'],
    [{ retry: {} }, `retry.baseMs must be ${duration}, not nothing`],
    [{ retry: { baseMs: 0, capMs: 1 } }, `retry.baseMs must be ${duration}, not 0`],
    [{ retry: { baseMs: 1 } }, `retry.capMs must be ${duration}, not nothing`],
    [{ retry: { baseMs: 10, capMs: 9 } }, 'retry.capMs must be at least retry.baseMs, which is 10, not 9'],
    [{ retry: { fixedMs: 0 } }, `retry.fixedMs must be ${duration}, not 0`],
    [{ retry: { fixedMs: 1, capMs: 1 } }, 'retry.capMs is not a setting; there are: fixedMs'],
    [{ noDelay: 1 }, 'noDelay must be true or false, not 1'],
    [{ keepAlive: true }, "keepAlive must be 'off' or { idle, interval, count }, not true"],
    [{ keepAlive: 'on' }, 'keepAlive must be \'off\' or { idle, interval, count }, not "on"'],
    [
      { keepAlive: { idle: 0, interval: 3, count: 3 } },
      'keepAlive.idle must be a whole number from 1 to 32767 (seconds), not 0',
    ],
    [
      { keepAlive: { idle: 3, interval: 32_768, count: 3 } },
      'keepAlive.interval must be a whole number from 1 to 32767 (seconds), not 32768',
    ],
    [
      { keepAlive: { idle: 3, interval: 3, count: 128 } },
      'keepAlive.count must be a whole number from 1 to 127 (probes), not 128',
    ],
    [
      { keepAlive: { idle: 3, interval: 3 } },
      'keepAlive.count must be a whole number from 1 to 127 (probes), not nothing',
    ],
    [
      { userTimeoutMs: -1 },
      "userTimeoutMs must be a whole number from 0 to 2147483647 (milliseconds; 0: the platform's own), not -1",
    ],
    [
      { watchdogMs: 3 },
      'watchdogMs must be a whole number from 4 to 2147483647 (0 for none; milliseconds, at 1000 ticks a second), not 3',
    ],
    [{ tickRateHz: 0 }, 'tickRateHz must be a whole number from 1 to 1000000 (ticks a second), not 0'],
    [{ tickRateHz: 1_000_001 }, 'tickRateHz must be a whole number from 1 to 1000000 (ticks a second), not 1000001'],
    [{ tickRateHz: [1000] }, 'tickRateHz must be a whole number from 1 to 1000000 (ticks a second), not a list'],
    // A time that would round to no tick at all, or be more ticks than can be put in order.
    [
      { tickRateHz: 100, connectTimeoutMs: 9 },
      'connectTimeoutMs must be a whole number from 10 to 2147483647 (milliseconds, at 100 ticks a second), not 9',
    ],
    [
      { tickRateHz: 100, retry: { fixedMs: 9 } },
      'retry.fixedMs must be a whole number from 10 to 2147483647 (milliseconds, at 100 ticks a second), not 9',
    ],
    [
      { tickRateHz: 1_000_000, connectTimeoutMs: 2_147_484 },
      'connectTimeoutMs must be a whole number from 1 to 2147483 (milliseconds, at 1000000 ticks a second), not 2147484',
    ],
    [
      { colour: 'red' },
      'colour is not a setting; there are: protocol, tickRateHz, watchdogMs, servers, connectTimeoutMs, stableMs, retry, noDelay, keepAlive, userTimeoutMs',
    ],
    [
      { toString: 'x' },
      'toString is not a setting; there are: protocol, tickRateHz, watchdogMs, servers, connectTimeoutMs, stableMs, retry, noDelay, keepAlive, userTimeoutMs',
    ],
    [
      { beatIntervalMs: 3000 },
      'beatIntervalMs is not a setting; there are: protocol, tickRateHz, watchdogMs, servers, connectTimeoutMs, stableMs, retry, noDelay, keepAlive, userTimeoutMs',
    ],
  ])('in any image: %o', (settings, message) => {
    expect(echo(settings)).toBe(`config.${message}`);
  });

  it.each<[object, string]>([
    [{ beatIntervalMs: 0 }, `beatIntervalMs must be ${duration}, not 0`],
    [
      { tickRateHz: 100, beatIntervalMs: 5 },
      'beatIntervalMs must be a whole number from 10 to 2147483647 (milliseconds, at 100 ticks a second), not 5',
    ],
    [{ expectAnswers: 'yes' }, 'expectAnswers must be true or false, not "yes"'],
    [{ missedLimit: 0 }, 'missedLimit must be a whole number from 1 to 1000 (beats), not 0'],
    [{ missedLimit: 1001 }, 'missedLimit must be a whole number from 1 to 1000 (beats), not 1001'],
    [
      { tickRateHz: 100, dataIntervalMs: 9 },
      'dataIntervalMs must be a whole number from 10 to 2147483647 (0 for none; milliseconds, at 100 ticks a second), not 9',
    ],
    [{ dataBytes: -1 }, 'dataBytes must be a whole number from 0 to 65536 (bytes), not -1'],
    [{ dataBytes: 65_537 }, 'dataBytes must be a whole number from 0 to 65536 (bytes), not 65537'],
    [{ maxDataBytes: 2 ** 31 }, 'maxDataBytes must be a whole number from 0 to 2147483647 (bytes), not 2147483648'],
  ])('in the heartbeat image: %o', (settings, message) => {
    expect(heartbeat(settings)).toBe(`config.${message}`);
  });

  it('any other value, in a short sentence', () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    for (const value of [loop, () => 1, Symbol('s'), 'x'.repeat(1000), new Map(), [[[]]], -0.5]) {
      const message = heartbeat({ noDelay: value });
      expect(message).toMatch(/^config\.noDelay must be true or false, not .{1,50}$/);
    }
  });
});
