/** What `cablepull merge` is told. */

import { parseArgs } from 'node:util';
import { checkedWords, fileName } from './words.ts';

export interface MergeSettings {
  readonly files: readonly string[];
  readonly json: boolean;
}

const MERGE_OPTIONS = { json: { type: 'boolean', default: false } } as const;

export function mergeSettings(args: readonly string[]): MergeSettings {
  const { values, positionals } = parseArgs({
    args: checkedWords('merge', args, MERGE_OPTIONS, 'the files that cablepull swarm --out has written'), options: MERGE_OPTIONS, allowPositionals: true,
  });
  return { files: positionals.map((file) => fileName('a part', file)), json: values.json };
}
