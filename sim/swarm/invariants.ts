/**
 * The invariants of every run. A violated invariant is reported as a sentence that names the
 * host, the time, the value and the bound.
 */

import type { Errno } from '../../hal/errno.ts';
import { type FaultKind, FAULTS } from '../faults/kinds/index.ts';
import { SERVER_NAME } from '../programs.ts';
import { STALL_MS } from '../server/client-table.ts';
import { describeReason } from '../server/events.ts';
import type { FaultSpan } from '../sessions/fault-span.ts';
import type { Ghost } from '../sessions/session.ts';
import { PROFILES } from '../tcpip/profiles/index.ts';
import { formatSeconds } from '../time/duration.ts';
import { packData, packedGhostMs } from '../verdict/page/data.ts';
import type { DeviceLine } from '../verdict/time-line.ts';
import { backMs, ghostMs, inFlightMs, patienceMs, settledMs, silenceMs } from './bounds.ts';
import type { DeviceFacts, Observation, SequenceFinding, TurnedAway } from './observation.ts';
import { wrongMarks } from './peers.ts';
import type { Scenario } from './scenario.ts';
import type { StreamEnd } from './streams.ts';

export const INVARIANTS = [
  'silence',
  'patience',
  'ghost',
  'back',
  'stream',
  'session',
  'room',
  'calm',
  'protocol',
  'sequence',
  'memory',
  'verdict',
  'account',
  'peers',
  'message',
  'will',
  'crash',
  'leak',
  'loop',
  'exception',
] as const;

export type Invariant = (typeof INVARIANTS)[number];

/** Invariants of the user's own programs only (program-run.ts). */
type OfPrograms = 'crash' | 'leak' | 'loop';

function isOfPrograms(invariant: Invariant): invariant is OfPrograms {
  return invariant === 'crash' || invariant === 'leak' || invariant === 'loop';
}

export interface Violation {
  readonly invariant: Invariant;
  readonly sentence: string;
}

type Check = (observation: Observation) => readonly string[];

const CHECKS: Readonly<Record<Exclude<Invariant, OfPrograms | 'exception'>, Check>> = {
  silence: silentClients,
  patience: hastyDrops,
  ghost: longGhosts,
  back: lateDevices,
  stream: corruptStreams,
  session: leakedSessions,
  room: wrongRefusals,
  calm: lostInCalm,
  protocol: brokenProtocols,
  sequence: wrongSequences,
  memory: unboundedMemory,
  verdict: wrongVerdicts,
  account: differingAccounts,
  peers: wrongMarks,
  message: wrongMessages,
  will: wrongWills,
};

/** Number of violations of one invariant that are reported: a wrong server violates it for each of its devices. */
const TOLD_MAX = 3;

export function violationsOf(observation: Observation): Violation[] {
  return INVARIANTS.flatMap((invariant) => {
    if (invariant === 'exception' || isOfPrograms(invariant)) return [];
    return CHECKS[invariant](observation).slice(0, TOLD_MAX).map((sentence) => ({ invariant, sentence }));
  });
}

// ---- ghosts ----

/** The server has nobody online of whom it has heard nothing for longer than its policy allows. */
export function silentClients(observation: Observation): string[] {
  const { scenario, sessions, endMs } = observation;
  const boundMs = silenceMs(scenario);
  return sessions.flatMap(({ device, heardMs, overMs = endMs }) => heardMs.flatMap((fromMs, i) => {
    const toMs = heardMs[i + 1] ?? overMs;
    const silentMs = toMs - runsSince(observation, fromMs, toMs);
    if (silentMs <= boundMs) return [];
    const allowed = `its policy allows ${formatSeconds(boundMs)}`;
    return [`the server kept ${device} online from ${at(fromMs)}, silent, for ${formatSeconds(silentMs)}: ${allowed}`];
  }));
}

/** The server drops nobody for silence sooner than its policy says. */
export function hastyDrops({ scenario, gone }: Observation): string[] {
  const leastMs = patienceMs(scenario);
  return gone.flatMap(({ device, atMs, how }) => {
    if (how.kind !== 'silent' || how.silentMs >= leastMs) return [];
    const allowed = `its policy waits for ${formatSeconds(leastMs)}`;
    return [`the server dropped ${device} at ${at(atMs)}, silent for ${formatSeconds(how.silentMs)}: ${allowed}`];
  });
}

