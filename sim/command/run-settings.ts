/** The settings of `cablepull run`, read from its options and checked. */

import { isIP } from 'node:net';
import type { Server } from '../../firmware/index.ts';
import { type Fault, formatFault } from '../faults/fault.ts';
import { problemOf } from '../faults/hosts.ts';
import { FAULTS } from '../faults/kinds/index.ts';
import type { NetworkKind } from '../faults/kind.ts';
import { SERVER_NAME, SERVER_PORT } from '../programs.ts';
import type { Protocol } from '../server/protocols/protocol.ts';
import type { Shard } from '../swarm/part.ts';
import { formatDuration } from '../time/duration.ts';
import { SPEED_MAX, SPEED_MIN } from '../live-page/wire.ts';
import type { Expectation } from '../verdict/expectation.ts';
import type { TunOptions } from '../server-bench/index.ts';
import { whyWhole } from './blocks.ts';
import { type CiFileNames, ciFileNames } from './ci-files.ts';
import { commandLine, without, withoutFlag } from './command-line.ts';
import { DeviceNames, type Devices, devicesOf } from './device-groups.ts';
import {
  DEVICE_OPTIONS, type DeviceOptionName, isDeviceOption, type TargetedOption, targetedOption,
} from './device-options.ts';
import type { PlanFile } from './plan-file.ts';
import { readExpectations, readFaults, readPlanFile } from './plan-options.ts';
import { type Programs, programsOf } from './program-options.ts';
import type { GivenWithProtocol } from './protocol-command.ts';
import type { RUN_OPTIONS } from './run-command.ts';
import { defined } from './server-options.ts';
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

/** The user's own server: a command in a network namespace, or a server that is reached over a tun interface. */
export interface OwnServer {
  readonly command: readonly string[];
  /** Undefined if the port must be found out. */
  readonly port: number | undefined;
  /** Tun interface over which a server that already runs is reached; undefined with a command. */
  readonly tun: TunOptions | undefined;
}

/** The split of a fleet into blocks (blocks.ts). */
export interface Split {
  /** Number of blocks at a time; undefined for one for each processor. */
  readonly jobs: number | undefined;
  /** Part of the blocks that this process simulates. */
  readonly shard: Shard;
  /** File of this part. */
  readonly out: string | undefined;
}

export interface RunSettings {
  readonly network: NetworkKind;
  readonly devices: Devices;
  readonly deviceCount: number;
  /** Time within which all devices are switched on, one after the other. */
  readonly rampMs: number;
  /** Time to wait for a server to listen; undefined not to wait. */
  readonly waitMs: number | undefined;
  /** Servers that devices connect to, unless the venue names others. */
  readonly servers: readonly Server[];
  /** The user's own server; only on a gateway. */
  readonly ownServer: OwnServer | undefined;
  /** The user's own Node programs; only on the simulated network. */
  readonly programs: Programs | undefined;
  /** Transport of the protocol. */
  readonly transport: 'stream' | 'datagram';
  /** Pattern of lines in which the server reports that a device is gone. */
  readonly offlineLog: RegExp | undefined;
  readonly plan: readonly Fault[];
  /** Lines of the plan file that are not faults. */
  readonly otherLines: readonly string[];
  /** Whether a live page shows the run, with a button for each fault. */
  readonly live: boolean;
  /** Virtual seconds in each real second at the start of a live run; undefined in real time or without a live page. */
  readonly liveSpeed: number | undefined;
  /**
   * Length of the run. Undefined: the run ends with Ctrl-C or the live page's button. A simulated run without a live
   * page always has a length.
   */
  readonly forMs: number | undefined;
  readonly seed: number;
  readonly expectations: readonly Expectation[];
  readonly json: boolean;
  /** Whether the hosts that are not behind a NAT box are on one local network with ARP. */
  readonly arp: boolean;
  /** File of the packet capture. */
  readonly pcap: string | undefined;
  readonly netstat: boolean;
  /** File of the report page. */
  readonly report: string | undefined;
  /** Files for a CI job. */
  readonly ciFiles: CiFileNames;
  /** Words behind `run` on the command line. */
  readonly args: readonly string[];
  /** Undefined if the whole fleet is simulated in one world. */
  readonly split: Split | undefined;
  /** Command line that repeats the run. */
  readonly repeat: string;
  /**
   * The same command line without the names of files, so that equal runs write equal files under any names.
   */
  readonly repeatWithoutFiles: string;
}

