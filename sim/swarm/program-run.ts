/**
 * Does a scenario against the user's own Node server: its fleet, its cables and its faults. Of the server's policy
 * nothing is known but what the user says. At the end all devices lose their power for good: then the server must come
 * to rest.
 */

import { boot, firmwareImage, type OwnConfig, type ProtocolSettingsOf } from '../../firmware/index.ts';
import type { Firmware } from '../board/board.ts';
import { FAULTS } from '../faults/kinds/index.ts';
import { nodeProgram, ProgramError, type ProgramEnd } from '../node-host/program.ts';
import type { HandleCounts } from '../node-host/world.ts';
import { portOf } from '../program-port.ts';
import { SERVER_NAME } from '../programs.ts';
import { PROTOCOLS } from '../server/protocols/index.ts';
import type { FaultSpan } from '../sessions/fault-span.ts';
import { Simulation } from '../simulation.ts';
import { counted } from '../text.ts';
import { formatDuration, formatSeconds } from '../time/duration.ts';
import type { TraceEvent } from '../trace/trace.ts';
import { type DeviceLine, TimeLines } from '../verdict/time-line.ts';
import { inFlightMs } from './bounds.ts';
import type { Violation } from './invariants.ts';
import { addFleet, lineOf, resultOf, type RunResult } from './run.ts';
import type { DeviceScenario, FleetPolicy, Scenario } from './scenario.ts';
import type { SwarmProgram } from './swarm-text.ts';

type MqttDrawn = Pick<ProtocolSettingsOf<'mqtt'>, 'keepAliveS' | 'publishIntervalMs' | 'publishQos'>;

/** Interval at which the run checks that the program still runs, and tells the watcher. */
const SLICE_MS = 60_000;

/** Number of violations of one invariant that are reported. */
const TOLD_MAX = 3;

/** A program may have made so many timers when it needed them, and keep them. */
const TIMERS_SPARED = 3;

/** Watcher of a run. */
export interface ProgramWatch {
  /** The program printed a line. */
  readonly onOutput?: (line: string, atMs: number) => void;
  /** The program has given back control; called often while it does. */
  readonly onTurn?: () => void;
}

/** Never rejects: what the run throws is a violation. */
export async function runProgram(
  scenario: Scenario,
  program: SwarmProgram,
  watch: ProgramWatch = {},
): Promise<RunResult> {
  const faults: FaultSpan[] = [];
  try {
    return await run(scenario, program, faults, watch);
  } catch (error) {
    const violation: Violation =
      error instanceof ProgramError
        ? { invariant: 'crash', sentence: `the program could not start: ${error.programStack}` }
        : { invariant: 'exception', sentence: `threw: ${error instanceof Error ? error.message : String(error)}` };
    return resultOf(scenario, undefined, faults, [violation]);
  }
}

async function run(
  scenario: Scenario,
  program: SwarmProgram,
  faults: FaultSpan[],
  { onOutput, onTurn }: ProgramWatch,
): Promise<RunResult> {
  const { file, args, port, protocol, offlineLog, ghostsWithinMs } = program;
  const clients = new ClientCount();
  const sim: Simulation = new Simulation({
    seed: scenario.seed,
    arp: scenario.arp,
    onTrace: (event) => clients.add(event),
    offlineLog: offlineLog === undefined ? undefined : new RegExp(offlineLog),
  });
  const { sessions, judge } = sim.testbed.witness;
  sessions.listen({ faultCame: (span) => void faults.push(span) });
  const timeLines = new TimeLines(sessions);
  const ends: ProgramEnd[] = [];
  const entry = nodeProgram(file, {
    args,
    onOutput: (line) => onOutput?.(line, sim.nowMs),
    onEnd: (end) => void ends.push(end),
  });
  const { cable, driftPpm } = scenario.server;
  const server = sim.addServer(entry, { link: lineOf(cable), driftPpm });
  const { transport } = PROTOCOLS[protocol].server;
  const found = await portOf(sim, server, { transport, port });
  if (typeof found === 'string') throw new Error(found);
  const atStart = server.handles();
  const devices = addFleet(sim, scenario, (device) => firmwareOf(program, found, scenario.policy, device));
  sim.schedule(scenario.plan);
  const isOver = (): boolean => ends.length > 0;
  await pass(sim, scenario.forMs - sim.nowMs, isOver, onTurn);
  // These are the findings about the plan. The faults after this line are ours.
  const findings = judge.findings(sim.nowMs);
  const planned = [...faults];
  const hasStopped = ends.length > 0 || server.board.state !== 'running';
  const boundMs = ghostsWithinMs + inFlightMs(scenario);
  // For a device whose datagrams are not answered, no sign shows that it is reached again. At the end no device is.
  const fromMs = transport === 'stream' ? 0 : sim.nowMs;
  if (!hasStopped) {
    // All devices lose their power, and the server has the time that it is allowed, and a little.
    for (const device of devices) device.power.cut();
    await pass(sim, boundMs + 1000, () => false, onTurn);
  }
  const lines = timeLines.lines(sim.nowMs);
  const violations = [
    ...tell('crash', ends.map(crashText)),
    ...tell('ghost', longGhosts(lines, faults, fromMs, boundMs, ghostsWithinMs)),
    ...(hasStopped || ends.length > 0
      ? []
      : tell('leak', leaks(atStart, server.handles(), lines, clients.count, boundMs))),
  ];
  return resultOf(scenario, findings, planned, violations);
}

