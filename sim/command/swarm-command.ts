/** `cablepull swarm`: random fleets and plans, the invariants of each run, and the smallest case that still fails. */

import { type Fault, formatFault } from '../faults/fault.ts';
import { problemOf } from '../faults/hosts.ts';
import { nodeProgram, ProgramError } from '../node-host/program.ts';
import { portOf } from '../program-port.ts';
import { SERVER_NAME } from '../programs.ts';
import { PROTOCOL_NAMES, PROTOCOLS } from '../server/protocols/index.ts';
import { Simulation } from '../simulation.ts';
import { programText } from '../swarm/program-run.ts';
import type { RunResult } from '../swarm/run.ts';
import { failureText, type RepeatLine, type Swarm, type SwarmProgram } from '../swarm/swarm-text.ts';
import { drawScenario, FOR_MIN_MS, scenarioText } from '../swarm/scenario.ts';
import { runIn, scenarioOf } from '../swarm/swarm.ts';
import { tallyOf } from '../swarm/tally.ts';
import { formatDuration, formatSeconds } from '../time/duration.ts';
import { isProtocolName } from '../../firmware/index.ts';
import { defineCommand } from './command.ts';
import type { OptionValues } from './options.ts';
import { Problem } from './problem.ts';
import { watchPrograms } from './program-loop.ts';
import { programFile } from './program-options.ts';
import { earlyEnd, programProblem } from './program-problem.ts';
import { defined } from './server-options.ts';
import { readFaults } from './plan-options.ts';
import { swarmRepeatLine } from './print-swarm.ts';
import { type ManySettings, runMany } from './swarm-runs.ts';
import type { Terminal } from './terminal.ts';
import { durationOf, fileName, JOBS_MAX, regularExpression, seedOf, shardOf, usage, wholeNumber } from './values.ts';

const OPTIONS = {
  runs: { type: 'string', value: '1000', help: 'number of runs (1000)' },
  for: {
    type: 'string', value: '10m', default: '10m',
    help: 'length of each run, at least 6m (10m); its last part has no faults, so that everything can settle',
  },
  seed: {
    type: 'string', value: '7', default: '1',
    help: 'seed of all random numbers (1); the same seed gives the same report',
  },
  fault: {
    type: 'string', multiple: true, value: '"power-loss on dev-* at 1m for 30s"',
    help: 'a fault of your own, instead of the random plans; give it again for more',
  },
  program: {
    type: 'string', value: '"server.mjs ARGS"', opensGroup: true,
    help: 'test your own Node server instead of ours for crashes, leaks and ghosts',
  },
  port: { type: 'string', value: '8080', help: 'with --program: the port to connect to, if the program listens on several' },
  protocol: {
    type: 'string', value: 'mqtt',
    help: `with --program: protocol of the devices: ${PROTOCOL_NAMES.join(', ')} (heartbeat)`,
  },
  'ghosts-within': {
    type: 'string', value: '2m',
    help: 'with --program: longest time for which the program may have an unreachable device online (2m)',
  },
  'offline-log': {
    type: 'string', value: 'REGEX',
    help: 'with --program: regular expression for its log lines that report a device as gone; needed over UDP',
  },

  jobs: { type: 'string', value: 'N', help: 'number of runs at a time (one for each processor)' },
  json: { type: 'boolean', default: false, help: 'print the report as a JSON object' },

  shard: { type: 'string', value: '3/16', help: 'do only part 3 of 16 of the runs, so that several machines can share a swarm', opensGroup: true },
  out: { type: 'string', value: 'part.json', help: "write this part to a file for 'cablepull merge'" },

  run: { type: 'string', value: '417', help: 'do only this run, and print its scenario', opensGroup: true },
  devices: { type: 'string', value: 'dev-1,dev-4', help: 'with --run: use only these devices of its fleet' },
} as const;

export const swarmCommand = defineCommand({
  name: 'swarm',
  about:
    'simulates random fleets with random cables and faults on all processors, checks the invariants of each run, and '
    + 'reduces each failure to the smallest case that still fails',
  options: OPTIONS,
  notes: `The exit status is 1 if a run breaks an invariant. Invariants of every run:
  - The server keeps no silent device online longer than its policy allows, and drops none sooner.
  - Every device is connected again within its bound after the last heal.
  - No byte is lost, doubled or changed on a connection.
  - At the end the server has one client for each device.
  - A connect fails only because a table of connections is full. A connected device keeps its place in the table.
  - Neither end reports that the other broke the protocol.
  - Numbered beats add up.
  - Peers: who is down is marked down in time, and no peer that is well is marked down by others that are well.
  - MQTT: no acknowledged message is lost, and each will arrives once.
  - Buffers and queues do not grow without bound.
  - The verdicts are consistent.

Invariants with --program:
  - The program does not end by itself, and does not keep control for 30 s of real time.
  - It does not believe in a ghost for longer than --ghosts-within.
  - When all devices have lost their power for good, nothing is open that was not open at the start.`,
  async run({ values }, terminal) {
    const { only, ...settings } = swarmSettings(values);
    const { program, seed } = settings.swarm;
    if (program !== undefined) {
      await watchPrograms(terminal);
      await checkProgram(program, seed);
    }
    return only === undefined ? runMany(settings, terminal) : runOne(settings.swarm, only, settings.json, terminal);
  },
});

interface SwarmSettings extends ManySettings {
  /** A single run, of its whole fleet or some of its devices; undefined for all runs of the shard. */
  readonly only: { readonly index: number; readonly devices: readonly string[] | undefined } | undefined;
}

/** Largest number of runs, which no user will wait for. */
const RUNS_MAX = 1_000_000_000;

const GHOSTS_WITHIN_MS = 120_000;

