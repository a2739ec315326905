/**
 * A measured scenario, done again in virtual time. Nothing here knows a scenario by its name: faults and calls are read
 * from the data, so that another measurement of the same kind needs no line of code.
 */

import { type Scenario, parseOptions, type Side, type SocketOptions, type TrueCall, withSysctls } from './data.ts';
import { type Seen, seconds, TruthWorld, type WorldOptions } from './world.ts';
import type { Call, Socket } from './application.ts';

/** What the data does not say, and what a scenario is to be held against. */
export interface Special {
  /** Sides that read, though nobody has noted their calls. */
  readonly readQuietly?: readonly Side[];
  readonly clientBufferBytes?: number;
  /** Of the surviving side's socket, beside those of the text. */
  readonly options?: SocketOptions;
  readonly wheelUs?: number;
}

export interface Replayed {
  readonly world: TruthWorld;
  /** What the surviving side saw from the fault on. */
  readonly packets: readonly Seen[];
  readonly calls: readonly Call[];
}

/** After an error nothing may come; so long is looked. */
const QUIET_S = 100;
/** Where nothing is to happen at all. */
const NOTHING_S = 40;
const PIECE_BYTES = 1000;

export function replay(scenario: Scenario, special: Special = {}): Replayed {
  const { surviving_side: survivor, packets, app_calls: calls, expected, sysctl_overrides: sysctls } = scenario;
  const options = { ...parseOptions(scenario.options), ...special.options };
  const profile = withSysctls(sysctls);
  const reads = (side: Side): Socket['reads'] => {
    return special.readQuietly?.includes(side) === true
      ? 'quietly'
      : calls.some(({ who, what }) => who === side && what === 'recv');
  };
  const world = new TruthWorld({
    server: profile,
    client: { ...profile, receiveBufferBytes: special.clientBufferBytes ?? profile.receiveBufferBytes },
    ...(survivor === 'server' ? { serverSocket: options } : { clientSocket: options }),
    serverReads: reads('server'),
    clientReads: reads('client'),
    ...delay(scenario),
    ...firewall(scenario),
    ...(special.wheelUs === undefined ? {} : { wheelUs: special.wheelUs }),
  });
  const isConnectMeasured = calls.some(({ who, what }) => who === 'client' && what === 'connect start');
  if (isConnectMeasured) {
    if (scenario.title.includes('blackholed')) world.cables.server.pull();
  } else {
    world.establish();
  }
  const faultTimes = Object.entries(scenario.fault_times_measured).map(([what, [t, doneT]]) => {
    // What is plugged in again works from when that is done in the latest run; the rest from the earliest.
    world.at(what.includes('replug') ? doneT : t, () => happen(world, scenario, what));
    return t;
  });
  for (const call of calls) schedule(world, scenario, call);
  const lastT = Math.max(0, ...packets.map(({ t_max }) => t_max), ...calls.map(({ t }) => t), expected.t_max ?? 0);
  world.run(lastT === 0 ? NOTHING_S : lastT + (expected.errno === null ? 0.4 : QUIET_S));
  const fromS = faultTimes.length === 0 ? -Infinity : Math.min(...faultTimes);
  return {
    world,
    packets: world.seen[survivor].filter(({ atUs }) => seconds(atUs) >= fromS),
    calls: [...world.server.calls, ...world.client.calls],
  };
}

/** `stateful firewall (5 s)`, and maybe `RST` for what it does not know. */
function firewall({ title }: Scenario): Pick<WorldOptions, 'firewall'> {
  const [, timeoutS] = /stateful firewall \D*(\d+) s\)/.exec(title) ?? [];
  return timeoutS === undefined
    ? {}
    : { firewall: { timeoutS: Number(timeoutS), onExpired: title.includes('RST') ? 'rst' : 'silent' } };
}

