/** Packages of npm that tests speak with, and run: not this project's own, but where .ci/run puts them. */

import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';

/** Folder of the packages. CABLEPULL_PEERS names another. */
export const PEERS = process.env['CABLEPULL_PEERS'] ?? join(tmpdir(), 'cablepull-peers');

export function peerFolder(name: string): string {
  return join(PEERS, 'node_modules', name);
}

/** Skips a test that needs the packages where they are missing. Call it first in the test. */
export function needsPeers(context: TestContext, ...names: readonly string[]): void {
  const missing = names.filter((name) => !existsSync(peerFolder(name)));
  context.skip(missing.length > 0, `not installed: npm install --prefix ${PEERS} ${missing.join(' ')}`);
}