function swarmSettings(values: OptionValues<typeof OPTIONS>): SwarmSettings {
  const seed = seedOf(values.seed);
  const forMs = durationOf('--for', values.for, { minMs: FOR_MIN_MS }) ?? FOR_MIN_MS;
  const plan = readFaults(values.fault ?? []);
  const late = plan.find(({ at }) => at.toMs >= forMs);
  if (late !== undefined) {
    throw usage(`${formatFault(late)}: each run ends before that time (--for ${formatDuration(forMs)})`);
  }
  const only = onlyOf(values, seed, forMs, plan);
  const runs = values.runs === undefined ? 1000 : wholeNumber('--runs', values.runs, 1, RUNS_MAX);
  return {
    swarm: { seed, runs, forMs, plan: plan.map(formatFault), ...defined({ program: programOf(values) }) },
    shard: values.shard === undefined ? { number: 1, count: 1 } : shardOf(values.shard),
    jobs: values.jobs === undefined ? undefined : wholeNumber('--jobs', values.jobs, 1, JOBS_MAX),
    out: fileName('--out', values.out),
    json: values.json,
    only,
  };
}

/** Returns the user's program; undefined for our own server. Throws a Problem. */
function programOf(values: OptionValues<typeof OPTIONS>): SwarmProgram | undefined {
  const { program, port, protocol = 'heartbeat', 'offline-log': offlineLog } = values;
  if (program === undefined) {
    const others = ['port', 'protocol', 'ghosts-within', 'offline-log'] as const;
    const other = others.find((name) => values[name] !== undefined);
    if (other !== undefined) throw usage(`--${other} needs --program`);
    return undefined;
  }
  if (!isProtocolName(protocol)) {
    throw usage(`--protocol must be ${PROTOCOL_NAMES.join(' or ')}, not '${protocol}'`);
  }
  if (offlineLog !== undefined) regularExpression('--offline-log', offlineLog);
  return {
    ...programFile('--program', program),
    protocol,
    ghostsWithinMs: durationOf('--ghosts-within', values['ghosts-within'], { minMs: 1000 }) ?? GHOSTS_WITHIN_MS,
    ...defined({ port: port === undefined ? undefined : wholeNumber('--port', port, 1, 65_535), offlineLog }),
  };
}

/** Starts the program once, so that a problem it always has is not found in every run. Rejects with a Problem. */
async function checkProgram(program: SwarmProgram, seed: number): Promise<void> {
  const { file, args, port, protocol } = program;
  const sim = new Simulation({ seed });
  let why: string | undefined;
  const entry = nodeProgram(file, {
    args,
    onOutput: () => {},
    onEnd: (end) => {
      why = end.stack ?? end.why;
    },
  });
  try {
    const { transport } = PROTOCOLS[protocol].server;
    const found = await portOf(sim, sim.addServer(entry), { transport, port });
    if (typeof found !== 'number') throw why === undefined ? new Problem(1, found) : earlyEnd(program, why);
  } catch (error) {
    throw error instanceof ProgramError ? programProblem(program, error) : error;
  }
}

function onlyOf(
  { run, devices: list, ...others }: OptionValues<typeof OPTIONS>, seed: number, forMs: number, plan: readonly Fault[],
): SwarmSettings['only'] {
  if (run === undefined) {
    if (list !== undefined) throw usage('--devices chooses devices of one run: it needs --run');
    checkPlan(plan, ['dev-1'], 'in every fleet');
    return undefined;
  }
  for (const option of ['runs', 'shard', 'jobs', 'out'] as const) {
    if (others[option] !== undefined) throw usage(`--${option} is for many runs: it cannot be used with --run`);
  }
  const index = wholeNumber('--run', run, 0, RUNS_MAX - 1);
  const fleet = drawScenario(seed, index, forMs).devices.map(({ name }) => name);
  const devices = list?.split(',');
  const stranger = devices?.find((name) => !fleet.includes(name));
  if (stranger !== undefined) {
    const names = `names such as ${fleet.slice(0, 2).join(',')} of the ${fleet.length} that run ${index} has`;
    throw usage(`--devices must be ${names}, not '${stranger}'`);
  }
  checkPlan(plan, devices ?? fleet, `in run ${index}`);
  return { index, devices };
}

function checkPlan(plan: readonly Fault[], devices: readonly string[], where: string): void {
  const problem = problemOf(plan, { network: 'simulated', devices, servers: [SERVER_NAME] });
  if (problem !== undefined) throw usage(`${problem} ${where}`);
}

/** Does one run, and prints its scenario. */
async function runOne(
  swarm: Swarm, { index, devices }: NonNullable<SwarmSettings['only']>, json: boolean, terminal: Terminal,
): Promise<number> {
  const scenario = scenarioOf(swarm, index, devices);
  const result: RunResult = await runIn(swarm, scenario, {
    onOutput(line, atMs) {
      terminal.log([{ style: 'dim', text: `${formatSeconds(atMs).padStart(9)}  server |` }, ` ${line}`]);
    },
  });
  if (json) {
    terminal.printJson({ kind: 'swarm-run', scenario, result });
  } else {
    const failures = tallyOf(result).failures;
    const speech = swarm.program && programText(swarm.program, scenario.policy);
    for (const line of scenarioText(scenario, speech)) terminal.print(line);
    terminal.print('');
    const repeat: RepeatLine = (again) => swarmRepeatLine(swarm)(again, devices && { devices, plan: swarm.plan });
    const lines = failures.flatMap((failure) => failureText(failure, repeat));
    for (const line of failures.length === 0 ? ['every invariant held'] : lines) terminal.print(line);
  }
  return result.violations.length === 0 ? 0 : 1;
}