/** A fault that keeps everything from the server that a device sends is noticed by the server in its time. */
export function longGhosts(observation: Observation): string[] {
  const { scenario, faults, lines, endMs } = observation;
  const boundMs = ghostMs(scenario);
  const muting = faults.filter(isMuting);
  return lines.flatMap(({ name, online }) =>
    online.flatMap(({ ghosts }) =>
      ghosts.flatMap((ghost) =>
        muting.flatMap((fault) => {
          if (fault.host !== name && fault.host !== SERVER_NAME) return [];
          const fromMs = Math.max(ghost.fromMs, fault.fromMs);
          const toMs = Math.min(ghost.toMs, fault.toMs ?? endMs);
          const believedMs = toMs - runsSince(observation, fromMs, toMs);
          if (believedMs <= boundMs) return [];
          const allowed = `${formatSeconds(boundMs)} are allowed`;
          return [
            `${fault.text}: the server believed in ${name} from ${at(fromMs)} on for ${formatSeconds(believedMs)}: ${allowed}`,
          ];
        }),
      ),
    ),
  );
}

/** The server's program ran from then on, to the end of a time. */
function runsSince({ faults }: Observation, fromMs: number, toMs: number): number {
  return faults.reduce((sinceMs, { host, kind, fromMs: hungMs, toMs: overMs = toMs }) => {
    const isHang = host === SERVER_NAME && FAULTS[kind].firmware === 'hung' && hungMs <= toMs && overMs >= fromMs;
    return isHang ? Math.max(sinceMs, Math.min(overMs + STALL_MS, toMs)) : sinceMs;
  }, fromMs);
}

/** While it lasts, nothing new of the device comes to the server: not of a stack that lives on, either. */
function isMuting({ kind, argument, host }: FaultSpan): boolean {
  return FAULTS[kind].mutes(argument, host === SERVER_NAME ? 'rx' : 'tx');
}

// ---- back ----

/** Every device is served again within its bound after all is healed. */
export function lateDevices(observation: Observation): string[] {
  const { scenario, devices, endMs } = observation;
  const boundMs = backMs(scenario);
  return devices.flatMap((device) => {
    const wellMs = wellFromMs(observation, device);
    if (wellMs === undefined || wellMs + boundMs > endMs) return [];
    const servedMs = device.servedMs.find((ms) => ms >= wellMs);
    if (servedMs !== undefined && servedMs - wellMs <= boundMs) return [];
    const late =
      servedMs === undefined ? 'was not served any more' : `was served after ${formatSeconds(servedMs - wellMs)}`;
    return [`${device.name} was well from ${at(wellMs)} on, and ${late}: ${formatSeconds(boundMs)} are allowed`];
  });
}

/**
 * Returns the time from which the device must be able to connect: all that touches it is healed, and neither its own
 * table nor the server's has been full since; undefined if a fault is still open. lwIP keeps a connection to a dead
 * peer in FIN-WAIT-1 for as long as it retransmits, many minutes, and drops none that lives for a new one. A W5500
 * drops none at all (tcpip/STACKS.md, "one more than that"). So a device may be turned away for the rest of the run.
 */
function wellFromMs(observation: Observation, device: DeviceFacts): number | undefined {
  const { tableFullMs, turnedAway } = device;
  const healedMs = healedFromMs(observation, device);
  if (healedMs === undefined) return undefined;
  return Math.max(healedMs, tableFullMs.at(-1) ?? 0, turnedAway.at(-1)?.atMs ?? 0);
}

/**
 * Returns when the last fault that touches the device was over; undefined if a fault is still open. Cables that lose
 * packets count as faults.
 */
function healedFromMs({ faults, scenario }: Observation, { name }: DeviceFacts): number | undefined {
  const own = faults.filter(({ host }) => host === name || host === SERVER_NAME);
  if (own.some(({ toMs }) => toMs === undefined)) return undefined;
  const isLossy = [scenario.server, ...scenario.devices.filter((device) => device.name === name)].some(
    ({ cable }) => cable.loss > 0,
  );
  return own.reduce((latestMs, { toMs = 0 }) => Math.max(latestMs, toMs), isLossy ? scenario.calmMs : 0);
}

// ---- streams ----

/**
 * Checks that the bytes that one end has read from a connection are the beginning of the bytes that the other end has
 * written.
 */
