/** The versions of Node to run tests on: the one that runs this, and those in the folders that .ci/run has filled. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PEERS } from '../../../support/npm-peers.ts';

const OTHERS = [20, 22, 24, 26].map((version) => ({
  version: String(version),
  // The package `node`, installed as `node24`.
  node: join(PEERS, 'node_modules', `node${version}`, 'bin', 'node'),
}));

export const NODES: readonly { readonly version: string; readonly node: string }[] = [
  { version: process.versions.node, node: process.execPath },
  ...OTHERS.filter(({ node }) => existsSync(node)),
];
