/** The command line's words, made into settings; what is wrong with them is a Problem with exit status 2. */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ConfigError, HEARTBEAT_DEFAULTS, type FirmwareConfig, type Server } from '../../firmware/index.ts';
import { resolveConfig } from '../../firmware/config.ts';
import { WATCHDOG_MIN_TICKS } from '../../firmware/tasks/watchdog.ts';
import type { KeepAlive } from '../../hal/network.ts';
import { describePlanError, devicesOf, parsePlan } from '../faults/plan.ts';
import { formatFault, type Fault } from '../faults/fault.ts';
import type { NetworkKind } from '../faults/kinds.ts';
import { SERVER_NAME, SERVER_PORT } from '../programs.ts';
import { DEFAULT_LIMITS } from '../server/limits.ts';
import { serverSettings, type ServerOptions } from '../server/settings.ts';
import { formatDuration } from '../time/duration.ts';
import { parseExpectation, type Expectation } from '../verdict/expectation.ts';
import { reasonOf } from './problem.ts';
import { checkedWords, duration, fileName, usage, wholeNumber } from './words.ts';

export interface RunSettings {
  readonly network: NetworkKind;
  readonly deviceCount: number;
  readonly firmware: FirmwareConfig;
  /** But where it listens. Undefined: the servers are the user's own. */
  readonly embeddedServer: ServerOptions | undefined;
  readonly plan: readonly Fault[];
  /** Undefined: until Ctrl-C, and only over real sockets. */
  readonly forMs: number | undefined;
  readonly seed: number;
  readonly expectations: readonly Expectation[];
  readonly json: boolean;
  /** The file that a capture goes to. */
  readonly pcap: string | undefined;
  readonly netstat: boolean;
  /** What one can type into a shell to have the same again. */
  readonly commandLine: string;
  /** The same without the name of a capture's file: captures of equal runs are equal, wherever they are written. */
  readonly commandLineInCapture: string;
}

export interface ServeSettings {
  /** But where it listens: that is `host`, a name or an address, and `port`. */
  readonly server: ServerOptions;
  readonly host: string;
  readonly port: number;
  readonly json: boolean;
}

/** After the last fault, so that everybody can come back. In virtual time a minute costs nothing. */
const SETTLE_MS: Readonly<Record<NetworkKind, number>> = { real: 20_000, simulated: 60_000 };

