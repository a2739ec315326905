/** The runs of a swarm, shared out over threads; their report; and the smallest case for the first runs that fail. */

import { availableParallelism } from 'node:os';
import { nodeClock } from '../../hal/node/index.ts';
import type { Violation } from '../swarm/invariants.ts';
import { partText, runCount, runsOf, type Shard } from '../swarm/part.ts';
import type { Swarm } from '../swarm/swarm-text.ts';
import { addTallies, type Failure, NO_TALLY, SHRUNK_MAX, type Tally, tallyOf } from '../swarm/tally.ts';
import { formatDuration, formatSeconds } from '../time/duration.ts';
import { counted } from '../text.ts';
import { Crew, type Failed, NO_LIMITS } from './crew.ts';
import { OutputFile } from './output-file.ts';
import { printSwarm } from './print-swarm.ts';
import { SwarmProgress } from './swarm-progress.ts';
import type { Order, Reply } from './swarm-worker.ts';
import type { InterruptSignal, Terminal } from './terminal.ts';

/**
 * Number of runs in one thread. Node keeps every ES module that it has loaded, and each boot of a program loads its
 * own.
 */
const PROGRAM_RUNS_MAX = 20;

/** Time in which a program must give back control. It is real time, and far more than any honest callback takes. */
const PROGRAM_SILENCE_MS = 30_000;

export interface ManySettings {
  readonly swarm: Swarm;
  readonly shard: Shard;
  /** Number of runs at a time; undefined for one for each processor. */
  readonly jobs: number | undefined;
  /** File of the part. */
  readonly out: string | undefined;
  readonly json: boolean;
}

type SwarmCrew = Crew<Order, Reply>;

/** Returns the exit status. Rejects with a Problem. */
export async function runMany(
  { swarm, shard, jobs, out, json }: ManySettings, terminal: Terminal,
): Promise<number> {
  const warn = (sentence: string): void => terminal.log(`cablepull: ${sentence}`);
  const file = out === undefined ? undefined : new OutputFile('--out', out, warn);
  const count = runCount(swarm, shard);
  const threads = Math.max(Math.min(jobs ?? availableParallelism(), count), 1);
  const part = shard.count === 1 ? '' : `, part ${shard.number} of ${shard.count}`;
  const length = formatDuration(swarm.forMs);
  terminal.log(`${counted(count, 'run')} of ${length}, seed ${swarm.seed}${part}, ${threads} at a time`);
  const clock = nodeClock();
  const progress = new SwarmProgress(terminal, clock, count);
  const limits =
    swarm.program === undefined
      ? NO_LIMITS
      : { ordersMax: PROGRAM_RUNS_MAX, silenceMs: PROGRAM_SILENCE_MS };
  const crew: SwarmCrew = new Crew(new URL('./swarm-worker.js', import.meta.url), swarm, threads, limits);
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
  if (interruptedBy !== undefined) {
    if (out !== undefined) terminal.log(`--out: ${out} was not written, because the part is not complete`);
    return interruptedBy === 'SIGTERM' ? 143 : 130;
  }
  file?.write(new TextEncoder().encode(partText({ swarm, shard, tally })));
  const isKept = file?.close() ?? true;
  return tally.failures.length === 0 && isKept ? 0 : 1;
}

async function runAll(crew: SwarmCrew, indices: Iterable<number>, progress: SwarmProgress): Promise<Tally> {
  function* orders(): Generator<Order, void> {
    for (const index of indices) yield { kind: 'run', index };
  }
  let tally = NO_TALLY;
  await crew.work(orders(), (answer) => {
    if (answer.kind === 'shrunk') return;
    const one = answer.kind === 'ran' ? tallyOf(answer.result) : failedTally(answer.order.index, violationOf(answer));
    tally = addTallies(tally, one);
    progress.add(one.failures.length > 0);
  });
  return tally;
}

/** Returns the tally of a run without a result. */
function failedTally(index: number, violation: Violation): Tally {
  return { ...NO_TALLY, runs: 1, failures: [{ index, violations: [violation] }] };
}

function violationOf({ reason, isSilent }: Failed<Order>): Violation {
  if (!isSilent) return { invariant: 'exception', sentence: `threw: ${reason}` };
  const sentence =
    `the program did not give back control for ${formatDuration(PROGRAM_SILENCE_MS)}: repeat the run, and press ` +
    'Ctrl-C when it stands still, to see where';
  return { invariant: 'loop', sentence };
}

/** Shrinks the failures with the smallest indices, whichever thread found them. */
async function shrinkFirst(crew: SwarmCrew, tally: Tally, progress: SwarmProgress): Promise<Tally> {
  const orders = tally.failures.slice(0, SHRUNK_MAX).flatMap(({ index, violations: [violation] }): Order[] => {
    // A run that never ends has nothing from which to find a smaller one.
    if (violation === undefined || violation.invariant === 'loop') return [];
    return [{ kind: 'shrink', index, invariant: violation.invariant }];
  });
  if (orders.length === 0) return tally;
  const runs = `${orders.length === 1 ? 'run' : 'runs'} ${orders.map(({ index }) => index).join(', ')}`;
  progress.say(`looking for the smallest case that fails in ${runs}`);
  const shrunk = new Map<number, Failure['shrunk']>();
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
