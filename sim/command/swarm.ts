/** `cablepull swarm`: random fleets and plans over all processors, what must hold of each, and the least that makes one fail. */

import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { nodeClock } from '../../hal/node/index.ts';
import { type RunResult, runScenario } from '../swarm/run.ts';
import { type Part, partText, runCount, runsOf } from '../swarm/part.ts';
import { failureText, type RepeatLine, type Swarm, swarmJson, swarmText } from '../swarm/swarm-text.ts';
import { scenarioText } from '../swarm/scenario.ts';
import { scenarioOf } from '../swarm/swarm.ts';
import { addTallies, type Failure, NO_TALLY, SHRUNK_MAX, type Tally, tallyOf } from '../swarm/tally.ts';
import { formatDuration, formatSeconds } from '../time/duration.ts';
import { counted } from '../text.ts';
import { Problem, reasonOf } from './problem.ts';
import { commandLine } from './settings/command-line.ts';
import type { SwarmSettings } from './settings/swarm.ts';
import { Crew } from './swarm-crew.ts';
import { SwarmProgress } from './swarm-progress.ts';
import type { Order } from './swarm-worker.ts';
import type { InterruptSignal, Terminal } from './terminal.ts';

/** Gives the exit status. Rejects with a Problem. */
export async function runSwarm(settings: SwarmSettings, terminal: Terminal): Promise<number> {
  const { only, swarm } = settings;
  return only === undefined ? runMany(settings, terminal) : runOne(swarm, only, settings.json, terminal);
}

async function runMany({ swarm, shard, jobs, out, json }: SwarmSettings, terminal: Terminal): Promise<number> {
  const count = runCount(swarm, shard);
  const threads = Math.max(Math.min(jobs ?? availableParallelism(), count), 1);
  const part = shard.count === 1 ? '' : `, part ${shard.number} of ${shard.count}`;
  terminal.log(`${counted(count, 'run')} of ${formatDuration(swarm.forMs)}, seed ${swarm.seed}${part}, ${threads} at a time`);
  const clock = nodeClock();
  const progress = new SwarmProgress(terminal, clock, count);
  const crew = new Crew(swarm, threads);
  let interruptedBy: InterruptSignal | undefined;
  const stopListening = terminal.onInterrupt((signal) => {
    interruptedBy = signal;
    crew.stop();
  });
  let tally: Tally;
  try {
    tally = await runAll(crew, runsOf(swarm, shard), progress);
    if (interruptedBy === undefined) tally = await shrinkFirst(crew, tally, progress);
  } finally {
    stopListening();
    progress.end();
  }
  terminal.log(`${counted(tally.runs, 'run')} took ${formatSeconds(clock.now())}`);
  printSwarm(swarm, tally, json, terminal);
  if (interruptedBy !== undefined && out !== undefined) terminal.log(`--out: ${out} is not written: the part is not whole`);
  else if (out !== undefined) write(out, { swarm, shard, tally });
  if (interruptedBy !== undefined) return interruptedBy === 'SIGTERM' ? 143 : 130;
  return tally.failures.length === 0 ? 0 : 1;
}

async function runAll(crew: Crew, indices: Iterable<number>, progress: SwarmProgress): Promise<Tally> {
  function* orders(): Generator<Order, void> {
    for (const index of indices) yield { kind: 'run', index };
  }
  let tally = NO_TALLY;
  await crew.work(orders(), (answer) => {
    if (answer.kind === 'shrunk') return;
    const one = answer.kind === 'ran' ? tallyOf(answer.result) : failedTally(answer.order.index, answer.reason);
    tally = addTallies(tally, one);
    progress.add(one.failures.length > 0);
  });
  return tally;
}

/** Of a run whose thread died. */
function failedTally(index: number, reason: string): Tally {
  return { ...NO_TALLY, runs: 1, failures: [{ index, violations: [{ invariant: 'exception', sentence: `threw: ${reason}` }] }] };
}

/** Those with the least index, whoever has done them. */
async function shrinkFirst(crew: Crew, tally: Tally, progress: SwarmProgress): Promise<Tally> {
  const first = tally.failures.slice(0, SHRUNK_MAX);
  if (first.length === 0) return tally;
  progress.say(`looking for the least that fails of ${first.length === 1 ? 'run' : 'runs'} ${first.map(({ index }) => index).join(', ')}`);
  const shrunk = new Map<number, Failure['shrunk']>();
  const orders = first.flatMap(({ index, violations: [violation] }): Order[] => {
    return violation === undefined ? [] : [{ kind: 'shrink', index, invariant: violation.invariant }];
  });
  await crew.work(orders, (answer) => {
    if (answer.kind === 'shrunk') shrunk.set(answer.index, answer.shrunk);
  });
  return {
    ...tally,
    failures: tally.failures.map((failure) => {
      const least = shrunk.get(failure.index);
      return least === undefined ? failure : { ...failure, shrunk: least };
    }),
  };
}

export function printSwarm(swarm: Swarm, tally: Tally, json: boolean, terminal: Terminal): void {
  const repeat = repeatLine(swarm);
  if (json) terminal.print(JSON.stringify(swarmJson(swarm, tally, repeat)));
  else for (const line of swarmText(swarm, tally, repeat)) terminal.print(line);
}

/** What one can type to have a run of it again. */
function repeatLine({ seed, forMs, plan }: Swarm): RepeatLine {
  return (index, shrunk) => commandLine('swarm', [
    '--seed', String(seed), '--run', String(index), '--for', formatDuration(forMs),
    ...(shrunk === undefined ? [] : ['--devices', shrunk.devices.join(',')]),
    ...(shrunk?.plan ?? plan).flatMap((line) => ['--fault', line]),
  ], String(seed));
}

function write(file: string, part: Part): void {
  try {
    writeFileSync(file, partText(part));
  } catch (error) {
    throw new Problem(1, `--out: cannot write ${file}: ${reasonOf(error)}`);
  }
}

/** One run, and more of what it was. */
async function runOne(swarm: Swarm, { index, devices }: NonNullable<SwarmSettings['only']>, json: boolean, terminal: Terminal): Promise<number> {
  const scenario = scenarioOf(swarm, index, devices);
  const result: RunResult = await runScenario(scenario);
  if (json) {
    terminal.print(JSON.stringify({ kind: 'swarm-run', scenario, result }));
  } else {
    const failures = tallyOf(result).failures;
    for (const line of scenarioText(scenario)) terminal.print(line);
    terminal.print('');
    const repeat: RepeatLine = (again) => repeatLine(swarm)(again, devices && { devices, plan: swarm.plan });
    const lines = failures.flatMap((failure) => failureText(failure, repeat));
    for (const line of failures.length === 0 ? ['every invariant held'] : lines) terminal.print(line);
  }
  return result.violations.length === 0 ? 0 : 1;
}
