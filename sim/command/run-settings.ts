/** What the options of `cablepull run` come to, checked. */

import { isIP } from 'node:net';
import { ConfigError, type FirmwareConfig, firmwareImage, type OwnConfig } from '../../firmware/index.ts';
import { WATCHDOG_MIN_TICKS } from '../../firmware/tasks/watchdog.ts';
import { type Fault, formatFault } from '../faults/fault.ts';
import { problemOf } from '../faults/hosts.ts';
import { FAULTS } from '../faults/kinds/index.ts';
import type { NetworkKind } from '../faults/kind.ts';
import { SERVER_NAME, SERVER_PORT } from '../programs.ts';
import { DEFAULT_LIMITS } from '../server/limits.ts';
import type { ServerProtocol } from '../server/protocols/protocol.ts';
import type { ServerOptions } from '../server/settings.ts';
import type { Shard } from '../swarm/part.ts';
import { formatDuration } from '../time/duration.ts';
import { SPEED_MAX, SPEED_MIN } from '../live-page/wire.ts';
import type { Expectation } from '../verdict/expectation.ts';
import type { TunOptions } from '../server-bench/index.ts';
import { whyWhole } from './blocks.ts';
import { type CiFileNames, ciFileNames } from './ci-files.ts';
import { commandLine, without, withoutFlag } from './command-line.ts';
import { readExpectations, readPlan } from './plan-options.ts';
import { type Programs, programsOf } from './program-options.ts';
import type { GivenWithProtocol } from './protocol-command.ts';
import type { RUN_OPTIONS } from './run-command.ts';
import { checkServer, defined } from './server-options.ts';
import {
  checkDifferent,
  durationOf,
  fileName,
  inputName,
  JOBS_MAX,
  regularExpression,
  seedOf,
  shardOf,
  hostAndPort,
  usage,
  wholeNumber,
} from './values.ts';

/** The user's own server, in a namespace of its own. */
export interface OwnServer {
  readonly command: readonly string[];
  /** Undefined: to be found out. */
  readonly port: number | undefined;
  /** In place of a command: one that runs already, reached over the host's own network. */
  readonly tun: TunOptions | undefined;
}

/** The fleet is simulated in blocks (blocks.ts). */
export interface Split {
  /** So many at a time; undefined: one a processor. */
  readonly jobs: number | undefined;
  /** The part of them that is done here. */
  readonly shard: Shard;
  /** The file that this part goes to. */
  readonly out: string | undefined;
}

export interface RunSettings {
  readonly network: NetworkKind;
  readonly deviceCount: number;
  readonly firmware: OwnConfig;
  /** Over a gateway: the user's own server. */
  readonly ownServer: OwnServer | undefined;
  /** Simulated: the user's own Node programs. */
  readonly programs: Programs | undefined;
  /** What devices send: segments of connections, or datagrams. */
  readonly transport: 'stream' | 'datagram';
  /** Lines of what the server prints that say that a device is gone. */
  readonly offlineLog: RegExp | undefined;
  /** But where it listens; over real sockets the servers are the user's own. */
  readonly embeddedServer: ServerOptions;
  readonly plan: readonly Fault[];
  /** Whether a page shows the run while it lasts, with a button for each fault. */
  readonly live: boolean;
  /** With a live page, on the simulated network: virtual seconds for each real one, to begin with. */
  readonly liveSpeed: number | undefined;
  /** Undefined: until Ctrl-C, or the button of a live page; without such a page not on the simulated network. */
  readonly forMs: number | undefined;
  readonly seed: number;
  readonly expectations: readonly Expectation[];
  readonly json: boolean;
  /** The file that a capture goes to. */
  readonly pcap: string | undefined;
  readonly netstat: boolean;
  /** The file that the page goes to. */
  readonly report: string | undefined;
  /** Where what a CI job wants goes to. */
  readonly ciFiles: CiFileNames;
  /** What was typed behind `run`. */
  readonly args: readonly string[];
  /** Undefined: the fleet is one world. */
  readonly split: Split | undefined;
  /** What one can type into a shell to have the same again. */
  readonly repeat: string;
  /** The same without the names of files: what equal runs write is equal, wherever it is written. */
  readonly repeatWithoutFiles: string;
}

