/** The example of README with a server of one's own, run as it stands. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readText } from '../../support/files.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

it('passes', { timeout: 60_000 }, () => {
  const examples = readText(join(ROOT, 'README.md')).matchAll(/^```ts\n([\s\S]*?)^```/gm);
  const [example] = Array.from(examples, ([, code = '']) => code).filter((code) => code.includes('nodeProgram('));
  const place = mkdtempSync(join(ROOT, 'node_modules/.cablepull-readme-'));
  try {
    const ours = (example ?? '')
      .replaceAll(`'cablepull/vitest'`, `'${join(ROOT, 'sim/vitest/index.ts')}'`)
      .replaceAll(`'cablepull/sim'`, `'${join(ROOT, 'sim/index.ts')}'`);
    writeFileSync(join(place, 'readme.test.ts'), ours);
    writeFileSync(join(place, 'vitest.config.ts'), `export default { test: { include: ['**/*.test.ts'], exclude: [] } };\n`);
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const result = spawnSync(process.execPath, [vitest, 'run', '--root', place], { cwd: place, encoding: 'utf8' });
    expect(result.stdout).toMatch(/1 passed/);
    expect(result.status).toBe(0);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
});
