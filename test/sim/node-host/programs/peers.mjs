/** The packages of npm that these programs are about, from where .ci/run has put them. */

import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = process.env.CABLEPULL_PEERS ?? join(tmpdir(), 'cablepull-peers');

/** `require`, as a program in that folder would have it. */
export const peer = createRequire(join(folder, 'program.js'));