export function corruptStreams({ streams }: Observation): string[] {
  const byEnds = new Map<string, StreamEnd[]>();
  for (const end of streams) {
    const key = endsOf(end.local, end.remote);
    byEnds.set(key, [...(byEnds.get(key) ?? []), end]);
  }
  return streams.flatMap((end) => {
    if (end.read.length === 0) return [];
    // The same two ports may have had several connections.
    const others = byEnds.get(endsOf(end.remote, end.local)) ?? [];
    if (others.some(({ written }) => isBeginning(end.read, written))) return [];
    const whose = `what ${end.host} has read from ${end.remote?.address ?? '?'} port ${end.remote?.port ?? '?'}, ${end.read.length} bytes,`;
    const agreed = Math.max(...others.map(({ written }) => agree(end.read, written)));
    const how =
      others.length === 0 ? ': nobody has written anything' : `, of which byte ${agreed} is the first that differs`;
    return [`${whose} is not what was written there${how}`];
  });
}

function endsOf(one: StreamEnd['local'], other: StreamEnd['local']): string {
  return [one, other].map((end) => (end === undefined ? '?' : `${end.address} ${end.port}`)).join(' - ');
}

function isBeginning(read: Uint8Array, written: Uint8Array): boolean {
  return agree(read, written) === read.length;
}

/** Returns the number of leading bytes that are equal. */
function agree(read: Uint8Array, written: Uint8Array): number {
  const differs = read.findIndex((byte, i) => byte !== written[i]);
  return differs < 0 ? read.length : differs;
}

// ---- sessions ----

/** Checks that after settling each device is connected, and that the server has exactly one client for it. */
export function leakedSessions(observation: Observation): string[] {
  const { scenario, clients, devices, faults, endMs } = observation;
  const healedMs = faults.reduce((latestMs, { toMs = Infinity }) => Math.max(latestMs, toMs), scenario.calmMs);
  if (healedMs + settledMs(scenario) > endMs) return [];
  if (clients === undefined) {
    return [`the server does not run at the end, though its last fault was over at ${at(healedMs)}`];
  }
  const strangers = [...clients.keys()].filter((name) => !devices.some((device) => device.name === name));
  return [
    ...devices.flatMap(({ name, isConnected, tableFullMs, turnedAway }) => {
      const count = clients.get(name) ?? 0;
      const fullMs = Math.max(tableFullMs.at(-1) ?? 0, turnedAway.at(-1)?.atMs ?? 0);
      if (fullMs + settledMs(scenario) > endMs) return [];
      if (!isConnected) {
        return [`${name} is not connected at the end, ${formatSeconds(endMs - healedMs)} after the last heal`];
      }
      return count === 1
        ? []
        : [
            `the server has ${count} clients at the end that are ${name}, ${formatSeconds(endMs - healedMs)} after the last heal`,
          ];
    }),
    ...strangers.map((name) => `the server has a client at the end that is none of the devices: ${name}`),
  ];
}

// ---- room ----

const REASONS: Readonly<Record<TurnedAway['by'], string>> = {
  'full-table': 'its full table', 'full-listener': 'its full listener', 'old-connection': 'an old connection',
};

/**
 * An attempt to connect, begun when all was well, fails only where a table is full or an old connection is in the way;
 * and then with the error that the two stacks have for that (tcpip/STACKS.md, "full listener", "connect refused").
 */
export function wrongRefusals(observation: Observation): string[] {
  const { scenario, devices } = observation;
  const { fullListener } = PROFILES[scenario.server.profile];
  return devices.flatMap((device) => {
    const healedMs = healedFromMs(observation, device);
    const made = scenario.devices.find(({ name }) => name === device.name);
    if (healedMs === undefined || made === undefined) return [];
    const { refusedErrno, refusedAfterMs, timeoutErrno } = PROFILES[made.profile];
    const wellMs = healedMs + inFlightMs(scenario);
    return device.failures.flatMap(({ fromMs, atMs, errno }) => {
      if (fromMs < wellMs) return [];
      const what = `${device.name} could not connect at ${at(atMs)} by ${errno}: `;
      if (errno === 'ENOBUFS') {
        return socketsMaxOf(scenario, device.name) < Infinity ? [] : [`${what}its table has no end`];
      }
      const away = device.turnedAway.findLast((one) => one.atMs >= fromMs && one.atMs <= atMs);
      if (away === undefined) return [`${what}it was well from ${at(healedMs)} on, and the server had room`];
      // If no reset arrives, or FreeRTOS+TCP does not report it, the firmware's own timeout ends the attempt first.
      const isReset = away.by !== 'old-connection' && fullListener === 'reset' && refusedAfterMs === 0;
      const told: readonly Errno[] = isReset ? [refusedErrno] : ['ETIMEDOUT', timeoutErrno];
      if (told.includes(errno)) return [];
      return [`${what}the server turned it away for ${REASONS[away.by]}, which is told by ${told.join(' or ')}`];
    });
  });
}

