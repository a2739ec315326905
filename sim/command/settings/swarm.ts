/** What `cablepull swarm` is told. */

import { parseArgs } from 'node:util';
import { type Fault, formatFault } from '../../faults/fault.ts';
import { problemOf } from '../../faults/hosts.ts';
import { SERVER_NAME } from '../../programs.ts';
import type { Shard } from '../../swarm/part.ts';
import type { Swarm } from '../../swarm/swarm-text.ts';
import { drawScenario, FOR_MIN_MS } from '../../swarm/scenario.ts';
import { formatDuration } from '../../time/duration.ts';
import { readPlan } from './plan.ts';
import { checkedWords, duration, fileName, usage, wholeNumber } from './words.ts';

export interface SwarmSettings {
  readonly swarm: Swarm;
  readonly shard: Shard;
  /** How many at a time; undefined: as many as there are processors. */
  readonly jobs: number | undefined;
  /** The file that the part goes to. */
  readonly out: string | undefined;
  readonly json: boolean;
  /** One run alone, of all its fleet or some of it; undefined: all runs of the shard. */
  readonly only: { readonly index: number; readonly devices: readonly string[] | undefined } | undefined;
}

/** So many runs can be counted; nobody will wait for them. */
const RUNS_MAX = 1_000_000_000;

const JOBS_MAX = 1024;

const SWARM_OPTIONS = {
  runs: { type: 'string' },
  for: { type: 'string', default: '10m' },
  seed: { type: 'string', default: '1' },
  fault: { type: 'string', multiple: true },
  shard: { type: 'string' },
  jobs: { type: 'string' },
  out: { type: 'string' },
  run: { type: 'string' },
  devices: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export function swarmSettings(args: readonly string[]): SwarmSettings {
  const { values } = parseArgs({ args: checkedWords('swarm', args, SWARM_OPTIONS), options: SWARM_OPTIONS });
  const seed = wholeNumber('--seed', values.seed, 0, 2 ** 32 - 1);
  const forMs = duration('--for', values.for, { minMs: FOR_MIN_MS }) ?? FOR_MIN_MS;
  const plan = readPlan(values.fault ?? [], undefined);
  for (const fault of plan) {
    if (fault.at.toMs >= forMs) throw usage(`${formatFault(fault)}: a run is over by then (--for ${formatDuration(forMs)})`);
  }
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

interface OnlyValues {
  readonly runs?: string;
  readonly shard?: string;
  readonly jobs?: string;
  readonly out?: string;
  readonly run?: string;
  readonly devices?: string;
}

function onlyOf({ run, devices: list, ...others }: OnlyValues, seed: number, forMs: number, plan: readonly Fault[]): SwarmSettings['only'] {
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
    throw usage(`--devices must be names such as ${fleet.slice(0, 2).join(',')} of the ${fleet.length} that run ${index} has, not '${stranger}'`);
  }
  checkPlan(plan, devices ?? fleet, `in run ${index}`);
  return { index, devices };
}

function checkPlan(plan: readonly Fault[], devices: readonly string[], where: string): void {
  const problem = problemOf(plan, { network: 'simulated', devices, servers: [SERVER_NAME] });
  if (problem !== undefined) throw usage(`${problem} ${where}`);
}

/** `3/16`. */
function shardOf(text: string): Shard {
  const [, number, count] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (number === undefined || count === undefined) throw usage(`--shard must be which part of how many, as in 3/16, not '${text}'`);
  const parts = wholeNumber('the number of parts of --shard', count, 1, 1_000_000);
  return { number: wholeNumber('the part of --shard', number, 1, parts), count: parts };
}
