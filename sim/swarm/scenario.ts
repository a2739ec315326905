/**
 * A scenario: a fleet, its cables, its policy, and a plan of faults, as plain data that follow from a seed. Scenario i
 * of a swarm depends on the swarm's seed, on i, and on how long a run is: not on how many runs there are, nor on who
 * does them.
 */

import type { KeepAlive } from '../../hal/network.ts';
import { type Fault, formatFault, type Range, targets } from '../faults/fault.ts';
import type { KindOfFault } from '../faults/kind.ts';
import { FAULT_KINDS, FAULTS } from '../faults/kinds/index.ts';
import { SERVER_NAME } from '../programs.ts';
import { PROFILE_NAMES, type ProfileName } from '../tcpip/profile.ts';
import { PROFILES } from '../tcpip/profiles/index.ts';
import { counted } from '../text.ts';
import { formatDuration } from '../time/duration.ts';
import { settleMs } from './bounds.ts';
import { Dice } from '../dice.ts';
import { drawProtocol, fleetOf, type FleetProtocol } from './fleet.ts';

/**
 * The policy by which both ends detect that the other is gone. The whole fleet shares it, since a server has one
 * policy.
 */
export interface FleetPolicy {
  readonly beatIntervalMs: number;
  readonly missedLimit: number;
  readonly keepAlive: KeepAlive | 'off';
  readonly connectTimeoutMs: number;
  readonly retry: { readonly baseMs: number; readonly capMs: number };
  readonly speaks: FleetProtocol;
}

export interface CableScenario {
  /** One way. */
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Bits per second; undefined: a packet takes no time. */
  readonly bandwidthBps: number | undefined;
  /** Packet loss each way, from 0 to 1, until all is calm. */
  readonly loss: number;
}

export interface NatScenario {
  readonly name: string;
  readonly idleMs: number;
  readonly onExpired: 'silent' | 'rst' | 'rst-at-expiry';
}

export interface DeviceScenario {
  readonly name: string;
  readonly profile: ProfileName;
  /** Sockets that the device has for its connections; undefined: all that its stack has. */
  readonly socketsMax: number | undefined;
  readonly cable: CableScenario;
  /** The name of the box that it is behind. */
  readonly nat: string | undefined;
  readonly driftPpm: number;
  /** 0: none. */
  readonly watchdogMs: number;
}

export interface ServerScenario {
  readonly profile: ProfileName;
  /** Backlog of the server's listener; undefined: longer than any fleet. */
  readonly backlog: number | undefined;
  readonly cable: CableScenario;
  readonly driftPpm: number;
}

export interface Scenario {
  readonly index: number;
  /** Seed of the world's own randomness. */
  readonly seed: number;
  readonly forMs: number;
  /**
   * Time from which no fault is open and no packet is lost any more. The bounds for the rest of the run therefore hold
   * without exception.
   */
  readonly calmMs: number;
  readonly policy: FleetPolicy;
  /** True if the server and the devices that are not behind a NAT box are on one local network, with ARP. */
  readonly arp: boolean;
  readonly server: ServerScenario;
  readonly nats: readonly NatScenario[];
  readonly devices: readonly DeviceScenario[];
  readonly plan: readonly Fault[];
}

/** Devices of a fleet, unless it is to be more than its server has room for. */
export const DEVICES_MAX = 8;
/** Devices beyond what the server's table has room for. */
const CROWD_MAX = 3;
/** Two servers in five are Linux. */
const SERVER_PROFILES = ['linux', ...PROFILE_NAMES] as const;
const FAULTS_MAX = 8;
/** Packets that a cable loses each way, at most. */
const LOSS_MAX = 0.05;

/** Before this all have connected, and nothing is asked of them. */
const FIRST_FAULT_MS = 5000;

/** The least time for faults; what is shorter would only be about booting. */
const CHAOS_MIN_MS = 60_000;

/**
 * Shortest duration of a run, in whole minutes. It covers the longest time that a fleet needs to settle after few
 * faults, and CHAOS_MIN_MS.
 */
export const FOR_MIN_MS = 360_000;

