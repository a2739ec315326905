/** Does a scenario: builds its world, lets the time pass, and looks whether all is as it must be. */

import type { Firmware } from '../board/board.ts';
import type { Device } from '../device.ts';
import { FAULT_KINDS, type FaultKind } from '../faults/kinds/index.ts';
import { addObserver } from '../link/observers.ts';
import type { LineOptions } from '../link/options.ts';
import { loss } from '../link/rules/index.ts';
import { formatAddress } from '../packet/address.ts';
import { referenceServer, SERVER_NAME } from '../programs.ts';
import { PROTOCOLS } from '../server/protocols/index.ts';
import type { FaultSpan } from '../sessions/fault-span.ts';
import { type SimulatedNat, type SimulatedServer, Simulation } from '../simulation.ts';
import type { Profile } from '../tcpip/profile.ts';
import { PROFILES } from '../tcpip/profiles/index.ts';
import { ORPHAN, type Tcb } from '../tcpip/tcp/tcb.ts';
import { TimeLines } from '../verdict/time-line.ts';
import type { TraceEvent } from '../trace/trace.ts';
import type { Findings } from '../verdict/verdict.ts';
import { summarize } from '../verdict/summary.ts';
import { QUEUE_BYTES } from './bounds.ts';
import { fleetOf } from './fleet.ts';
import { type Violation, violationsOf } from './invariants.ts';
import type { Observation, Sample } from './observation.ts';
import { Recorder } from './recorder.ts';
import { Replay } from './replay.ts';
import type { CableScenario, DeviceScenario, Scenario } from './scenario.ts';
import { Streams } from './streams.ts';
import { Door } from './turned-away.ts';

/** The result of a run. */
export interface RunResult {
  readonly index: number;
  readonly devices: number;
  readonly forMs: number;
  /** Number of faults of each kind, on any host. */
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  /** Connections that were cut, and those of them that survived. */
  readonly cuts: number;
  readonly survived: number;
  /** In whole ms. */
  readonly server: Times;
  readonly device: Times;
  readonly back: Times;
  readonly ghostMs: number;
  readonly falseAlarms: number;
  readonly overlappingSessions: number;
  readonly violations: readonly Violation[];
}

export interface Times {
  readonly timesMs: readonly number[];
  readonly never: number;
}

/** Interval at which the numbers of connections and events are sampled. */
const SAMPLE_MS = 5000;

/** Never rejects: what the run throws is a violation. */
export async function runScenario(scenario: Scenario): Promise<RunResult> {
  let observation: Observation;
  try {
    observation = await observe(scenario);
  } catch (error) {
    const sentence = `threw: ${error instanceof Error ? error.message : String(error)}`;
    return resultOf(scenario, undefined, [], [{ invariant: 'exception', sentence }]);
  }
  const { findings, faults } = observation;
  return resultOf(scenario, findings, faults, violationsOf(observation));
}

/** `findings` undefined: the run did not come to its end. */
export function resultOf(
  scenario: Scenario,
  findings: Findings | undefined,
  faults: readonly FaultSpan[],
  violations: readonly Violation[],
): RunResult {
  if (findings === undefined) return { ...emptyResult(scenario), violations };
  const summary = summarize(findings);
  const times = ({ timesMs, never }: Times): Times => ({ timesMs: timesMs.map(Math.round), never });
  const counts = FAULT_KINDS.map((kind) => [kind, faults.filter((span) => span.kind === kind).length] as const);
  return {
    ...emptyResult(scenario),
    faults: Object.fromEntries(counts.filter(([, count]) => count > 0)),
    cuts: summary.faults,
    survived: summary.survived,
    server: times(summary.server),
    device: times(summary.device),
    back: times(summary.back),
    ghostMs: Math.round(summary.ghostMs),
    falseAlarms: summary.falseAlarms,
    overlappingSessions: summary.overlappingSessions,
    violations,
  };
}

function emptyResult({ index, devices, forMs }: Scenario): RunResult {
  const none: Times = { timesMs: [], never: 0 };
  return {
    index,
    devices: devices.length,
    forMs,
    faults: {},
    cuts: 0,
    survived: 0,
    server: none,
    device: none,
    back: none,
    ghostMs: 0,
    falseAlarms: 0,
    overlappingSessions: 0,
    violations: [],
  };
}

