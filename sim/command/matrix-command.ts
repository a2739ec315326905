/** `cablepull`, `cablepull matrix`: faults against policies. */

import { matrix } from '../matrix/matrix.ts';
import { matrixPage } from '../matrix/page.ts';
import { matrixText } from '../matrix/text.ts';
import { defineCommand } from './command.ts';
import { OutputFile } from './output-file.ts';
import type { Terminal } from './terminal.ts';
import { fileName, seedOf } from './values.ts';

export const matrixCommand = defineCommand({
  name: 'matrix',
  summary: 'which fault is noticed by which policy, when, and why; also what plain `cablepull` prints',
  about: 'faults against detection policies, each cell an experiment in virtual time',
  options: {
    html: { type: 'string', value: 'out.html', help: 'the same as a page' },
    json: { type: 'boolean', default: false, help: 'the same for machines' },
    seed: { type: 'string', value: '7', default: '1', help: 'of what is left to chance (1)' },
  },
  run: ({ values }, terminal) =>
    showMatrix(seedOf(values.seed), values.json, fileName('--html', values.html), terminal),
});

async function showMatrix(seed: number, json: boolean, html: string | undefined, terminal: Terminal): Promise<number> {
  const warn = (sentence: string): void => terminal.log(`cablepull: ${sentence}`);
  const file = html === undefined ? undefined : new OutputFile('--html', html, warn);
  const found = await matrix({ seed });
  if (json) terminal.printJson(found);
  else terminal.print(matrixText(found));
  file?.write(new TextEncoder().encode(matrixPage(found)));
  return (file?.close() ?? true) ? 0 : 1;
}