/** Scenario `index` of the swarm of `seed`. */
export function drawScenario(seed: number, index: number, forMs: number): Scenario {
  const dice = new Dice(seed, `swarm run ${index}`);
  const policy = drawPolicy(dice, new Dice(seed, `swarm run ${index}, MQTT`));
  const natCount = dice.chance(0.3) && policy.speaks.kind !== 'peers' ? dice.whole(1, 2) : 0;
  const nats = Array.from({ length: natCount }, (_, i) => drawNat(dice, `nat-${i + 1}`));
  const ofServer = new Dice(seed, `swarm run ${index}, server`);
  const profile = ofServer.pick(SERVER_PROFILES);
  const count = drawCount(ofServer, profile, dice.whole(1, DEVICES_MAX));
  // Of pings that are lost by chance nothing can be promised: among peers only faults lose packets.
  const lossMax = policy.speaks.kind === 'peers' ? 0 : LOSS_MAX;
  const devices = Array.from({ length: count }, (_, i) => drawDevice(dice, ofServer, `dev-${i + 1}`, nats, lossMax));
  const backlog = PROFILES[profile].backlogCounts === 'all' && ofServer.chance(0.5)
    ? ofServer.whole(1, count)
    : undefined;
  const server = { profile, backlog, cable: drawCable(dice, 50, lossMax), driftPpm: drawDrift(dice) };
  const arp = new Dice(seed, `swarm run ${index}, ARP`).chance(0.5) && !isTooSlowForArp(policy, [server, ...devices]);
  const fleet = { index, seed: dice.whole(0, 2 ** 32 - 1), forMs, policy, arp, server, nats, devices };
  const wrongs = Array.from({ length: dice.whole(1, FAULTS_MAX) }, () => drawWrong(dice, devices));
  let calmMs = calmFromMs(fleet, wrongs);
  // Each latency takes from the time for faults: the last ones have to go where there is none left.
  while (calmMs < CHAOS_MIN_MS && wrongs.pop() !== undefined) calmMs = calmFromMs(fleet, wrongs);
  return { ...fleet, calmMs, plan: wrongs.map((wrong) => drawTimes(dice, wrong, calmMs, forMs)) };
}

/**
 * Returns the time by which the last fault has to be over. This depends on the plan: what its faults do to cables
 * decides how long packets are in flight.
 */
function calmFromMs(fleet: Omit<Scenario, 'calmMs' | 'plan'>, wrongs: readonly Wrong[]): number {
  return fleet.forMs - settleMs({ ...fleet, plan: wrongs });
}

/**
 * Returns the scenario with another plan, or with some of its devices only. Boxes and faults that belong only to the
 * other devices are left out.
 */
export function reduced(scenario: Scenario, plan: readonly Fault[], names: readonly string[]): Scenario {
  const devices = scenario.devices.filter(({ name }) => names.includes(name));
  const nats = scenario.nats.filter(({ name }) => devices.some(({ nat }) => nat === name));
  const means = ({ target }: Fault): boolean =>
    target === SERVER_NAME || devices.some(({ name }) => targets(target, name));
  return { ...scenario, devices, nats, plan: plan.filter(means) };
}

function drawPolicy(dice: Dice, ofProtocol: Dice): FleetPolicy {
  const seconds = (min: number, max: number): number => dice.whole(min, max);
  const intervalMs = dice.whole(10, 100) * 100;
  const missedLimit = dice.whole(3, 6);
  const [speaks, beatIntervalMs] = drawProtocol(ofProtocol, dice.chance(0.8) ? 'missed-beats' : 'idle', intervalMs);
  return {
    beatIntervalMs,
    missedLimit,
    keepAlive: dice.chance(0.5) ? 'off' : { idle: seconds(2, 15), interval: seconds(1, 10), count: seconds(2, 5) },
    connectTimeoutMs: dice.pick([10_000, 10_000, 5000]),
    retry: { baseMs: 1000, capMs: dice.pick([60_000, 20_000, 5000]) },
    speaks,
  };
}

