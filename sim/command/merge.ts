/** `cablepull merge`: the parts of a swarm, put together to the report that one process would have printed. */

import { mergeParts, type NamedPart, readPart } from '../swarm/part.ts';
import type { MergeSettings } from './settings/merge.ts';
import { readText, usage } from './settings/words.ts';
import { printSwarm } from './swarm.ts';
import type { Terminal } from './terminal.ts';

/** Gives the exit status: 1 where a run failed, or a part is missing. Throws a Problem. */
export function merge({ files, json }: MergeSettings, terminal: Terminal): number {
  const parts = files.map((name): NamedPart => {
    const part = readPart(readText('merge', name));
    if (typeof part === 'string') throw usage(`${name}: ${part}`);
    return { name, part };
  });
  const merged = mergeParts(parts);
  if (typeof merged === 'string') throw usage(merged);
  const { swarm, tally, missing } = merged;
  printSwarm(swarm, tally, json, terminal);
  if (missing.length > 0) terminal.log(`cablepull: ${missing.length === 1 ? 'a part is' : `${missing.length} parts are`} missing: ${missing.join(', ')}`);
  return missing.length === 0 && tally.failures.length === 0 ? 0 : 1;
}