/** After the last fault, so that everybody can come back. In virtual time a minute costs nothing. */
const SETTLE_MS: Readonly<Record<NetworkKind, number>> = { real: 20_000, simulated: 60_000, gateway: 20_000 };

/** How many, unless told. */
const DEVICES: Readonly<Record<NetworkKind, number>> = { real: 20, simulated: 5, gateway: 20 };

/** One world holds no more. */
const WORLD_DEVICES_MAX = 100_000;
const DEVICES_MAX = 10_000_000;

/** Throws a Problem. `plan`: the lines of its options, where they have been read before. */
export function runSettings(
  given: GivenWithProtocol<typeof RUN_OPTIONS>, plan = planOfOptions(given.values),
): RunSettings {
  const { values, args, protocol, settings, beatIntervalMs, keepAlive } = given;
  const ownServer =
    given.serverCommand === undefined
      ? tunServerOf(values)
      : ownServerOf(given.serverCommand, values.server ?? []);
  const programs = programsOf(values);
  if (programs !== undefined) checkAlone(values.program === undefined ? '--device-program' : '--program', given);
  if (given.serverCommand !== undefined && values.network !== undefined) {
    throw usage('a server behind -- COMMAND has a network of its own: it does not go with --network');
  }
  const pattern = values['offline-log'];
  if (pattern !== undefined && given.serverCommand === undefined && programs?.server === undefined) {
    throw usage('--offline-log reads what your server prints: it goes with -- COMMAND or --program');
  }
  const servers = ownServer === undefined ? (values.server ?? []).map((text) => hostAndPort('--server', text)) : [];
  const network = ownServer !== undefined ? 'gateway' : servers.length > 0 ? 'real' : 'simulated';
  for (const [option, isGiven] of [['--pcap', values.pcap !== undefined], ['--netstat', values.netstat]] as const) {
    if (isGiven && network === 'real') {
      throw usage(`${option} looks into the simulated network: it does not go with --server HOST:PORT`);
    }
  }
  checkDifferent({
    '--plan': values.plan, '--pcap': values.pcap, '--report': values.report, '--junit': values.junit,
    '--markdown': values.markdown, '--out': values.out,
  });
  const deviceCount = values.devices === undefined
    ? DEVICES[network]
    : wholeNumber('--devices', values.devices, 1, network === 'simulated' ? DEVICES_MAX : WORLD_DEVICES_MAX);
  const forMs =
    durationOf('--for', values.for, { maxMs: Infinity }) ?? (values.live ? undefined : defaultLengthMs(plan, network));
  const servedBy = network === 'real' ? [] : [SERVER_NAME];
  const problem =
    plan.length === 0 ? undefined : problemOf(plan, { network, devices: deviceNames(deviceCount), servers: servedBy });
  if (problem !== undefined) throw usage(problem);
  const split = splitOf(values, network, deviceCount, protocol.server, plan);
  if (ownServer?.tun !== undefined) checkReachable(plan);
  for (const fault of plan) {
    if (forMs !== undefined && fault.at.toMs >= forMs) {
      throw usage(`${formatFault(fault)}: the run is over by then (--for ${formatDuration(forMs)})`);
    }
  }
  const expectations = readExpectations(values.expect ?? []);
  const liveSpeed = liveSpeedOf(values, network);
  if (expectations.some(({ kind }) => kind === 'times') && plan.length === 0 && !values.live) {
    throw usage('--expect speaks of faults: it needs a --fault or a --plan');
  }

  const { device = {}, service = {}, liveness, beatEvents = false } = settings;
  const firmware: OwnConfig = {
    ...defined(device),
    protocol: protocol.device,
    servers: servers.length > 0 ? servers : [{ host: SERVER_NAME, port: SERVER_PORT }],
    ...defined({ watchdogMs: durationOf('--watchdog', values.watchdog, { minMs: WATCHDOG_MIN_TICKS }) }),
  };
  checkFirmware(firmware);
  const embeddedServer = checkServer({
    protocol: { ...defined(service), kind: protocol },
    ...defined({ liveness, keepAlive }),
    // What is asked of the devices here is no flood; and each may come back while the server still believes in its
    // ghost.
    limits: {
      maxFramesPerSecond: Math.max(100, Math.ceil(5000 / (beatIntervalMs ?? 3000))),
      maxConnections: Math.max(DEFAULT_LIMITS.maxConnections, 2 * deviceCount),
    },
    beatEvents,
  });
  return {
    network,
    deviceCount,
    firmware,
    ownServer,
    programs,
    transport: protocol.server.transport,
    offlineLog: pattern === undefined ? undefined : regularExpression('--offline-log', pattern),
    embeddedServer,
    plan,
    live: values.live,
    liveSpeed,
    forMs,
    seed: seedOf(values.seed),
    expectations,
    json: values.json,
    pcap: fileName('--pcap', values.pcap),
    netstat: values.netstat,
    report: fileName('--report', values.report),
    ciFiles: ciFileNames(values),
    repeat: commandLine('run', without(['--shard', '--out'], args), values.seed),
    repeatWithoutFiles: commandLine('run', without(FILES, withoutLive(args)), values.seed),
    args,
    split,
  };
}