function drawNat(dice: Dice, name: string): NatScenario {
  // Longer than the time between two beats at 10 s, or no connection through it would ever last.
  const idleMs = dice.magnitude(20, 600) * 1000;
  return { name, idleMs, onExpired: dice.pick(['silent', 'rst', 'rst-at-expiry'] as const) };
}

/** In three fleets of ten there are more devices than the server has sockets, if it has few. */
function drawCount(dice: Dice, profile: ProfileName, count: number): number {
  const { socketsMax } = PROFILES[profile];
  return socketsMax < Infinity && dice.chance(0.3) ? Math.max(count, socketsMax + dice.whole(1, CROWD_MAX)) : count;
}

/** Of a stack with a table, one device in five has no more than one or two sockets left for its connections. */
function drawDevice(
  dice: Dice, ofTables: Dice, name: string, nats: readonly NatScenario[], lossMax: number,
): DeviceScenario {
  const profile = dice.pick(PROFILE_NAMES);
  return {
    name,
    profile,
    socketsMax: PROFILES[profile].socketsMax < Infinity && ofTables.chance(0.2) ? ofTables.whole(1, 2) : undefined,
    cable: drawCable(dice, 300, lossMax),
    nat: nats.length > 0 && dice.chance(0.6) ? dice.pick(nats).name : undefined,
    driftPpm: drawDrift(dice),
    watchdogMs: dice.chance(0.2) ? dice.whole(2, 20) * 1000 : 0,
  };
}

function drawCable(dice: Dice, delayMaxMs: number, lossMax: number): CableScenario {
  const delayMs = dice.magnitude(1, delayMaxMs);
  return {
    delayMs,
    jitterMs: dice.chance(0.5) ? 0 : dice.whole(1, delayMs),
    bandwidthBps: dice.chance(0.2) ? dice.pick([64_000, 256_000, 10_000_000]) : undefined,
    loss: lossMax === 0 || dice.chance(0.4) ? 0 : dice.whole(1, 1000 * lossMax) / 1000,
  };
}

/** Returns the drift of a quartz: within 200 ppm. */
function drawDrift(dice: Dice): number {
  return dice.chance(0.5) ? 0 : dice.whole(-200, 200);
}

/**
 * A W5500 asks by ARP before each datagram to another address than the last, and sends nothing meanwhile
 * (arp/w5500.ts). Over cables of up to 300 ms it can neither ping its peers nor answer them in time.
 */
function isTooSlowForArp({ speaks }: FleetPolicy, hosts: readonly { readonly profile: ProfileName }[]): boolean {
  return speaks.kind === 'peers' && hosts.some(({ profile }) => profile === 'w5500');
}

type Wrong = Pick<Fault, 'kind' | 'argument' | 'target'>;

function drawWrong(dice: Dice, devices: readonly DeviceScenario[]): Wrong {
  const name = dice.pick(FAULT_KINDS);
  const kind: KindOfFault = FAULTS[name];
  const onServer = dice.chance(0.25) && kind.isForDevices !== true;
  const target = onServer ? SERVER_NAME : drawDevices(dice, devices);
  return { kind: name, argument: kind.drawArgument(dice), target };
}

function drawDevices(dice: Dice, devices: readonly DeviceScenario[]): string {
  const first = dice.whole(1, devices.length);
  if (dice.chance(0.7)) return `dev-${first}`;
  return dice.chance(0.5) ? 'dev-*' : `dev-${first}..${dice.whole(first, devices.length)}`;
}

/** Drawn times are multiples of this step, so that they are easy to read. */
const STEP_MS = 100;

/** Times such that all that the fault does is over when it is calm, with any draw from its ranges. */
function drawTimes(dice: Dice, wrong: Wrong, calmMs: number, forMs: number): Fault {
  const lasts = FAULTS[wrong.kind].lasts(wrong.argument);
  const windowMs = calmMs - FIRST_FAULT_MS;
  const longest = lasts ? dice.magnitude(5, Math.min(windowMs / 2, 240_000) / STEP_MS) * STEP_MS : 0;
  const latestMs = calmMs - longest;
  const at = drawRange(dice, FIRST_FAULT_MS, latestMs);
  const length = lasts
    ? dice.chance(0.3)
      ? { fromMs: dice.whole(5, longest / STEP_MS) * STEP_MS, toMs: longest }
      : exactly(longest)
    : undefined;
  const everyMs = dice.chance(0.25) ? drawEvery(dice, at, longest, calmMs, forMs) : undefined;
  return { ...wrong, at, for: length, everyMs };
}