/**
 * Once all is well and everybody has had the time to come back, no connection is lost: neither to a timer nor to
 * another device that wants its place in a table.
 */
export function lostInCalm(observation: Observation): string[] {
  const { scenario, devices, gone } = observation;
  return devices.flatMap((device) => {
    const healedMs = healedFromMs(observation, device);
    if (healedMs === undefined) return [];
    const calmMs = healedMs + settledMs(scenario);
    const well = `it was well from ${at(healedMs)} on`;
    return [
      ...device.losses.filter(({ atMs }) => atMs >= calmMs).map(({ atMs, by }) => {
        return `${device.name} lost its connection at ${at(atMs)} by ${by}: ${well}`;
      }),
      // Another invariant checks the reports of peers, because the reporting peer itself may not be well (peers.ts).
      ...gone.filter(({ device: name, atMs, how }) => {
        return name === device.name && atMs >= calmMs && how.kind !== 'reported';
      }).map(({ atMs, how }) => {
        return `the server lost ${device.name} at ${at(atMs)} by ${how.kind}: ${well}`;
      }),
    ];
  });
}

// ---- protocols ----

/** Both ends are ours, and TCP loses nothing: so neither end says that the other has broken the protocol. */
export function brokenProtocols({ gone, devices }: Observation): string[] {
  return [
    ...gone.flatMap(({ device, atMs, how }) => {
      const isBroken = how.kind === 'bad-frame' || how.kind === 'flood' || how.kind === 'dropped';
      return isBroken ? [`the server dropped ${device} at ${at(atMs)}: ${describeReason(how)}`] : [];
    }),
    ...devices.flatMap(({ name, losses }) => losses.flatMap(({ atMs, by, detail = by }) => {
      return by === 'bad-frame' || by === 'refused' ? [`${name} gave the server up at ${at(atMs)}: ${detail}`] : [];
    })),
    ...devices.flatMap(({ name, badAnswersMs }) => badAnswersMs.map((atMs) => {
      return `${name} had an answer at ${at(atMs)} that is none to its call`;
    })),
  ];
}

/**
 * Numbered beats: what the server tells of their sequence is so. Of what a device has sent, no more has come or is
 * missing; nothing comes twice or late that nothing doubles or holds back; and once a device is well, nothing is
 * missing.
 */
export function wrongSequences(observation: Observation): string[] {
  const { scenario: { plan }, scenario, sessions, devices } = observation;
  const isPlanned = (kind: FaultKind): boolean => plan.some((fault) => fault.kind === kind);
  const of = (name: string): SequenceFinding[] => {
    return sessions.flatMap(({ device, sequence }) => (device === name ? sequence : []));
  };
  const count = (findings: readonly SequenceFinding[], what: SequenceFinding['what']): number => {
    return findings.reduce((sum, finding) => sum + (finding.what === what ? finding.count : 0), 0);
  };
  return devices.flatMap((device) => {
    const { name, beatsSent } = device;
    const found = of(name);
    if (found.length === 0) return [];
    const [missing, late, double] = [count(found, 'missing'), count(found, 'late'), count(found, 'double')];
    // The first sign of each session is the connection, not a beat.
    const heard = sessions.reduce((sum, one) => sum + (one.device === name ? one.heardMs.length - 1 : 0), 0);
    const passed = heard - late - double + missing;
    const wellMs = wellFromMs(observation, device) ?? Infinity;
    const inVain = found.filter(({ atMs }) => atMs > wellMs + backMs(scenario));
    return [
      ...(passed > beatsSent ? [`${name} has sent ${beatsSent} beats, of which the server knows ${passed}`] : []),
      ...(double > 0 && !isPlanned('duplicate') ? [`${double} beats of ${name} came twice, and nothing doubles`] : []),
      ...(late > 0 && !isPlanned('reorder') ? [`${late} beats of ${name} came late, and nothing reorders`] : []),
      ...inVain.map(({ atMs, what }) => `a beat of ${name} was ${what} at ${at(atMs)}: it was well from ${at(wellMs)} on`),
    ];
  });
}

