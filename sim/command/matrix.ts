/** `cablepull`, `cablepull matrix`: faults against policies. */

import { matrix } from '../matrix/matrix.ts';
import { matrixText } from '../matrix/text.ts';
import type { MatrixSettings } from './settings/matrix.ts';
import type { Terminal } from './terminal.ts';

export async function showMatrix({ seed, json }: MatrixSettings, terminal: Terminal): Promise<number> {
  const found = await matrix({ seed });
  terminal.print(json ? JSON.stringify(found) : matrixText(found));
  return 0;
}