/** The lines of `--fault` and `--plan`. Throws a Problem. */
function planOfOptions({ fault = [], plan }: { fault?: string[]; plan?: string }): readonly Fault[] {
  return readPlan(fault, inputName('--plan', plan));
}

/** Options that name files. */
const FILES = ['--pcap', '--report', '--junit', '--markdown', '--out', '--shard'];

/** Options that show one world, or need one. */
const WHOLE_OPTIONS = [
  'json', 'netstat', 'pcap', 'report', 'live', 'junit', 'markdown', 'program', 'device-program',
] as const;

type SplitValues = Readonly<Partial<Record<'jobs' | 'shard' | 'out', string | undefined>>> & {
  readonly [Name in (typeof WHOLE_OPTIONS)[number]]?: string | boolean | undefined;
};

function splitOf(
  values: SplitValues, network: NetworkKind, deviceCount: number, server: ServerProtocol, plan: readonly Fault[],
): Split | undefined {
  const { jobs, shard, out } = values;
  const given = Object.entries({ jobs, shard, out });
  const [asked] = given.flatMap(([option, value]) => (value === undefined ? [] : `--${option}`));
  const why = asked ?? (deviceCount > WORLD_DEVICES_MAX ? `--devices ${deviceCount}` : undefined);
  if (why === undefined) return undefined;
  if (network !== 'simulated') throw usage(`${why} splits a simulated fleet: it does not go with a server of yours`);
  const whole = WHOLE_OPTIONS.find((option) => values[option] !== undefined && values[option] !== false);
  if (whole !== undefined) {
    throw usage(`${why} splits the fleet over several servers: it does not go with --${whole}, which needs one world`);
  }
  const shared = whyWhole(server, plan);
  if (shared !== undefined) throw usage(`${why} splits the fleet over several servers, but ${shared}`);
  return {
    jobs: jobs === undefined ? undefined : wholeNumber('--jobs', jobs, 1, JOBS_MAX),
    shard: shard === undefined ? { number: 1, count: 1 } : shardOf(shard),
    out: fileName('--out', out),
  };
}

/** A live run is repeated by its plan, at any speed, without its page. */
function withoutLive(args: readonly string[]): readonly string[] {
  return withoutFlag('--live', without(['--speed'], args));
}

/** `--speed`, which goes with `--live` and virtual time. */
function liveSpeedOf(
  { live, speed }: { readonly live: boolean; readonly speed?: string | undefined },
  network: NetworkKind,
): number | undefined {
  if (speed !== undefined && !live) throw usage('--speed is how fast a live page shows the run: it goes with --live');
  if (!live || network !== 'simulated') {
    if (speed !== undefined) throw usage('--speed is for virtual time: against a server of yours time is real');
    return undefined;
  }
  const number = speed === undefined ? 1 : Number(speed);
  if (!(number >= SPEED_MIN && number <= SPEED_MAX)) {
    throw usage(`--speed must be a number from ${SPEED_MIN} to ${SPEED_MAX}, not '${speed}'`);
  }
  return number;
}

/** dev-1, dev-2, ... */
export function deviceNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => nthDevice(i));
}