/**
 * Returns a period with which the fault comes two or three times while there are faults, and next after the run;
 * undefined if there is no such period.
 */
function drawEvery(dice: Dice, at: Range, longestMs: number, calmMs: number, forMs: number): number | undefined {
  const times = dice.whole(2, 3);
  const leastMs =
    Math.ceil(Math.max((forMs - at.fromMs) / times, longestMs + 1, at.toMs - at.fromMs) / STEP_MS) * STEP_MS;
  const mostMs = Math.floor((calmMs - longestMs - at.toMs) / (times - 1) / STEP_MS) * STEP_MS;
  return mostMs < leastMs ? undefined : dice.whole(leastMs / STEP_MS, mostMs / STEP_MS) * STEP_MS;
}

function drawRange(dice: Dice, fromMs: number, toMs: number): Range {
  const one = dice.whole(Math.ceil(fromMs / STEP_MS), Math.floor(toMs / STEP_MS)) * STEP_MS;
  if (!dice.chance(0.3)) return exactly(one);
  const other = dice.whole(Math.ceil(fromMs / STEP_MS), Math.floor(toMs / STEP_MS)) * STEP_MS;
  return { fromMs: Math.min(one, other), toMs: Math.max(one, other) };
}

function exactly(ms: number): Range {
  return { fromMs: ms, toMs: ms };
}

/** The scenario in lines, for people; `speech` says what devices and server have to do with each other. */
export function scenarioText(
  { index, forMs, calmMs, policy, arp, server, nats, devices, plan }: Scenario,
  speech = fleetOf(policy).text,
): string[] {
  const { keepAlive, connectTimeoutMs, retry } = policy;
  const keepAliveText = keepAlive === 'off' ? 'off' : `${keepAlive.idle}/${keepAlive.interval}/${keepAlive.count}`;
  return [
    `run ${index} of ${formatDuration(forMs)}, calm from ${formatDuration(calmMs)} on`,
    speech,
    `keepalive ${keepAliveText}, connect within ${formatDuration(connectTimeoutMs)}, `
      + `retry within ${formatDuration(retry.capMs)}`,
    ...(arp ? ['one local network, with ARP'] : []),
    [
      `server: ${server.profile}`,
      ...(server.backlog === undefined ? [] : [`backlog ${server.backlog}`]),
      cableText(server.cable),
      `${server.driftPpm} ppm`,
    ].join(', '),
    ...nats.map(({ name, idleMs, onExpired }) => `${name}: forgets after ${formatDuration(idleMs)}, ${onExpired}`),
    ...devices.map(({ name, profile, socketsMax, cable, nat, driftPpm, watchdogMs }) =>
      [
        `${name}: ${profile}${socketsMax === undefined ? '' : ` with ${counted(socketsMax, 'socket')}`}`,
        cableText(cable),
        `${driftPpm} ppm`,
        ...(nat === undefined ? [] : [`behind ${nat}`]),
        ...(watchdogMs === 0 ? [] : [`watchdog ${formatDuration(watchdogMs)}`]),
      ].join(', '),
    ),
    ...plan.map(formatFault),
  ];
}

function cableText({ delayMs, jitterMs, bandwidthBps, loss }: CableScenario): string {
  return [
    `${formatDuration(delayMs)}${jitterMs === 0 ? '' : ` to ${formatDuration(delayMs + jitterMs)}`}`,
    ...(bandwidthBps === undefined ? [] : [`${bandwidthBps / 1000} kbit/s`]),
    ...(loss === 0 ? [] : [`${(loss * 100).toFixed(1)}% loss`]),
  ].join(' ');
}
