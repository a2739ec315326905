/** Connections that are over leave nothing behind. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('50,000 connects and closes', { timeout: 180_000 }, () => {
  const script = fileURLToPath(new URL('support/connects.ts', import.meta.url));
  const args = ['--expose-gc', '--import', 'tsx', script, '50000'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  const left = JSON.parse(stdout);
  // One listens.
  expect(left.handles).toBe(1);
  expect(left.bytesEach).toBeLessThan(5);
});
