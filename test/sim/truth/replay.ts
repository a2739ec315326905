/**
 * A measured scenario, done again in virtual time. Nothing here knows a scenario by its name: faults and calls are read
 * from the data, so that another measurement of the same kind needs no line of code.
 */

import type { Profile } from '../../../sim/tcpip/profile.ts';
import {
  type Scenario, parseOptions, type Side, type SideOptions, type SocketOptions, type TrueCall, withSysctls,
} from './data.ts';
import { type Seen, seconds, TruthWorld, type WorldOptions } from './world.ts';
import type { Call } from './application.ts';

/** Facts that the data does not contain and the replay needs. */
export interface Special {
  /** Sides that read, although the data contains no calls of theirs. */
  readonly readQuietly?: readonly Side[];
  readonly clientBufferBytes?: number;
  /** Options of the surviving side's socket, besides those of the text. */
  readonly options?: SocketOptions;
  readonly wheelUs?: number;
  /** Seed of the world. It decides how long neighbour entries are valid. */
  readonly seed?: number;
  /** With ARP: whether the server has asked for the client's address before the connection. */
  readonly areAcquainted?: boolean;
}

export interface Replayed {
  readonly world: TruthWorld;
  /** Packets that the surviving side saw from the fault on. */
  readonly packets: readonly Seen[];
  readonly calls: readonly Call[];
}

/** Time after an error in which no packet may come. */
const QUIET_S = 100;
/** Length of a scenario in which nothing happens. */
const NOTHING_S = 40;
const PIECE_BYTES = 1000;
/** Time before a program's first successful call from which it reads: data may come a little sooner here. */
const READS_BEFORE_S = 0.05;

export function isArpDynamic({ arp, options, title }: Scenario): boolean {
  return (arp ?? (/dynamic ARP/.test(`${options}, ${title}`) ? 'dynamic' : 'static')) === 'dynamic';
}

export function replay(scenario: Scenario, special: Special = {}): Replayed {
  const { surviving_side: survivor, packets, app_calls: calls, expected, sysctl_overrides: overrides } = scenario;
  const options = parseOptions(scenario.options, survivor);
  const profile = withSysctls({ ...options.sysctls, ...overrides });
  const { clientBufferBytes = options.client.receiveBufferBytes } = special;
  const world = new TruthWorld({
    server: profileOf(profile, options.server, options.server.receiveBufferBytes),
    client: profileOf(profile, options.client, clientBufferBytes),
    serverSocket: { ...options.server.socket, ...(survivor === 'server' ? special.options : {}) },
    clientSocket: { ...options.client.socket, ...(survivor === 'client' ? special.options : {}) },
    // A side does not read before its first call that reads.
    serverReads: special.readQuietly?.includes('server') === true ? 'quietly' : false,
    clientReads: special.readQuietly?.includes('client') === true ? 'quietly' : false,
    arp: isArpDynamic(scenario),
    ...delay(scenario),
    ...firewall(scenario),
    ...special,
  });
  if (special.areAcquainted === true) world.acquaint();
  const isConnectMeasured = calls.some(({ who, what }) => who === 'client' && what === 'connect start');
  if (isConnectMeasured) {
    if (scenario.title.includes('blackholed')) world.cables.server.pull();
    for (const what of beforehand(scenario)) happen(world, scenario, what);
  } else {
    world.establish();
  }
  const faultTimes = Object.entries(scenario.fault_times_measured).map(([what, [t, doneT]]) => {
    // A cable that is plugged in again works from the end of that action in the latest run. Every other fault starts at
    // the earliest.
    world.at(/replug|rebooted|link set \w+ up/.test(what) ? doneT : t, () => happen(world, scenario, what));
    return t;
  });
  for (const call of calls) schedule(world, scenario, call);
  for (const who of new Set(calls.filter(({ what }) => what === 'recv').map((call) => call.who))) {
    const { t = 0, n = 0 } = calls.find((call) => call.who === who && call.what === 'recv') ?? {};
    const side = sideOf(who);
    // Data is read before an error or an end, so there was none of it before.
    world.at(n > 0 ? Math.max(t - READS_BEFORE_S, 0) : 0, () => world.socketIfAny(side)?.startReading());
  }
  const lastT = Math.max(0, ...packets.map(({ t_max }) => t_max), ...calls.map(({ t }) => t), expected.t_max ?? 0);
  world.run(lastT === 0 ? NOTHING_S : lastT + (expected.errno === null ? 0.4 : QUIET_S));
  const fromS = faultTimes.length === 0 ? -Infinity : Math.min(...faultTimes);
  return {
    world,
    packets: world.seen[survivor].filter(({ atUs }) => seconds(atUs) >= fromS),
    calls: [...world.server.calls, ...world.client.calls],
  };
}