const COMMON_OPTIONS = {
  protocol: { type: 'string', default: 'heartbeat' },
  beat: { type: 'string' },
  'missed-limit': { type: 'string' },
  answers: { type: 'boolean', default: true },
  keepalive: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

const RUN_OPTIONS = {
  ...COMMON_OPTIONS,
  server: { type: 'string', multiple: true },
  devices: { type: 'string' },
  fault: { type: 'string', multiple: true },
  plan: { type: 'string' },
  for: { type: 'string' },
  seed: { type: 'string', default: '1' },
  expect: { type: 'string', multiple: true },
  watchdog: { type: 'string' },
  pcap: { type: 'string' },
  netstat: { type: 'boolean', default: false },
} as const;

const SERVE_OPTIONS = {
  ...COMMON_OPTIONS,
  port: { type: 'string', default: String(SERVER_PORT) },
  host: { type: 'string', default: '127.0.0.1' },
  scan: { type: 'string' },
  idle: { type: 'string' },
  push: { type: 'string' },
  'max-connections': { type: 'string' },
} as const;

export function runSettings(args: readonly string[]): RunSettings {
  const { values } = parseArgs({ args: checkedWords('run', args, RUN_OPTIONS), options: RUN_OPTIONS, allowNegative: true });
  const servers = (values.server ?? []).map(parseServer);
  const network = servers.length > 0 ? 'real' : 'simulated';
  for (const [option, isGiven] of [['--pcap', values.pcap !== undefined], ['--netstat', values.netstat]] as const) {
    if (isGiven && network === 'real') throw usage(`${option} looks into the simulated network: it does not go with --server`);
  }
  const deviceCount = values.devices === undefined ? (network === 'real' ? 20 : 5) : wholeNumber('--devices', values.devices, 1, 100_000);
  const names = deviceNames(deviceCount);
  const plan = readPlan(values.fault ?? [], fileName('--plan', values.plan));
  const forMs = duration('--for', values.for, { maxMs: Infinity }) ?? defaultLengthMs(plan, network);
  for (const fault of plan) {
    const named = devicesOf(fault, names);
    if (typeof named === 'string') throw usage(`${formatFault(fault)}: ${named}`);
    if (forMs !== undefined && fault.atMs >= forMs) throw usage(`${formatFault(fault)}: the run is over by then (--for ${formatDuration(forMs)})`);
  }
  const expectations = (values.expect ?? []).map((text) => {
    const expectation = parseExpectation(text);
    if (typeof expectation === 'string') throw usage(`--expect: ${expectation}`);
    return expectation;
  });
  if (expectations.length > 0 && plan.length === 0) throw usage('--expect speaks of faults: it needs a --fault or a --plan');

  const { heartbeat, keepAlive, beatIntervalMs, missedLimit } = commonSettings(values);
  const image = {
    servers: servers.length > 0 ? servers : [{ host: SERVER_NAME, port: SERVER_PORT }],
    ...defined({ keepAlive, watchdogMs: duration('--watchdog', values.watchdog, { minMs: WATCHDOG_MIN_TICKS }) }),
  };
  const firmware = checkFirmware(heartbeat
    ? { ...image, protocol: 'heartbeat', expectAnswers: values.answers, ...defined({ beatIntervalMs, missedLimit }) }
    : { ...image, protocol: 'echo' });
  const scanIntervalMs = beatIntervalMs ?? HEARTBEAT_DEFAULTS.beatIntervalMs;
  const embeddedServer: ServerOptions = checkServer({
    protocol: heartbeat ? { kind: 'heartbeat', answerBeats: values.answers } : { kind: 'echo', lineIntervalMs: scanIntervalMs },
    liveness: { policy: 'missed-beats', scanIntervalMs, missedLimit: missedLimit ?? HEARTBEAT_DEFAULTS.missedLimit },
    // What is asked of the devices here is no flood; and each may come back while the server still believes in its ghost.
    limits: {
      maxFramesPerSecond: Math.max(100, Math.ceil(5000 / scanIntervalMs)),
      maxConnections: Math.max(DEFAULT_LIMITS.maxConnections, 2 * deviceCount),
    },
    ...defined({ keepAlive }),
  });
  return {
    network,
    deviceCount,
    firmware,
    embeddedServer: network === 'real' ? undefined : embeddedServer,
    plan,
    forMs,
    seed: wholeNumber('--seed', values.seed, 0, 2 ** 32 - 1),
    expectations,
    json: values.json,
    pcap: fileName('--pcap', values.pcap),
    netstat: values.netstat,
    commandLine: commandLine(args, values.seed),
    commandLineInCapture: commandLine(args.filter((arg, i) => !isOption('--pcap', arg) && args[i - 1] !== '--pcap'), values.seed),
  };
}

function commandLine(args: readonly string[], seed: string): string {
  const hasSeed = args.some((arg) => isOption('--seed', arg));
  return ['cablepull', 'run', ...args, ...(hasSeed ? [] : ['--seed', seed])].map(shellWord).join(' ');
}

function isOption(option: string, arg: string): boolean {
  return arg === option || arg.startsWith(`${option}=`);
}

/** As a POSIX shell reads it as one word. */
function shellWord(text: string): string {
  return /^[\w%+,./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

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

/** What devices and servers are both told; undefined where it was not said. */
interface CommonSettings {
  readonly heartbeat: boolean;
  readonly keepAlive?: KeepAlive | 'off';
  readonly beatIntervalMs?: number;
  readonly missedLimit?: number;
}

interface CommonValues {
  readonly protocol: string;
  readonly beat?: string;
  readonly 'missed-limit'?: string;
  readonly answers: boolean;
  readonly keepalive?: string;
}

function commonSettings(values: CommonValues): CommonSettings {
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

/** dev-1, dev-2, ... */
export function deviceNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `dev-${i + 1}`);
}

function defaultLengthMs(plan: readonly Fault[], network: NetworkKind): number | undefined {
  if (plan.length === 0 && network === 'real') return undefined;
  const endMs = plan.reduce((latest, { atMs, forMs }) => Math.max(latest, atMs + (forMs ?? 0)), 0);
  return endMs + SETTLE_MS[network];
}

function readPlan(lines: readonly string[], file: string | undefined): readonly Fault[] {
  const fromFile = file === undefined ? [] : parseOrRefuse(readText(file), file, (line) => `${file}, line ${line}`);
  return [...fromFile, ...lines.flatMap((line) => parseOrRefuse(line, '--fault', () => '--fault'))];
}

/** `source` is where the plan stands, `place` where its n-th line does. */
function parseOrRefuse(text: string, source: string, place: (line: number) => string): readonly Fault[] {
  const plan = parsePlan(text);
  if ('message' in plan) throw usage(`${place(plan.line)}: ${describePlanError(text, plan)}`);
  if (plan.length === 0) throw usage(`${source}: there is no fault in it`);
  return plan;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw usage(`--plan: cannot read ${file}: ${reasonOf(error)}`);
  }
}

/** `host:port`, `[2001:db8::1]:port`. */
function parseServer(text: string): Server {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d+)$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || port === undefined) throw usage(`--server must be host:port, as in 127.0.0.1:39002 or [::1]:39002, not '${text}'`);
  return { host, port: wholeNumber('the port of --server', port, 1, 65_535) };
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

function checkFirmware(config: FirmwareConfig): FirmwareConfig {
  try {
    return resolveConfig(config);
  } catch (error) {
    if (error instanceof ConfigError) throw usage(inWordsOfOptions(error.message));
    throw error;
  }
}

/** The firmware speaks of its fields; of these only the servers have not been looked at yet. */
function inWordsOfOptions(message: string): string {
  return message.replace(/^config\.servers\[\d+\]\.(\w+)/, 'the $1 of --server');
}

function checkServer(options: ServerOptions): ServerOptions {
  const settings = serverSettings(options);
  if (typeof settings === 'string') throw usage(settings);
  return options;
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the fields that are undefined, so that they do not hide a default. */
function defined<T extends object>(fields: T): Defined<T> {
  const result: Defined<T> = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) Reflect.set(result, name, value);
  return result;
}
