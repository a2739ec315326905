/** `cablepull`, `cablepull matrix`: faults against policies. */

import { matrix } from '../matrix/matrix.ts';
import { matrixPage } from '../matrix/page.ts';
import { matrixText } from '../matrix/text.ts';
import { OutputFile } from './output-file.ts';
import type { MatrixSettings } from './settings/matrix.ts';
import type { Terminal } from './terminal.ts';

export async function showMatrix({ seed, json, html }: MatrixSettings, terminal: Terminal): Promise<number> {
  const file = html === undefined ? undefined : new OutputFile('--html', html, (sentence) => terminal.log(`cablepull: ${sentence}`));
  const found = await matrix({ seed });
  terminal.print(json ? JSON.stringify(found) : matrixText(found));
  file?.write(new TextEncoder().encode(matrixPage(found)));
  return (file?.close() ?? true) ? 0 : 1;
}
