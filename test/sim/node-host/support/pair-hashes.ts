/** Prints a line for each pair of programs and each run of it: the hash of all that was sent and said. */

import { PAIRS, runPair } from './npm-pairs.ts';

const [, , fault = '', runs = '1', ...names] = process.argv;

for (let run = 0; run < Number(runs); run++) {
  for (const pair of PAIRS) {
    if (names.includes(pair.name)) console.log(`${pair.name} ${(await runPair(pair, fault)).hash}`);
  }
}