// ---- memory ----

/**
 * Longest time that an abandoned connection lingers. Linux retransmits the FIN until tcp_orphan_retries (8) doublings
 * from the least RTO have passed, 102 s. Linux checks this when the RTO expires, and the RTO may have grown to 120 s by
 * then. If the peer's data arrives instead, FIN-WAIT-2 and TIME-WAIT of 60 s each follow (profiles/linux.ts). W5500 and
 * lwIP finish sooner or have few sockets, as their profiles say.
 */
const LINGER_MS = 102_200 + 120_000 + 60_000 + 60_000;

/**
 * Checks that connections and entries in the event queue do not grow in number, and that the server's stack has no
 * connection open that is no client: in a table that is full it would keep the place of one.
 */
export function unboundedMemory(observation: Observation): string[] {
  const { scenario, samples, devices, openConnections, clients, endMs } = observation;
  const hosts = devices.length + 1;
  const clientCount = [...(clients ?? [])].reduce((sum, [, count]) => sum + count, 0);
  const isLeak = openConnections !== undefined && openConnections !== clientCount;
  const leaked = `the server has ${openConnections} connections open at ${at(endMs)}, and ${clientCount} clients`;
  return [...(isLeak ? [leaked] : []), ...samples.flatMap(({ atMs, waiters, connections }) => {
    const late = [...connections].flatMap(([host, count]) => {
      const users = host === SERVER_NAME ? devices : devices.filter(({ name }) => name === host);
      // Each connection is of an attempt: the one in use, and those that linger.
      const recent = users.reduce(
        (sum, { attemptsMs }) => sum + attemptsMs.filter((ms) => ms >= atMs - LINGER_MS && ms <= atMs).length,
        0,
      );
      const socketsMax = socketsMaxOf(scenario, host);
      const boundCount = socketsMax < Infinity ? socketsMax : users.length + recent;
      if (count <= boundCount) return [];
      const attempts = `${recent} attempts in the last ${formatSeconds(LINGER_MS)}`;
      return [`${host} holds ${count} connections at ${at(atMs)}: of ${attempts} it can be ${boundCount}`];
    });
    const held = [...connections.values()].reduce((sum, count) => sum + count, 0);
    // A host: its clock, its watchdog's, that of its reset, a look-up; both ways of its cable; the heal of its loss;
    // and a box on it.
    // And of ARP: the device's table and what it holds; the server's entry of the device.
    const ofArp = scenario.arp || scenario.nats.length > 0 ? 3 : 0;
    const waitersMax = held + hosts * (4 + 2 + 1 + ofArp + scenario.plan.length) + scenario.nats.length + 16;
    if (waiters <= waitersMax) return late;
    const allowed = `of ${hosts} hosts with ${held} connections it can be ${waitersMax}`;
    return [...late, `${waiters} places in the queue of events are taken at ${at(atMs)}: ${allowed}`];
  })];
}

/** Returns the most connections that a host's stack may have. */
function socketsMaxOf({ devices, server }: Scenario, host: string): number {
  const device = devices.find(({ name }) => name === host);
  if (device !== undefined) return device.socketsMax ?? PROFILES[device.profile].socketsMax;
  const { socketsMax, backlogCounts } = PROFILES[server.profile];
  return Math.min(socketsMax, backlogCounts === 'all' ? server.backlog ?? Infinity : Infinity);
}

// ---- verdicts ----

