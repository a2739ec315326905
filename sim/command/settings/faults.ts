/** What `cablepull faults` is told. */

import { parseArgs } from 'node:util';
import { checkedWords } from './words.ts';

export interface FaultsSettings {
  readonly json: boolean;
}

const FAULTS_OPTIONS = { json: { type: 'boolean', default: false } } as const;

export function faultsSettings(args: readonly string[]): FaultsSettings {
  const { values } = parseArgs({ args: checkedWords('faults', args, FAULTS_OPTIONS), options: FAULTS_OPTIONS });
  return { json: values.json };
}
