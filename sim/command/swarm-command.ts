/** `cablepull swarm`: random fleets and plans, what must hold of each, and the least that makes one fail. */

import { type Fault, formatFault } from '../faults/fault.ts';
import { problemOf } from '../faults/hosts.ts';
import { SERVER_NAME } from '../programs.ts';
import { type RunResult, runScenario } from '../swarm/run.ts';
import { failureText, type RepeatLine, type Swarm } from '../swarm/swarm-text.ts';
import { drawScenario, FOR_MIN_MS, scenarioText } from '../swarm/scenario.ts';
import { scenarioOf } from '../swarm/swarm.ts';
import { tallyOf } from '../swarm/tally.ts';
import { formatDuration } from '../time/duration.ts';
import { defineCommand } from './command.ts';
import type { OptionValues } from './options.ts';
import { readFaults } from './plan-options.ts';
import { swarmRepeatLine } from './print-swarm.ts';
import { type ManySettings, runMany } from './swarm-runs.ts';
import type { Terminal } from './terminal.ts';
import { durationOf, fileName, JOBS_MAX, seedOf, shardOf, usage, wholeNumber } from './values.ts';

const OPTIONS = {
  runs: { type: 'string', value: '1000', help: 'how many' },
  for: {
    type: 'string', value: '10m', default: '10m',
    help: 'how long each is, at least 6m: at its end there are no faults, so that all can settle',
  },
  seed: {
    type: 'string', value: '7', default: '1',
    help: 'of all that is left to chance (1): the same seed gives the same report',
  },
  fault: {
    type: 'string', multiple: true, value: '"power-loss on dev-* at 1m for 30s"',
    help: 'a plan of your own in place of random ones; again and again',
  },
  jobs: { type: 'string', value: 'N', help: 'so many at a time (one a processor)' },
  json: { type: 'boolean', default: false, help: 'the report as a JSON object' },

  shard: { type: 'string', value: '3/16', help: 'the third of sixteen parts of it', opensGroup: true },
  out: { type: 'string', value: 'part.json', help: "the part, for 'cablepull merge'" },

  run: { type: 'string', value: '417', help: 'one run alone, with what it is made of', opensGroup: true },
  devices: { type: 'string', value: 'dev-1,dev-4', help: 'of its fleet only these' },
} as const;

export const swarmCommand = defineCommand({
  name: 'swarm',
  about: `random fleets, cables and plans of faults from seeds, simulated, over all processors; whether the
invariants hold of each run, and the least that makes one fail`,
  options: OPTIONS,
  notes: `The invariants: nobody is kept on line in silence longer than the policy allows, nor dropped sooner; every
device is back within its bound after the last heal; no byte is lost, doubled or changed on a connection; the server is
left with one client a device; neither end says that the other broke the protocol; beats that have numbers add up; of
MQTT no acknowledged message is lost, and each will comes once; what is held does not grow; verdicts make sense. Exit
status 1 where one does not hold.`,
  run({ values }, terminal) {
    const { only, ...settings } = swarmSettings(values);
    return only === undefined ? runMany(settings, terminal) : runOne(settings.swarm, only, settings.json, terminal);
  },
});

interface SwarmSettings extends ManySettings {
  /** One run alone, of all its fleet or some of it; undefined: all runs of the shard. */
  readonly only: { readonly index: number; readonly devices: readonly string[] | undefined } | undefined;
}

/** So many runs can be counted; nobody will wait for them. */
const RUNS_MAX = 1_000_000_000;

function swarmSettings(values: OptionValues<typeof OPTIONS>): SwarmSettings {
  const seed = seedOf(values.seed);
  const forMs = durationOf('--for', values.for, { minMs: FOR_MIN_MS }) ?? FOR_MIN_MS;
  const plan = readFaults(values.fault ?? []);
  const late = plan.find(({ at }) => at.toMs >= forMs);
  if (late !== undefined) throw usage(`${formatFault(late)}: a run is over by then (--for ${formatDuration(forMs)})`);
  const only = onlyOf(values, seed, forMs, plan);
  const runs = values.runs === undefined ? 1000 : wholeNumber('--runs', values.runs, 1, RUNS_MAX);
  return {
    swarm: { seed, runs, forMs, plan: plan.map(formatFault) },
    shard: values.shard === undefined ? { number: 1, count: 1 } : shardOf(values.shard),
    jobs: values.jobs === undefined ? undefined : wholeNumber('--jobs', values.jobs, 1, JOBS_MAX),
    out: fileName('--out', values.out),
    json: values.json,
    only,
  };
}

function onlyOf(
  { run, devices: list, ...others }: OptionValues<typeof OPTIONS>, seed: number, forMs: number, plan: readonly Fault[],
): SwarmSettings['only'] {
  if (run === undefined) {
    if (list !== undefined) throw usage('--devices names some of the fleet of one run: it goes with --run');
    checkPlan(plan, ['dev-1'], 'in every fleet');
    return undefined;
  }
  for (const option of ['runs', 'shard', 'jobs', 'out'] as const) {
    if (others[option] !== undefined) throw usage(`--${option} is about many runs: it does not go with --run`);
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

/** One run, and more of what it was. */
async function runOne(
  swarm: Swarm, { index, devices }: NonNullable<SwarmSettings['only']>, json: boolean, terminal: Terminal,
): Promise<number> {
  const scenario = scenarioOf(swarm, index, devices);
  const result: RunResult = await runScenario(scenario);
  if (json) {
    terminal.printJson({ kind: 'swarm-run', scenario, result });
  } else {
    const failures = tallyOf(result).failures;
    for (const line of scenarioText(scenario)) terminal.print(line);
    terminal.print('');
    const repeat: RepeatLine = (again) => swarmRepeatLine(swarm)(again, devices && { devices, plan: swarm.plan });
    const lines = failures.flatMap((failure) => failureText(failure, repeat));
    for (const line of failures.length === 0 ? ['every invariant held'] : lines) terminal.print(line);
  }
  return result.violations.length === 0 ? 0 : 1;
}
