/** A run in blocks, several at a time. Together the blocks give the output that one world would have given. */

import { availableParallelism } from 'node:os';
import { nodeClock } from '../../hal/node/index.ts';
import { formatFault } from '../faults/fault.ts';
import { formatSeconds } from '../time/duration.ts';
import { mergeFindings } from '../verdict/merge-findings.ts';
import type { BlockReply, RunWords } from './block-worker.ts';
import { type DeviceBlock, BLOCK_DEVICES, blocksOf } from './blocks.ts';
import { printRun, protocolNames, startLine } from './conduct-run.ts';
import { Crew, NO_LIMITS } from './crew.ts';
import { painted } from './event-log.ts';
import { mergeMoments } from './fault-moments.ts';
import { addFleets, whyNothingServed } from './fleet.ts';
import { isAsExpected, outcomeOf } from './outcome.ts';
import { OutputFile } from './output-file.ts';
import { Problem } from './problem.ts';
import { ProgramEnds } from './program-ends.ts';
import { ProgressLine } from './progress-line.ts';
import type { BlockResult } from './run-block.ts';
import { runPartText } from './run-part.ts';
import type { RunSettings, Split } from './run-settings.ts';
import type { InterruptSignal, Terminal } from './terminal.ts';

/** Returns the exit status. Rejects with a Problem. */
export async function conductBlocks(settings: RunSettings, split: Split, terminal: Terminal): Promise<number> {
  const { deviceCount, plan, otherLines, args } = settings;
  const { jobs, shard, out } = split;
  const warn = (sentence: string): void => terminal.log(`cablepull: ${sentence}`);
  const file = out === undefined ? undefined : new OutputFile('--out', out, warn);
  const blocks = blocksOf(deviceCount, shard);
  const blockCount = blocksOf(deviceCount, WHOLE).length;
  if (blocks.length === 0) {
    throw new Problem(2, `--shard: this part has no devices, because the fleet has only ${blockCount} blocks`);
  }
  const servers = `of our own servers, one for at most ${BLOCK_DEVICES} devices each, on a simulated network`;
  const part = shard.count === 1 ? '' : `, part ${shard.number} of ${shard.count}`;
  terminal.log(startLine(settings, `against ${blockCount} ${servers}${part}`));

  const words: RunWords = { args, plan: [...otherLines, ...plan.map(formatFault)] };
  const threads = Math.min(jobs ?? availableParallelism(), blocks.length);
  const thread = new URL('./block-worker.js', import.meta.url);
  const crew = new Crew<DeviceBlock, BlockReply>(thread, words, threads, NO_LIMITS);
  let interruptedBy: InterruptSignal | undefined;
  const stopListening = terminal.onInterrupt((signal) => {
    interruptedBy = signal;
    crew.stop();
  });
  const clock = nodeClock();
  const progress = new ProgressLine(terminal, terminal.isInteractive);
  const results: (BlockResult | undefined)[] = [];
  let done = 0;
  let failure: string | undefined;
  try {
    await crew.work(blocks, (answer) => {
      if (answer.kind === 'failed') {
        failure ??= answer.reason;
        crew.stop();
        return;
      }
      // Results are put into the order of the blocks.
      results[answer.block.index] = answer.result;
      done += answer.block.deviceCount;
      if (!progress.comesDue(clock.now())) return;
      progress.tell(`${done} of ${deviceCount} devices simulated in ${formatSeconds(clock.now())}`);
    });
  } finally {
    stopListening();
    progress.end();
  }
  if (failure !== undefined) throw new Problem(1, `the run failed: ${failure}`);
  if (interruptedBy !== undefined) {
    terminal.log(`cablepull: stopped after ${done} of ${deviceCount} devices were simulated: there is no report`);
    return interruptedBy === 'SIGTERM' ? 143 : 130;
  }
  const result = addResults(results.filter((one) => one !== undefined), settings);
  file?.write(new TextEncoder().encode(runPartText({ words, shard, result })));
  const status = reportResult(result, settings, terminal);
  return (file?.close() ?? true) ? status : 1;
}

const WHOLE = { number: 1, count: 1 };

/** Adds up the results of blocks of one run; there must be at least one. */
export function addResults(results: readonly BlockResult[], { plan, devices }: RunSettings): BlockResult {
  const lines = plan.map(formatFault);
  const reconnectsMs = results.flatMap((result) => result.reconnectsMs).sort((a, b) => a - b);
  const order = { plan: lines, deviceNumber: (name: string) => devices.names.indexOf(name) };
  return {
    fleet: results.map(({ fleet }) => fleet).reduce(addFleets),
    findings: mergeFindings(results.map(({ findings }) => findings), reconnectsMs, order),
    moments: mergeMoments(results.flatMap(({ moments }) => moments), lines),
    reconnectsMs,
  };
}

/** Prints the result, and returns the exit status. Throws a Problem if no device was ever served. */
export function reportResult(
  { fleet, findings, moments }: BlockResult, settings: RunSettings, terminal: Terminal,
): number {
  for (const { event, hosts } of moments) {
    terminal.log([painted(hosts === 1 ? event : { ...event, host: `${hosts} devices` })]);
  }
  const outcome = outcomeOf(findings, settings.expectations, settings.repeat);
  printRun(settings, outcome, fleet, new ProgramEnds(), undefined, false, terminal);
  const why = whyNothingServed(fleet, protocolNames(settings));
  if (why !== undefined) throw new Problem(1, why);
  return isAsExpected(outcome) ? 0 : 1;
}
