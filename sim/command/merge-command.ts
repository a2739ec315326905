/** `cablepull merge`: the parts of a swarm, put together to the report that one process would have printed. */

import { mergeParts, type NamedPart, readPart } from '../swarm/part.ts';
import { defineCommand } from './command.ts';
import { printSwarm } from './print-swarm.ts';
import type { Terminal } from './terminal.ts';
import { fileName, readText, usage } from './values.ts';

export const mergeCommand = defineCommand({
  name: 'merge',
  about: `the parts that 'cablepull swarm --shard 3/16 --out part-3.json' and the like have written, put
together to the report that one process would have printed, to the byte`,
  needs: 'the files that cablepull swarm --out has written',
  example: 'cablepull merge part-*.json',
  options: {
    json: { type: 'boolean', default: false, help: 'the report as a JSON object' },
  },
  run: ({ values, operands }, terminal) =>
    merge(
      operands.map((file) => fileName('a part', file)),
      values.json,
      terminal,
    ),
});

/** Returns the exit status: 1 where a run failed, or a part is missing. Throws a Problem. */
function merge(files: readonly string[], json: boolean, terminal: Terminal): number {
  const parts = files.map((name): NamedPart => {
    const part = readPart(readText('merge', name));
    if (typeof part === 'string') throw usage(`${name}: ${part}`);
    return { name, part };
  });
  const merged = mergeParts(parts);
  if (typeof merged === 'string') throw usage(merged);
  const { swarm, tally, missing } = merged;
  printSwarm(swarm, tally, json, terminal);
  const areMissing = missing.length === 1 ? 'a part is' : `${missing.length} parts are`;
  if (missing.length > 0) terminal.log(`cablepull: ${areMissing} missing: ${missing.join(', ')}`);
  return missing.length === 0 && tally.failures.length === 0 ? 0 : 1;
}