function profileOf(base: Profile, options: SideOptions, receiveBufferBytes = base.receiveBufferBytes): Profile {
  const { rtoMaxMs = base.retransmission.rtoMaxMs } = options;
  return { ...base, receiveBufferBytes, retransmission: { ...base.retransmission, rtoMaxMs } };
}

/** `near pull t=-1.5`, `link down before`: what was done before the first call is in no measured time. */
function beforehand({ schedule: text, fault_times_measured: measured }: Scenario): string[] {
  return text.split(/[,;]/).flatMap((item) => {
    const [, what] = /^(.*?) *(?:t=-\d|\bbefore\b)/.exec(item.trim()) ?? [];
    return what === undefined || Object.hasOwn(measured, what) ? [] : [what];
  });
}

/** `stateful firewall (5 s)`, and maybe `RST` for what it does not know. */
function firewall({ title }: Scenario): Pick<WorldOptions, 'firewall'> {
  const [, timeoutS] = /stateful firewall \D*(\d+) s\)/.exec(title) ?? [];
  return timeoutS === undefined
    ? {}
    : { firewall: { timeoutS: Number(timeoutS), onExpired: title.includes('RST') ? 'rst' : 'silent' } };
}

/** `~100 ms RTT`, `RTT 100 ms`: half of it each way. `50 ms each way`, `one-way delay 50 ms`. */
function delay({ title, options }: Scenario): Pick<WorldOptions, 'delayUs'> {
  const text = `${title}, ${options}`;
  const [, before, after] = /(\d+(?:\.\d+)?) ms RTT|RTT (?:of )?~?(\d+(?:\.\d+)?) ms/.exec(text) ?? [];
  const [, each, way] = /(\d+(?:\.\d+)?) ms (?:each|one) way|one-way delay (?:of )?(\d+(?:\.\d+)?) ms/.exec(text) ?? [];
  const oneWayMs = Number(each ?? way ?? Number(before ?? after ?? 0) / 2);
  return oneWayMs === 0 ? {} : { delayUs: oneWayMs * 1000 };
}

type Happening = (world: TruthWorld, side: Side, scenario: Scenario, what: string) => void;

/**
 * Faults as the data names them, and actions of a program that the data notes with a time there. The side is the one in
 * the name, or else the far one. The first pattern that matches applies.
 */
const HAPPENINGS: readonly (readonly [RegExp, Happening])[] = [
  [/^near pull/, (world, _side, { surviving_side: survivor }) => world.cables[survivor].pull()],
  [/^near replug/, (world, _side, { surviving_side: survivor }) => world.cables[survivor].plug()],
  [/^(far )?pull/, (world, side) => world.cables[side].pull()],
  [/^(far )?replug/, (world) => world.plugAll()],
  [/link (set \w+ )?down/, (world, _side, scenario) => world.near(scenario).setLost('interface-down', true)],
  [/link (set \w+ )?up/, (world, _side, scenario) => world.near(scenario).setLost('interface-down', false)],
  [/addr\w* (del\w*|removed)/, (world, _side, scenario) => world.near(scenario).setLost('address-removed', true)],
  [/addr\w* (add\w*|restored)/, (world, _side, scenario) => world.near(scenario).setLost('address-removed', false)],
  [/neigh\w* .*flush|flush.* neigh/, (world, side) => world.machine(side).stack.neighbours?.clear()],
  [/^one-way/, (world, side) => world.mute(side)],
  [/^power loss/, (world, side) => world.machine(side).host.powerOff()],
  [/^rebooted/, (world, side) => void world.machine(side).boot()],
  [/^SIGKILL/, (world, side) => world.machine(side).stack.closeAll()],
  [/keepalive .* is set/, (world, _side, { surviving_side: survivor, title }, what) => {
    const { keepAlive } = parseOptions(what.replace(/ is set.*/, ''), survivor)[survivor].socket;
    if (keepAlive === undefined) throw new Error(`what keepalive is "${what}"?`);
    world.socket(survivor).switchKeepAliveOn(keepAlive, title.includes('SO_KEEPALIVE first'));
  }],
  [/\w+=\d+ is set|TCP_NODELAY is set/, (world, _side, { surviving_side: survivor }, what) => {
    world.socket(survivor).setOptions(parseOptions(what.replace(/ is set.*/, ''), survivor)[survivor].socket);
  }],
  [/SO_LINGER|abort/, (world, side) => world.socket(side).abort()],
  [/close(\(\))?( during .*)?$|closes/, (world, side) => world.socket(side).close()],
  [/shutdown/, (world, side) => world.socket(side).shutdown()],
  [/writes until EAGAIN|fills?\b/, (world, side) => world.socket(side).fill(PIECE_BYTES)],
  [/reads( again)?|starts reading/, (world, side) => world.socket(side).startReading()],
  // The calls contain this action, too.
  [/^reconnect from port/, () => {}],
];

