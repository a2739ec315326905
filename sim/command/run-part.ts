/** File format of the part of a run that one of several processes has simulated. */

import { createHash } from 'node:crypto';
import type { Shard } from '../swarm/part.ts';
import type { RunWords } from './block-worker.ts';
import type { BlockResult } from './run-block.ts';

export const RUN_PART_FORMAT = 'cablepull-run-part';
export const RUN_PART_VERSION = 2;

export interface RunPart {
  readonly words: RunWords;
  readonly shard: Shard;
  readonly result: BlockResult;
}

/** Returns two lines: the run and the part, with a checksum of the second line; then the result. */
export function runPartText({ words, shard, result }: RunPart): string {
  const { findings } = result;
  const body = JSON.stringify({
    ...result, findings: { ...findings, unexplainedLosses: [...findings.unexplainedLosses] },
  });
  const head = { format: RUN_PART_FORMAT, version: RUN_PART_VERSION, words, shard, check: checkOf(words, shard, body) };
  return `${JSON.stringify(head)}\n${body}\n`;
}

/** Reads a part. Returns undefined if the text is no part at all, and a sentence if the part is damaged. */
export function readRunPart(text: string): RunPart | string | undefined {
  const end = text.indexOf('\n');
  const head = parsed(text.slice(0, end));
  if (head?.['format'] !== RUN_PART_FORMAT) return undefined;
  if (head['version'] !== RUN_PART_VERSION) {
    return `it has version ${String(head['version'])} of the format; this cablepull reads version ${RUN_PART_VERSION}`;
  }
  const body = text.slice(end + 1).trimEnd();
  if (head['check'] !== checkOf(head['words'], head['shard'], body)) {
    return 'it is incomplete or was changed: its checksum is wrong';
  }
  // With a correct checksum the text is one that runPartText has written.
  const { words, shard }: Pick<RunPart, 'words' | 'shard'> = JSON.parse(text.slice(0, end));
  const result: Stored = JSON.parse(body);
  const { findings } = result;
  return {
    words, shard,
    result: { ...result, findings: { ...findings, unexplainedLosses: new Map(findings.unexplainedLosses) } },
  };
}

type Stored = Omit<BlockResult, 'findings'> & {
  readonly findings: Omit<BlockResult['findings'], 'unexplainedLosses'> & {
    readonly unexplainedLosses: readonly (readonly [string, number])[];
  };
};

function checkOf(words: unknown, shard: unknown, body: string): string {
  return createHash('sha256').update(JSON.stringify([words, shard])).update(body).digest('hex');
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