/** `~100 ms RTT`: half of it each way. */
function delay({ title, options }: Scenario): Pick<WorldOptions, 'delayUs'> {
  const [, ms = '0'] = /(\d+(?:\.\d+)?) ms RTT/.exec(`${title}, ${options}`) ?? [];
  return Number(ms) === 0 ? {} : { delayUs: Number(ms) * 500 };
}

/** What the data calls a fault, and what a program does that is noted with its time there. */
function happen(world: TruthWorld, { surviving_side: survivor, title }: Scenario, what: string): void {
  const other = survivor === 'server' ? 'client' : 'server';
  const named = /\b(client|server)\b/.exec(what)?.[1];
  const side = named === 'client' || named === 'server' ? named : other;
  const keepAlive = what.includes('is set') ? parseOptions(what).keepAlive : undefined;
  if (what.startsWith('far pull')) world.cables[other].pull();
  else if (what.startsWith('near pull')) world.cables[survivor].pull();
  else if (/^link set \w+ down/.test(what)) world.cables[survivor].pull();
  else if (what.startsWith('one-way')) world.mute(side);
  else if (keepAlive !== undefined) {
    world.socket(survivor).switchKeepAliveOn(keepAlive, title.includes('SO_KEEPALIVE first'));
  }
  else if (what.endsWith('close()')) world.socket(side).close();
  else if (what.startsWith('near replug')) world.cables[survivor].plug();
  else if (what.startsWith('replug')) world.plugAll();
  else if (what.startsWith('power loss')) world.machine(side).host.powerOff();
  else if (what.startsWith('rebooted')) world.machine(other).boot();
  else if (what.startsWith('SIGKILL')) world.machine(side).stack.closeAll();
  else if (what.includes('writes until EAGAIN')) world.socket(side).fill(PIECE_BYTES);
  else if (!what.startsWith('reconnect from port')) throw new Error(`what is "${what}"?`);
}

/** A call that its program made by the clock; those that poll led to, come by themselves. */
function schedule(world: TruthWorld, scenario: Scenario, call: TrueCall): void {
  const { who, what, t } = call;
  const side = who === 'server' ? 'server' : 'client';
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
    default:
  }
}

function reconnectPort({ fault_times_measured: faults }: Scenario): number | undefined {
  const [, port] = /reconnect from port (\d+)/.exec(Object.keys(faults).join()) ?? [];
  return port === undefined ? undefined : Number(port);
}

/** A send is noted when it has returned: the segment it made tells better when it was called. */
function sendTime({ app_calls: calls, packets, surviving_side: survivor }: Scenario, call: TrueCall): number {
  const before = calls
    .slice(0, calls.indexOf(call))
    .filter(({ who, what, n }) => who === call.who && what === 'send' && n !== undefined);
  const seq = before.reduce((sum, { n = 0 }) => sum + n, 1);
  const dir = call.who === survivor ? 'tx' : 'rx';
  const packet = packets.find((other) => other.dir === dir && other.len > 0 && other.seq === seq);
  return packet !== undefined && Math.abs(packet.t - call.t) < 0.005 ? packet.t : call.t;
}

/** A segment as both the data and the simulation can tell of it. */
export interface Told {
  readonly t: number;
  readonly dir: 'tx' | 'rx';
  readonly flags: string;
  readonly seq: number | null;
  readonly ack: number | null;
  readonly len: number;
}

/** With numbers relative to the first handshake of the same ports. */
export function relative({ world, packets }: Replayed, survivor: Side): Told[] {
  return packets.map(({ atUs, dir, flags, seq, ack, len, port }) => {
    const isn = (of: 'tx' | 'rx'): number | undefined =>
      world.seen[survivor].find((other) => other.port === port && other.dir === of && other.flags.includes('S'))?.seq;
    const from = (base: number | undefined, number: number): number | null =>
      base === undefined ? null : (number - base) >>> 0;
    return {
      t: seconds(atUs),
      dir,
      flags,
      seq: from(isn(dir), seq),
      ack: flags.includes('A') ? from(isn(dir === 'tx' ? 'rx' : 'tx'), ack) : null,
      len,
    };
  });
}
