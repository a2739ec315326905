/** What `cablepull serve` is told. */

import { parseArgs } from 'node:util';
import { HEARTBEAT_DEFAULTS } from '../../../firmware/index.ts';
import { SERVER_PORT } from '../../programs.ts';
import type { ServerOptions } from '../../server/settings.ts';
import { checkServer, COMMON_OPTIONS, commonSettings } from './common.ts';
import { checkedWords, duration, usage, wholeNumber } from './words.ts';

export interface ServeSettings {
  /** But where it listens: that is `host`, a name or an address, and `port`. */
  readonly server: ServerOptions;
  readonly host: string;
  readonly port: number;
  readonly json: boolean;
}

const SERVE_OPTIONS = {
  ...COMMON_OPTIONS,
  port: { type: 'string', default: String(SERVER_PORT) },
  host: { type: 'string', default: '127.0.0.1' },
  scan: { type: 'string' },
  idle: { type: 'string' },
  push: { type: 'string' },
  'max-connections': { type: 'string' },
} as const;

export function serveSettings(args: readonly string[]): ServeSettings {
  const { values } = parseArgs({ args: checkedWords('serve', args, SERVE_OPTIONS), options: SERVE_OPTIONS, allowNegative: true });
  const { heartbeat, keepAlive = 'off', missedLimit, ...common } = commonSettings(values);
  const beatIntervalMs = common.beatIntervalMs ?? HEARTBEAT_DEFAULTS.beatIntervalMs;
  const scanIntervalMs = duration('--scan', values.scan);
  const idleMs = duration('--idle', values.idle);
  const pushIntervalMs = duration('--push', values.push);
  if (!heartbeat && pushIntervalMs !== undefined) throw usage('--push sends frames: there are none with --protocol echo');
  if (idleMs !== undefined && missedLimit !== undefined) throw usage('--idle and --missed-limit are two policies: choose one');
  const maxConnections = values['max-connections'];
  const server = checkServer({
    protocol: heartbeat
      ? { kind: 'heartbeat', answerBeats: values.answers, ...(pushIntervalMs === undefined ? {} : { push: { intervalMs: pushIntervalMs, dataBytes: 16 } }) }
      : { kind: 'echo', lineIntervalMs: beatIntervalMs },
    liveness: idleMs === undefined
      ? { policy: 'missed-beats', scanIntervalMs: scanIntervalMs ?? beatIntervalMs, missedLimit: missedLimit ?? HEARTBEAT_DEFAULTS.missedLimit }
      : { policy: 'idle', checkIntervalMs: scanIntervalMs ?? 5000, idleMs },
    keepAlive,
    ...(maxConnections === undefined ? {} : { limits: { maxConnections: wholeNumber('--max-connections', maxConnections, 1, 1_000_000) } }),
  });
  return { server, host: values.host, port: wholeNumber('--port', values.port, 0, 65_535), json: values.json };
}