export function nthDevice(index: number): string {
  return `dev-${index + 1}`;
}

/** The place of a device among these names: what `nthDevice` makes a name of. */
export function deviceIndex(name: string): number {
  return Number(name.replace(/^dev-/, '')) - 1;
}

/**
 * Devices are switched on one after another, so that a listening queue is not met by all of them at once: 1 ms apart,
 * but all of them within 10 s.
 */
export function powerOnMs(index: number, deviceCount: number): number {
  return index * Math.min(1, POWER_ON_MS_MAX / deviceCount);
}

const POWER_ON_MS_MAX = 10_000;

function defaultLengthMs(plan: readonly Fault[], network: NetworkKind): number | undefined {
  if (plan.length === 0 && network !== 'simulated') return undefined;
  const endMs = plan.reduce(
    (latest, { at, for: length, everyMs }) => Math.max(latest, at.toMs + (everyMs ?? 0) + (length?.toMs ?? 0)),
    0,
  );
  return endMs + SETTLE_MS[network];
}

type NetworkValues = Readonly<Record<'network' | 'subnet' | 'interface', string | undefined>> & {
  readonly server?: string[] | undefined;
};

/** `--network tun`, and what goes with it. */
function tunServerOf(values: Partial<NetworkValues>): OwnServer | undefined {
  const { network, subnet, interface: interfaceName, server: servers = [] } = values;
  if (network === undefined) {
    if (subnet !== undefined || interfaceName !== undefined) throw usage('--subnet and --interface go with --network tun');
    return undefined;
  }
  if (network !== 'tun') throw usage(`--network must be tun, not '${network}'`);
  const [text, ...more] = servers;
  if (text === undefined || more.length > 0) throw usage('--network tun needs one --server, as in --server 10.77.0.1:1883');
  const { host: address, port } = hostAndPort('--server', text);
  if (isIP(address) !== 4) throw usage(`with --network tun, --server must be an IPv4 address and a port, not '${text}'`);
  const tun = { server: { address, port }, ...defined({ subnet, interfaceName }) };
  return { command: [], port, tun };
}

/** That nothing else says what the devices meet. */
function checkAlone(option: string, { values, serverCommand }: GivenWithProtocol<typeof RUN_OPTIONS>): void {
  const { server, network } = values;
  const other = serverCommand !== undefined ? '-- COMMAND' : server !== undefined ? '--server' : network && '--network';
  if (other === undefined) return;
  const hint = other === '--server' && option === '--program' ? '; --port says where it listens' : '';
  throw usage(`${option} is simulated, network and all: it does not go with ${other}${hint}`);
}

/** That no fault is on what is not ours to stop. */
export function checkReachable(plan: readonly Fault[]): void {
  const fault = plan.find(({ kind, target }) => target === SERVER_NAME && FAULTS[kind].firmware !== 'running');
  if (fault === undefined) return;
  throw usage(`${formatFault(fault)}: a server that runs by itself is not ours to stop; behind -- COMMAND it is`);
}

/** What stands behind `--`; and `--server :1883` where it listens. */
function ownServerOf(
  command: readonly string[],
  servers: readonly string[],
): OwnServer {
  if (command.length === 0) {
    throw usage('behind -- there must be the command that starts your server, as in -- node server.js');
  }
  const [server, ...more] = servers;
  if (server === undefined) return { command, port: undefined, tun: undefined };
  const [, port] = /^:(\d+)$/.exec(server) ?? [];
  if (port === undefined || more.length > 0) {
    throw usage(`with -- COMMAND, --server says no more than the port, as in --server :1883, not '${server}'`);
  }
  return { command, port: wholeNumber('the port of --server', port, 1, 65_535), tun: undefined };
}

function checkFirmware(config: FirmwareConfig): void {
  try {
    firmwareImage(config);
  } catch (error) {
    if (error instanceof ConfigError) throw usage(inWordsOfOptions(error.message));
    throw error;
  }
}

/** The firmware speaks of its fields; of these only the servers have not been looked at yet. */
function inWordsOfOptions(message: string): string {
  return message.replace(/^config\.servers\[\d+\]\.(\w+)/, 'the $1 of --server');
}
