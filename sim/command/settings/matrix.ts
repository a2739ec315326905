/** What `cablepull matrix` is told. */

import { parseArgs } from 'node:util';
import { checkedWords, fileName, wholeNumber } from './words.ts';

export interface MatrixSettings {
  readonly seed: number;
  readonly json: boolean;
  /** The file that the page goes to. */
  readonly html: string | undefined;
}

const MATRIX_OPTIONS = {
  seed: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
  html: { type: 'string' },
} as const;

export function matrixSettings(args: readonly string[]): MatrixSettings {
  const { values } = parseArgs({ args: checkedWords('matrix', args, MATRIX_OPTIONS), options: MATRIX_OPTIONS });
  return { seed: wholeNumber('--seed', values.seed, 0, 2 ** 32 - 1), json: values.json, html: fileName('--html', values.html) };
}