function happen(world: TruthWorld, scenario: Scenario, what: string): void {
  const other = scenario.surviving_side === 'server' ? 'client' : 'server';
  const named = /\b(client|server)\b/.exec(what)?.[1];
  const side = named === 'client' || named === 'server' ? named : other;
  const [, act] = HAPPENINGS.find(([pattern]) => pattern.test(what)) ?? [];
  if (act === undefined) {
    throw new Error(`${scenario.id}: what is "${what}"? HAPPENINGS in replay.ts has what is known`);
  }
  act(world, side, scenario, what);
}

/** `newclient` is the client's program after a reboot. */
function sideOf(who: string): Side {
  return who === 'server' ? 'server' : 'client';
}

/** Schedules a call that the program made by the clock. Calls that poll caused come by themselves. */
function schedule(world: TruthWorld, scenario: Scenario, call: TrueCall): void {
  const { who, what, t } = call;
  const side = sideOf(who);
  switch (what) {
    case 'send':
      world.at(sendTime(scenario, call), () => world.socket(side).send(call.n ?? 10));
      break;
    case 'recv':
      if (call.poll === undefined && (call.n ?? 0) === 0) world.at(t, () => world.socket(side).recv());
      break;
    case 'connect start':
      world.at(Math.max(t, 0), () => world.connect(who, reconnectPort(scenario)));
      break;
    case 'accept':
      world.at(t, () => world.server.note(who, what, world.server.accepted.at(-1)?.tcb.remotePort ?? 0));
      break;
    case 'neigh':
      world.at(t, () => world.machine(side).note(who, what, world.neighbourOf(side)));
      break;
    case 'ss':
      world.at(t, () => world.machine(side).note(who, what, world.stateOf(side)));
      break;
    // Calls that poll caused, actions that fault_times_measured contains as well, and counters, which this simulation
    // does not keep.
    case 'connect':
    case 'filled':
    case 'mib':
      break;
    default:
      if (Object.hasOwn(scenario.fault_times_measured, what)) break;
      throw new Error(`${scenario.id}: what is the call "${what}"? schedule in replay.ts has those that are known`);
  }
}

function reconnectPort({ fault_times_measured: faults }: Scenario): number | undefined {
  const [, port] = /reconnect from port (\d+)/.exec(Object.keys(faults).join()) ?? [];
  return port === undefined ? undefined : Number(port);
}

/** Time of a send. The data notes a send when it has returned, so the segment shows better when it was called. */
function sendTime({ app_calls: calls, packets, surviving_side: survivor }: Scenario, call: TrueCall): number {
  const before = calls
    .slice(0, calls.indexOf(call))
    .filter(({ who, what, n }) => who === call.who && what === 'send' && n !== undefined);
  const seq = before.reduce((sum, { n = 0 }) => sum + n, 1);
  const dir = call.who === survivor ? 'tx' : 'rx';
  const packet = packets.find((other) => other.dir === dir && other.len > 0 && other.seq === seq);
  return packet !== undefined && Math.abs(packet.t - call.t) < 0.01 ? packet.t : call.t;
}

/** A segment as both the data and the simulation can tell of it. */
export interface Told {
  readonly t: number;
  readonly dir: 'tx' | 'rx';
  readonly flags: string;
  readonly seq: number | null;
  readonly ack: number | null;
  readonly len: number;
  readonly dst?: string | undefined;
}

/** Returns the segments with numbers relative to the first handshake of the same ports. */
export function relative({ world, packets }: Replayed, survivor: Side): Told[] {
  return packets.map(({ atUs, dir, flags, seq, ack, len, port, dst }) => {
    const isn = (of: 'tx' | 'rx'): number | undefined =>
      world.seen[survivor].find((other) => other.port === port && other.dir === of && isSyn(other.flags))?.seq;
    const from = (base: number | undefined, number: number): number | null =>
      base === undefined ? null : (number - base) >>> 0;
    return {
      t: seconds(atUs),
      dir,
      flags,
      seq: from(isn(dir), seq),
      ack: isAck(flags) ? from(isn(dir === 'tx' ? 'rx' : 'tx'), ack) : null,
      len,
      dst,
    };
  });
}

/** ARP packets have no flags, only a name. */
export function isSyn(flags: string): boolean {
  return !flags.startsWith('ARP') && flags.includes('S');
}

export function isAck(flags: string): boolean {
  return !flags.startsWith('ARP') && flags.includes('A');
}
