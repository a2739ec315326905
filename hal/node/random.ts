/** Random numbers from the host's generator, drawn in blocks because each draw from the host is a system call. */

import { randomFillSync } from 'node:crypto';
import type { Random } from '../random.ts';

const block = new Uint32Array(256);
let used = block.length;

export const nodeRandom: Random = {
  uint32() {
    if (used === block.length) {
      randomFillSync(block);
      used = 0;
    }
    const value = block[used] ?? 0;
    used += 1;
    return value;
  },
};