/** Time after the last fault in which devices can reconnect. In virtual time a minute costs nothing. */
const SETTLE_MS: Readonly<Record<NetworkKind, number>> = { real: 20_000, simulated: 60_000, gateway: 20_000 };

/** Default number of devices. */
const DEVICES: Readonly<Record<NetworkKind, number>> = { real: 20, simulated: 5, gateway: 20 };

/** Largest number of devices in one world. */
const WORLD_DEVICES_MAX = 100_000;
/**
 * Largest number of devices that one world simulates if the fleet could as well be split. With more, the processor's
 * caches no longer hold the world, and blocks take less time even on one processor.
 */
const UNSPLIT_DEVICES_MAX = 5000;
const DEVICES_MAX = 10_000_000;

/** Returns the settings. `readBefore` replaces `--plan` and `--fault` if it is given. Rejects with a Problem. */
export async function runSettings(
  given: GivenWithProtocol<typeof RUN_OPTIONS>, readBefore?: PlanFile,
): Promise<RunSettings> {
  const { values, args, protocol } = given;
  const ownServer =
    given.serverCommand === undefined
      ? tunServerOf(values)
      : ownServerOf(given.serverCommand, values.server ?? []);
  const programs = programsOf(values);
  if (programs !== undefined) checkAlone(values.program === undefined ? '--device-program' : '--program', given);
  if (given.serverCommand !== undefined && values.network !== undefined) {
    throw usage('a server behind -- COMMAND has its own network: it cannot be used with --network');
  }
  const pattern = values['offline-log'];
  if (pattern !== undefined && given.serverCommand === undefined && programs?.server === undefined) {
    throw usage('--offline-log reads the output of your server: it needs -- COMMAND or --program');
  }
  const servers = ownServer === undefined ? (values.server ?? []).map((text) => hostAndPort('--server', text)) : [];
  const network = ownServer !== undefined ? 'gateway' : servers.length > 0 ? 'real' : 'simulated';
  if (values.arp && network !== 'simulated') throw usage('--arp needs a run on the simulated network');
  for (const [option, isGiven] of [['--pcap', values.pcap !== undefined], ['--netstat', values.netstat]] as const) {
    if (isGiven && network === 'real') {
      throw usage(`${option} needs simulated devices: it cannot be used with --server HOST:PORT`);
    }
  }
  checkDifferent({
    '--plan': values.plan, '--pcap': values.pcap, '--report': values.report, '--junit': values.junit,
    '--markdown': values.markdown, '--out': values.out,
  });
  const planFile = readBefore ?? planOfOptions(values);
  const { faults: plan, otherLines } = planFile;
  const names = deviceNamesOf(values.devices, planFile, network);
  const deviceCount = names.count;
  const forMs =
    durationOf('--for', values.for, { maxMs: Infinity }) ?? (values.live ? undefined : defaultLengthMs(plan, network));
  const servedBy = network === 'real' ? [] : [SERVER_NAME];
  const problem =
    plan.length === 0 ? undefined : problemOf(plan, { network, devices: names.slice(), servers: servedBy });
  if (problem !== undefined) throw usage(problem);
  // The command line comes after the plan, so its options win.
  const targetedOptions = [...planFile.targetedOptions, ...targetedOptionsOf(values)];
  const endpoints = servers.length > 0 ? servers : [{ host: SERVER_NAME, port: SERVER_PORT }];
  const { speak } = given;
  const devices = await devicesOf({ names, targetedOptions, network, servers: endpoints, base: given, speak });
  if (programs?.device !== undefined) checkProgramDevices(targetedOptions);
  const split = splitOf(values, network, devices, plan);
  if (ownServer?.tun !== undefined) checkReachable(plan);
  for (const fault of plan) {
    if (forMs !== undefined && fault.at.toMs >= forMs) {
      throw usage(`${formatFault(fault)}: the run ends before that time (--for ${formatDuration(forMs)})`);
    }
  }
  const expectations = [...planFile.expectations, ...readExpectations(values.expect ?? [])];
  const liveSpeed = liveSpeedOf(values, network);
  if (expectations.some(({ kind }) => kind === 'times') && plan.length === 0 && !values.live) {
    throw usage('--expect is about faults: it needs a --fault or a --plan');
  }

  return {
    network,
    devices,
    deviceCount,
    rampMs: durationOf('--ramp', values.ramp, { maxMs: Infinity }) ?? Math.min(deviceCount, RAMP_MS_MAX),
    waitMs: waitMsOf(values.wait, network, protocol),
    servers: endpoints,
    ownServer,
    programs,
    transport: protocol.server.transport,
    offlineLog: pattern === undefined ? undefined : regularExpression('--offline-log', pattern),
    plan,
    otherLines,
    live: values.live,
    liveSpeed,
    forMs,
    seed: seedOf(values.seed),
    arp: values.arp,
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

function waitMsOf(wait: string | undefined, network: NetworkKind, protocol: Protocol): number | undefined {
  if (wait === undefined) return undefined;
  if (network !== 'real') throw usage('--wait needs --server HOST:PORT, over real sockets');
  const { device: { name }, server: { transport } } = protocol;
  if (transport === 'datagram') throw usage(`--wait needs a protocol with connections, and ${name} has none`);
  return durationOf('--wait', wait);
}

/** Reads `--fault` and `--plan`. Throws a Problem. */
function planOfOptions({ fault = [], plan }: { fault?: string[]; plan?: string }): PlanFile {
  const file = readPlanFile(inputName('--plan', plan));
  return { ...file, faults: [...file.faults, ...readFaults(fault)] };
}

/** Returns the names of the devices, from `--devices` or the plan. Throws a Problem. */
function deviceNamesOf(count: string | undefined, { devices }: PlanFile, network: NetworkKind): DeviceNames {
  if (count !== undefined && devices !== undefined) {
    throw usage('--devices and the plan both name the devices: use only one of them');
  }
  const most = network === 'simulated' ? DEVICES_MAX : WORLD_DEVICES_MAX;
  const number = count === undefined ? DEVICES[network] : wholeNumber('--devices', count, 1, most);
  const names = new DeviceNames(devices ?? [{ prefix: 'dev', count: number }]);
  if (names.count > most) throw usage(`the plan has ${names.count} devices; the most are ${most}`);
  return names;
}

/** Returns the values of the options of devices, such as `--link`. */
function targetedOptionsOf(
  values: { readonly [Name in DeviceOptionName]?: string[] | undefined },
): TargetedOption[] {
  return Object.keys(DEVICE_OPTIONS).filter(isDeviceOption).flatMap((option) => {
    return (values[option] ?? []).map((text) => targetedOption(option, text, `--${option}`));
  });
}

/** Options of devices that only our own firmware has. */
const OF_FIRMWARE: readonly string[] = ['boot-time', 'boot-jitter', 'watchdog', 'clock-drift'];

function checkProgramDevices(options: readonly TargetedOption[]): void {
  const wrong = options.find(({ option }) => !isDeviceOption(option) || OF_FIRMWARE.includes(option));
  if (wrong === undefined) return;
  throw usage(`${wrong.place}: ${wrong.option} needs our own firmware: it cannot be used with --device-program`);
}

/** Options that name files. */
const FILES = ['--pcap', '--report', '--junit', '--markdown', '--out', '--shard'];

/** Options that show a single world, or need one. */
const WHOLE_OPTIONS = [
  'json', 'netstat', 'pcap', 'report', 'live', 'junit', 'markdown', 'arp', 'program', 'device-program',
] as const;

type SplitValues = Readonly<Partial<Record<'jobs' | 'shard' | 'out', string | undefined>>> & {
  readonly [Name in (typeof WHOLE_OPTIONS)[number]]?: string | boolean | undefined;
};

function splitOf(
  values: SplitValues, network: NetworkKind, { names: { count: deviceCount }, ports }: Devices, plan: readonly Fault[],
): Split | undefined {
  const { jobs, shard, out } = values;
  const given = Object.entries({ jobs, shard, out });
  const [asked] = given.flatMap(([option, value]) => (value === undefined ? [] : `--${option}`));
  const why = asked ?? (deviceCount > WORLD_DEVICES_MAX ? `--devices ${deviceCount}` : undefined);
  if (why === undefined && deviceCount <= UNSPLIT_DEVICES_MAX) return undefined;
  const unsplit = whyUnsplit(values, network, ports, plan);
  if (unsplit !== undefined) {
    if (why === undefined) return undefined;
    throw usage(`${why} splits ${unsplit}`);
  }
  return {
    jobs: jobs === undefined ? undefined : wholeNumber('--jobs', jobs, 1, JOBS_MAX),
    shard: shard === undefined ? { number: 1, count: 1 } : shardOf(shard),
    out: fileName('--out', out),
  };
}

/** Returns what is split, and why it cannot be, as the end of a sentence; undefined if the fleet can be split. */
function whyUnsplit(
  values: SplitValues, network: NetworkKind, ports: Devices['ports'], plan: readonly Fault[],
): string | undefined {
  if (network !== 'simulated') return 'a simulated fleet: it cannot be used with your own server';
  const whole = WHOLE_OPTIONS.find((option) => values[option] !== undefined && values[option] !== false);
  if (whole !== undefined) return `the fleet over several servers: it cannot be used with --${whole}`;
  const [shared] = ports.flatMap(({ protocol }) => whyWhole(protocol.server, plan) ?? []);
  return shared && `the fleet over several servers, but ${shared}`;
}

/** Returns the arguments without `--live`: a live run is repeated by its plan, at any speed, without its page. */
function withoutLive(args: readonly string[]): readonly string[] {
  return withoutFlag('--live', without(['--speed'], args));
}

/** Reads `--speed`, which needs `--live` and virtual time. Throws a Problem. */
function liveSpeedOf(
  { live, speed }: { readonly live: boolean; readonly speed?: string | undefined },
  network: NetworkKind,
): number | undefined {
  if (speed !== undefined && !live) throw usage('--speed is the speed of a live page: it needs --live');
  if (!live || network !== 'simulated') {
    if (speed !== undefined) throw usage('--speed needs virtual time: a run against your own server is in real time');
    return undefined;
  }
  const number = speed === undefined ? 1 : Number(speed);
  if (!(number >= SPEED_MIN && number <= SPEED_MAX)) {
    throw usage(`--speed must be a number from ${SPEED_MIN} to ${SPEED_MAX}, not '${speed}'`);
  }
  return number;
}

/**
 * Longest default of `--ramp`. Devices are switched on one after the other, 1 ms apart but all within 10 s, so that not
 * all of them arrive at a listen queue at once.
 */
const RAMP_MS_MAX = 10_000;

/** Returns the time at which a device is switched on, by its index. */
export function powerOnMs(index: number, { rampMs, deviceCount }: RunSettings): number {
  return (index * rampMs) / deviceCount;
}

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

/** Reads `--network tun` and the options that belong to it. Throws a Problem. */
function tunServerOf(values: Partial<NetworkValues>): OwnServer | undefined {
  const { network, subnet, interface: interfaceName, server: servers = [] } = values;
  if (network === undefined) {
    if (subnet !== undefined || interfaceName !== undefined) throw usage('--subnet and --interface need --network tun');
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

/** Throws a Problem if another option chooses a different server or network. */
function checkAlone(option: string, { values, serverCommand }: GivenWithProtocol<typeof RUN_OPTIONS>): void {
  const { server, network } = values;
  const other = serverCommand !== undefined ? '-- COMMAND' : server !== undefined ? '--server' : network && '--network';
  if (other === undefined) return;
  const hint = other === '--server' && option === '--program' ? '; --port is the port on which your program listens' : '';
  throw usage(`${option} runs on the simulated network: it cannot be used with ${other}${hint}`);
}

/** Throws a Problem if a fault would stop a server that this process did not start. */
export function checkReachable(plan: readonly Fault[]): void {
  const fault = plan.find(({ kind, target }) => target === SERVER_NAME && FAULTS[kind].firmware !== 'running');
  if (fault === undefined) return;
  throw usage(
    `${formatFault(fault)}: cablepull can only stop a server that it has started: put the server's command behind --`,
  );
}

/** Reads the command behind `--`, and its port in `--server :1883`. Throws a Problem. */
function ownServerOf(
  command: readonly string[],
  servers: readonly string[],
): OwnServer {
  if (command.length === 0) {
    throw usage('after -- comes the command that starts your server, as in -- node server.js');
  }
  const [server, ...more] = servers;
  if (server === undefined) return { command, port: undefined, tun: undefined };
  const [, port] = /^:(\d+)$/.exec(server) ?? [];
  if (port === undefined || more.length > 0) {
    throw usage(`with -- COMMAND, --server can only be a port, as in --server :1883, not '${server}'`);
  }
  return { command, port: wholeNumber('the port of --server', port, 1, 65_535), tun: undefined };
}