/** The trace is in order, and verdicts make sense. */
export function wrongVerdicts({ findings: { verdicts, endMs }, traceProblems, scenario }: Observation): string[] {
  const problems = verdicts.flatMap((verdict) => {
    const { atMs, ghostMs: ownMs, healedAfterMs, backAfterMs, deviceNoticed, serverNoticed, text, device } = verdict;
    const times = {
      'device noticed': deviceNoticed?.afterMs,
      'server noticed': serverNoticed?.afterMs,
      ghost: ownMs,
      healed: healedAfterMs,
    };
    const outside = Object.entries(times).flatMap(([what, ms]) =>
      ms === undefined || (ms >= 0 && atMs + ms <= endMs) ? [] : [`${what} after ${ms} ms`],
    );
    const isBackInTime =
      backAfterMs === undefined || (backAfterMs >= 0 && atMs + (healedAfterMs ?? 0) + backAfterMs <= endMs);
    if (!isBackInTime) outside.push(`service back after ${backAfterMs} ms`);
    if (!scenario.devices.some(({ name }) => name === device)) outside.push('it is none of the devices');
    return outside.map((what) => `${text}, ${device}: ${what}, and the run had ${formatSeconds(endMs)}`);
  });
  return [...traceProblems, ...problems];
}

// ---- accounts ----

/** Largest rounding error of a sum of times that are not whole milliseconds. */
const ROUNDING_MS = 0.001;

/** Verdicts, time lines and page tell of the same ghosts. */
export function differingAccounts({ findings, lines, endMs }: Observation): string[] {
  const all = lines.flatMap(ghostsOn);
  const { devices } = packData({ endMs, findings, lines, serverFaults: [] });
  return [
    ...differing('the time lines of all devices', lengthMs(all), findings.ghostMs, ROUNDING_MS),
    ...lines.flatMap((line) => {
      const ghosts = ghostsOn(line);
      const packed = devices.find(([name]) => name === line.name);
      const pageMs = packed === undefined ? 0 : packedGhostMs(packed);
      // Either end of a ghost is a whole millisecond on the page.
      return differing(`the page for ${line.name}`, pageMs, lengthMs(ghosts), ghosts.length + ROUNDING_MS);
    }),
    ...findings.verdicts.flatMap(({ device, text, atMs, ghostMs: ownMs }) => {
      const line = lines.find(({ name }) => name === device);
      const since = line === undefined ? [] : ghostsOn(line).filter(({ toMs }) => toMs > atMs);
      const mostMs = lengthMs(since.map((ghost) => ({ ...ghost, fromMs: Math.max(ghost.fromMs, atMs) })));
      if (ownMs <= mostMs + ROUNDING_MS) return [];
      return [
        `${text}, ${device}: the verdict has a ghost of ${formatSeconds(ownMs)}, and the time line has ${formatSeconds(mostMs)} since`,
      ];
    }),
  ];
}

// ---- messages and wills ----

/** MQTT: what its device was told is acknowledged, the broker has taken charge of; of QoS 2 nothing twice. */
export function wrongMessages({ mqtt: { acknowledged, accepted }, scenario }: Observation): string[] {
  const { speaks } = scenario.policy;
  const isOnce = speaks.kind === 'mqtt' && speaks.publishQos === 2;
  return [
    ...acknowledged
      .filter((message) => !accepted.has(message))
      .map((message) => `${message} was acknowledged, and is lost`),
    ...[...accepted].flatMap(([message, times]) =>
      isOnce && times > 1 ? [`${message}, of QoS 2, was published ${times} times`] : [],
    ),
  ];
}

/** MQTT: a client that goes offline without DISCONNECT has its will published, once. */
export function wrongWills({ gone, scenario }: Observation): string[] {
  if (scenario.policy.speaks.kind !== 'mqtt') return [];
  return gone.flatMap(({ device, atMs, how, wills }) => {
    // Before its session it had no will; and a broker that stops tells nobody.
    const most = how.kind === 'stopped' ? 0 : 1;
    const least = how.kind === 'silent' || how.kind === 'taken-over' ? 1 : 0;
    if (wills >= least && wills <= most) return [];
    return [`the will of ${device}, offline at ${at(atMs)} by ${how.kind}, was published ${wills} times`];
  });
}

function ghostsOn({ online }: DeviceLine): readonly Ghost[] {
  return online.flatMap(({ ghosts }) => ghosts);
}

function lengthMs(ghosts: readonly Ghost[]): number {
  return ghosts.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
}

function differing(where: string, ms: number, expectedMs: number, toleranceMs: number): string[] {
  return Math.abs(ms - expectedMs) <= toleranceMs ? [] : [`${where}: ${ms} ms of ghosts, not ${expectedMs} ms`];
}

function at(ms: number): string {
  return formatSeconds(ms);
}