/** Lets it happen, and looks; `onTrace` is told all of it. Rejects with what the run throws. */
export async function observe(scenario: Scenario, onTrace?: (event: TraceEvent) => void): Promise<Observation> {
  const names = new Map<string, string>();
  const streams = new Streams();
  const replay = new Replay();
  const sim = new Simulation({
    seed: scenario.seed,
    arp: scenario.arp,
    onTrace: (event) => {
      replay.add(event);
      onTrace?.(event);
    },
  });
  const { sessions, judge } = sim.testbed.witness;
  /** Hosts that roam have had other addresses before. */
  const noteAddresses = (): void => {
    for (const { name, address } of sim.hosts) names.set(formatAddress(address), name);
  };
  const nameOf = (address: string): string | undefined => {
    if (!names.has(address)) noteAddresses();
    return names.get(address);
  };
  const recorder = new Recorder(sessions, nameOf);
  const timeLines = new TimeLines(sessions);
  const server = build(sim, scenario, streams);
  const door = doorOf(sim, scenario, recorder);
  sim.schedule(scenario.plan);
  const samples: Sample[] = [];
  while (sim.nowMs < scenario.forMs) {
    // A socket that was opened at an address is known by it, even if nobody has heard of it there.
    noteAddresses();
    await sim.runFor(Math.min(SAMPLE_MS, scenario.forMs - sim.nowMs));
    samples.push(sample(sim));
  }
  sim.testbed.traceEnd();
  const findings = judge.findings(sim.nowMs);
  return {
    scenario,
    endMs: sim.nowMs,
    findings,
    faults: recorder.faults,
    devices: scenario.devices.map(({ name }) => ({ ...recorder.device(name), turnedAway: door.turnedAway(name) })),
    sessions: recorder.heard,
    gone: recorder.gone,
    mqtt: recorder.mqtt,
    lines: timeLines.lines(sim.nowMs),
    clients: server.board.state === 'running' ? clientsOf(server, recorder) : undefined,
    openConnections: openConnectionsOf(sim, scenario, server),
    // As the devices know themselves.
    streams: streams
      .ends()
      .map((end) => (end.host === SERVER_NAME ? { ...end, remote: end.remote && recorder.insideOf(end.remote) } : end)),
    samples,
    traceProblems: [...recorder.traceProblems, ...replay.problems(findings)],
  };
}

function build(sim: Simulation, scenario: Scenario, streams: Streams): SimulatedServer {
  const { policy, server } = scenario;
  const fleet = fleetOf(policy);
  const program = referenceServer({
    keepAlive: policy.keepAlive,
    beatEvents: true,
    ...(server.backlog !== undefined && { backlog: server.backlog }),
    ...fleet.server,
  });
  const made = sim.addServer(streams.watchServer(program, SERVER_NAME), {
    profile: server.profile,
    link: lineOf(server.cable),
    driftPpm: server.driftPpm,
  });
  addFleet(sim, scenario, ({ name, watchdogMs }) => {
    return streams.watchFirmware(fleet.firmware(watchdogMs), name);
  });
  return made;
}

function doorOf(sim: Simulation, { server: { backlog = Infinity } }: Scenario, recorder: Recorder): Door {
  const host = sim.host(SERVER_NAME);
  if (host === undefined) throw new Error('the server has no host');
  const door = new Door(host, backlog, () => sim.nowMs, (end) => recorder.nameOf(end));
  addObserver(sim.fabric, door);
  return door;
}

/** The devices, and what their cables and the server's lose. */
export function addFleet(
  sim: Simulation,
  { server, nats, devices, calmMs }: Scenario,
  firmwareOf: (device: DeviceScenario) => Firmware,
): Device[] {
  const boxes = new Map<string, SimulatedNat>();
  for (const { name, idleMs, onExpired } of nats) boxes.set(name, sim.addNat({ name, idleTimeout: idleMs, onExpired }));
  const made = devices.map((device) => {
    const { name, cable, nat, driftPpm } = device;
    const box = nat === undefined ? undefined : boxes.get(nat);
    const firmware = firmwareOf(device);
    const profile = profileOf(device);
    return sim.addDevice({ name, firmware, profile, link: lineOf(cable), driftPpm, ...(box && { nat: box }) });
  });
  for (const { name, cable } of [{ name: SERVER_NAME, cable: server.cable }, ...devices]) {
    if (cable.loss > 0) sim.at(calmMs, sim.cable(name).install('both', loss(cable.loss)));
  }
  return made;
}

/** Returns the device's stack, with the sockets that the device has. */
function profileOf({ profile, socketsMax }: DeviceScenario): Profile {
  return socketsMax === undefined ? PROFILES[profile] : { ...PROFILES[profile], socketsMax };
}

export function lineOf({ delayMs, jitterMs, bandwidthBps }: CableScenario): LineOptions {
  return {
    delay: delayMs,
    jitter: jitterMs,
    queueBytes: QUEUE_BYTES,
    ...(bandwidthBps !== undefined && { bandwidth: bandwidthBps }),
  };
}

function clientsOf({ program }: SimulatedServer, recorder: Recorder): ReadonlyMap<string, number> {
  const clients = new Map<string, number>();
  for (const { peer } of program?.clients() ?? []) {
    const name = recorder.nameOf(peer);
    clients.set(name, (clients.get(name) ?? 0) + 1);
  }
  return clients;
}

function openConnectionsOf(
  sim: Simulation, { policy: { speaks } }: Scenario, { board, program }: SimulatedServer,
): number | undefined {
  const stack = sim.host(SERVER_NAME)?.stack;
  if (board.state !== 'running' || program === undefined || stack === undefined) return undefined;
  if (PROTOCOLS[speaks.kind].server.transport === 'datagram') return undefined;
  const isOpen = ({ flags, state }: Tcb): boolean => (flags & ORPHAN) === 0 && state !== 'SYN-RECEIVED';
  return stack.connections.all().filter(isOpen).length;
}

function sample(sim: Simulation): Sample {
  return {
    atMs: sim.nowMs,
    waiters: sim.engine.waiterCount,
    connections: new Map(sim.hosts.map(({ name, stack }) => [name, stack?.connections.size ?? 0])),
  };
}