async function pass(
  sim: Simulation, lengthMs: number, isOver: () => boolean, onTurn: (() => void) | undefined,
): Promise<void> {
  for (let restMs = lengthMs; restMs > 0 && !isOver(); restMs -= SLICE_MS) {
    await sim.runFor(Math.min(SLICE_MS, restMs));
    onTurn?.();
  }
}

/** The protocol's own defaults; of the policy that was drawn what is the firmware's alone. */
function firmwareOf(
  { protocol }: SwarmProgram,
  port: number,
  policy: FleetPolicy,
  { watchdogMs }: DeviceScenario,
): Firmware {
  const { device } = PROTOCOLS[protocol];
  const { keepAlive, connectTimeoutMs, retry } = policy;
  const drawn = { keepAlive, connectTimeoutMs, retry, ...(protocol === 'mqtt' && mqttOf(policy)) };
  const known = Object.entries(drawn).filter(([name]) => name in device.defaults);
  const servers = [{ host: SERVER_NAME, port }];
  const config: OwnConfig = { ...Object.fromEntries(known), watchdogMs, protocol: device, servers };
  const image = firmwareImage(config);
  return (hal, onEvent) => void boot(hal, image, onEvent);
}

/**
 * Returns the MQTT settings that every broker supports. Keep alive is in whole seconds, and longer than the longest
 * round trip.
 */
function mqttOf({ beatIntervalMs, speaks }: FleetPolicy): MqttDrawn {
  const isMqtt = speaks.kind === 'mqtt';
  return {
    keepAliveS: Math.max(5, Math.ceil(beatIntervalMs / 1000)),
    publishIntervalMs: isMqtt ? speaks.publishIntervalMs : 5000,
    publishQos: isMqtt && speaks.publishQos === 0 ? 0 : 1,
  };
}

/** Returns a description for people of what devices and server expect of each other. */
export function programText({ file, protocol }: SwarmProgram, policy: FleetPolicy): string {
  if (protocol !== 'mqtt') return `${protocol} against ${file}`;
  const { keepAliveS, publishIntervalMs, publishQos } = mqttOf(policy);
  const publishing = `QoS ${publishQos} every ${formatDuration(publishIntervalMs)}`;
  return `mqtt against ${file}, keep alive ${keepAliveS}s, ${publishing}`;
}

/** Number of clients that the program has had since its last start. */
class ClientCount {
  count = 0;

  add(event: TraceEvent): void {
    if (event.source === 'server' && event.kind === 'online') this.count++;
    if (event.kind !== 'fault' || event.host !== SERVER_NAME) return;
    const { firmware } = FAULTS[event.fault];
    if (firmware === 'off' || firmware === 'dead') this.count = 0;
  }
}

function tell(invariant: Violation['invariant'], sentences: readonly string[]): Violation[] {
  return sentences.slice(0, TOLD_MAX).map((sentence) => ({ invariant, sentence }));
}

function crashText({ atMs, why, stack }: ProgramEnd): string {
  return `the program ended by itself at ${formatSeconds(atMs)}: ${stack ?? why}`;
}

/**
 * Returns a sentence for each device that the server believes online from `sinceMs` on for longer than allowed,
 * although nobody can reach the device and the server's program runs.
 */
function longGhosts(
  lines: readonly DeviceLine[],
  faults: readonly FaultSpan[],
  sinceMs: number,
  boundMs: number,
  ghostsWithinMs: number,
): string[] {
  const hangs = faults.filter(({ host, kind }) => host === SERVER_NAME && FAULTS[kind].firmware === 'hung');
  return lines.flatMap(({ name, online }) =>
    online.flatMap(({ ghosts }) =>
      ghosts.flatMap(({ fromMs, toMs }) => {
        const runsFromMs = hangs.reduce(
          (atMs, hang) => (hang.fromMs <= toMs ? Math.max(atMs, Math.min(hang.toMs ?? toMs, toMs)) : atMs),
          Math.max(fromMs, sinceMs),
        );
        const believedMs = toMs - runsFromMs;
        if (believedMs <= boundMs) return [];
        const allowed = `${formatDuration(ghostsWithinMs)} are allowed`;
        const [howLong, since] = [believedMs, runsFromMs].map(formatSeconds);
        return [`the server had ${name} online for ${howLong} from ${since} on, a ghost: ${allowed}`];
      }),
    ),
  );
}

/**
 * Returns the resources that the program still has open, long after the last device has gone, and did not have when it
 * began to listen.
 */
function leaks(
  start: HandleCounts,
  end: HandleCounts,
  lines: readonly DeviceLine[],
  clients: number,
  boundMs: number,
): string[] {
  const ghosts = lines.flatMap(({ online }) => online.filter((span) => span.end === undefined)).length;
  const when = `${formatSeconds(boundMs)} after the last device lost its power`;
  const more = (what: string, count: number, reason = ''): string[] =>
    count <= 0 ? [] : [`${when} the program has ${counted(count, what)} more than when it began to listen${reason}`];
  const timers = end.timers - start.timers - ghosts;
  // A number of timers that grows with the clients is a leak. A few timers of the program's own are not.
  const isLeak = timers > TIMERS_SPARED && timers * 2 >= clients;
  return [
    ...more('connection', end.connections - start.connections - ghosts),
    ...more('listening socket', end.listeners - start.listeners),
    ...more('datagram socket', end.datagramSockets - start.datagramSockets),
    ...(isLeak ? more('timer', timers, `, after ${counted(clients, 'client')}`) : []),
  ];
}
