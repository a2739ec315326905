/** Time that the command takes to start, compared with Node alone. */

import { fileURLToPath } from 'node:url';
import { runNode } from './cpu.ts';
import { figure, type Figure, type Round } from './figure.ts';
import type { Asked } from './part.ts';

export const CLI = fileURLToPath(new URL('../sim/cli.js', import.meta.url));

export async function startFigures({ all }: Asked): Promise<Figure[]> {
  const version: Round[] = [];
  const matrix: Round[] = [];
  for (let round = 0; round < (all ? 15 : 5); round++) {
    const floor = (await runNode(['-e', '0'])).wallMs;
    version.push({ measured: (await runNode([CLI, '--version'])).wallMs, floor });
    matrix.push({ measured: (await runNode([CLI])).wallMs, floor });
  }
  const note = 'floor: node -e 0';
  return [
    figure({ what: 'cablepull --version', unit: 'ms', budget: { of: 'excess', max: 150 }, note }, version),
    figure({ what: 'the matrix: 30 experiments', unit: 'ms', budget: { of: 'excess', max: 800 }, note }, matrix),
  ];
}
