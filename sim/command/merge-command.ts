/** `cablepull merge`: merges the parts of a swarm or of a run into the report that one process would have printed. */

import { mergeParts, missingParts, type NamedPart, readPart, twinOf } from '../swarm/part.ts';
import { defineCommand } from './command.ts';
import { addResults, reportResult } from './conduct-blocks.ts';
import { readPlanLines } from './plan-file.ts';
import { printSwarm } from './print-swarm.ts';
import { readRun } from './run-command.ts';
import { readRunPart, type RunPart } from './run-part.ts';
import { without } from './command-line.ts';
import type { Terminal } from './terminal.ts';
import { fileName, readText, usage } from './values.ts';

export const mergeCommand = defineCommand({
  name: 'merge',
  about:
    "merges the parts that 'cablepull swarm --shard 3/16 --out part-3.json', or 'cablepull run' with these options, " +
    'have written. It prints the report that one process would have printed, to the byte',
  needs: 'the files that cablepull swarm --out or cablepull run --out has written',
  example: 'cablepull merge part-*.json',
  options: {
    json: { type: 'boolean', default: false, help: 'print the report as a JSON object' },
  },
  run: ({ values, operands }, terminal) =>
    merge(
      operands.map((file) => fileName('a part', file)),
      values.json,
      terminal,
    ),
});

interface NamedRunPart {
  readonly name: string;
  readonly part: RunPart;
}

/** Returns the exit status: 1 if a run failed or a part is missing. Rejects with a Problem. */
async function merge(files: readonly string[], json: boolean, terminal: Terminal): Promise<number> {
  const ofSwarm: NamedPart[] = [];
  const ofRun: NamedRunPart[] = [];
  for (const name of files) {
    const text = readText('merge', name);
    const runPart = readRunPart(text);
    const part = runPart ?? readPart(text);
    if (typeof part === 'string') throw usage(`${name}: ${part}`);
    if ('swarm' in part) ofSwarm.push({ name, part });
    else ofRun.push({ name, part });
  }
  const [swarmPart, runPart] = [ofSwarm[0], ofRun[0]];
  if (swarmPart === undefined) return mergeRun(ofRun, json, terminal);
  if (runPart !== undefined) {
    throw usage(`${runPart.name} is a part of a run, but ${swarmPart.name} is a part of a swarm`);
  }
  const merged = mergeParts(ofSwarm);
  if (typeof merged === 'string') throw usage(merged);
  const { swarm, tally, missing } = merged;
  printSwarm(swarm, tally, json, terminal);
  tellMissing(missing, terminal);
  return missing.length === 0 && tally.failures.length === 0 ? 0 : 1;
}

async function mergeRun(parts: readonly NamedRunPart[], json: boolean, terminal: Terminal): Promise<number> {
  const [first] = parts;
  if (first === undefined) throw usage('merge: no file holds a part');
  const { words: { args, plan }, shard: { count } } = first.part;
  const other = parts.find(({ part }) => runOf(part) !== runOf(first.part));
  if (other !== undefined) {
    throw usage(`${other.name} belongs to a different run than ${first.name}, or the run was split differently`);
  }
  const twins = twinOf(parts);
  if (twins !== undefined) throw usage(twins);
  const settings = await readRun(args, readPlanLines(plan));
  const result = addResults(parts.map(({ part }) => part.result), settings);
  const status = reportResult(result, { ...settings, json }, terminal);
  const missing = missingParts(parts, count);
  tellMissing(missing, terminal);
  return missing.length === 0 ? status : 1;
}

/** Returns a text that is equal for the parts of one run. It leaves out the options that may differ between parts. */
function runOf({ words: { args, plan }, shard: { count } }: RunPart): string {
  return JSON.stringify([without(['--shard', '--out', '--jobs', '--plan'], args), plan, count]);
}

function tellMissing(missing: readonly string[], terminal: Terminal): void {
  const areMissing = missing.length === 1 ? 'a part is' : `${missing.length} parts are`;
  if (missing.length > 0) terminal.log(`cablepull: ${areMissing} missing: ${missing.join(', ')}`);
}
