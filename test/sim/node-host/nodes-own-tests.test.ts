/**
 * Node's own tests of net, http and timers, run on a simulated host. They are not ours, and not here: the folder of
 * Node's sources that has them is named by CABLEPULL_NODE_TESTS, such as the `test` of a checkout of the version that
 * runs this. CABLEPULL_NODE_BINARY is another Node to run them on.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readText } from '../../support/files.ts';
import { NODES_OWN_TESTS } from './support/nodes-own-tests.ts';

const folder = process.env['CABLEPULL_NODE_TESTS'];
const RUNNER = fileURLToPath(new URL('support/run-node-test.ts', import.meta.url));

describe.skipIf(folder === undefined)("Node's own tests (CABLEPULL_NODE_TESTS names their folder)", () => {
  for (const name of NODES_OWN_TESTS) {
    const files = ['js', 'mjs'].map((ending) => resolve(folder ?? '', 'parallel', `test-${name}.${ending}`));
    const file = files.find(existsSync) ?? '';
    it.skipIf(file === '')(name, () => {
      const node = process.env['CABLEPULL_NODE_BINARY'] ?? process.execPath;
      const flags = /^\/\/ Flags: (.*)$/m.exec(readText(file))?.[1]?.split(' ') ?? [];
      const result = spawnSync(node, [...new Set(['--no-warnings', ...flags]), '--import', 'tsx', RUNNER, file], {
        encoding: 'utf8',
        timeout: 20_000,
      });
      expect(result.status === 0 ? '' : result.stderr).toBe('');
    });
  }
});
