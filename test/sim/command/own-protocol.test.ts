/** A protocol of the user's own, from a file: the example of sim/README.md, as it stands there. */

import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { TraceEvent } from '../../../sim/trace/trace.ts';
import { readText } from '../../support/files.ts';
import { type Ended, Program } from '../../support/process.ts';
import { CLI, killAll } from './cablepull.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'cablepull-protocol-'));
const FILE = join(folder, 'thermometer.ts');

/** Node before 22.18 needs tsx to load TypeScript. Later versions of Node load it themselves. */
const TYPES = Reflect.get(process.features, 'typescript') ? [] : ['--import', 'tsx'];

beforeAll(() => {
  const [code] = Array.from(
    readText(join(ROOT, 'sim/README.md')).matchAll(/^```ts\n(\/\*\* A thermometer[\s\S]*?)^```/gm),
    ([, text]) => text ?? '',
  );
  writeFileSync(FILE, code ?? '');
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules', 'cablepull'));
});

afterEach(killAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function ended(nodeOptions: readonly string[], ...args: readonly string[]): Promise<Ended> {
  return new Program(process.execPath, [...nodeOptions, CLI, ...args]).ended();
}

it('runs, has verdicts, and takes --beat', async () => {
  const args = [
    '--protocol',
    FILE,
    '--beat',
    '2s',
    '--devices',
    '2',
    '--fault',
    'cable-pull on dev-1 at 30s for 40s',
    '--json',
  ];
  const { status, stdout, stderr } = await ended(TYPES, 'run', ...args);
  expect(stderr).toContain('2 devices (thermometer) against our own server');
  expect(status).toBe(0);
  const lines = stdout.trim().split('\n').map((line): unknown => JSON.parse(line));
  expect(lines.at(-1)).toMatchObject({
    kind: 'report',
    devices: { connected: 2 },
    verdicts: [
      { device: 'dev-1', fault: 'cable-pull', deviceNoticed: { by: 'missed-beats' }, serverNoticed: { by: 'silent' } },
    ],
  });
  const sentMs = (lines as TraceEvent[]).flatMap((event) => {
    return event.source === 'device' && event.device === 'dev-2' && event.kind === 'data-sent'
      ? [Math.round(event.atMs / 100) / 10]
      : [];
  });
  expect(sentMs.slice(0, 4).map((s) => s - (sentMs[0] ?? 0))).toEqual([0, 2, 4, 6]);
});

it('is refused in a sentence if the file has no protocol, does not exist, or cannot be loaded', async () => {
  writeFileSync(join(folder, 'empty.js'), 'export default { device: {} };');
  writeFileSync(join(folder, 'broken.js'), "import 'there-is-no-such-package';");
  const sentences = await Promise.all(['empty.js', 'broken.js', 'missing.js'].map(async (file) => {
    const { status, stderr, stdout } = await ended([], 'run', '--protocol', join(folder, file));
    expect([status, stdout]).toEqual([2, '']);
    return stderr.replaceAll(folder, '.');
  }));
  expect(sentences).toEqual([
    'cablepull: --protocol ./empty.js: its default export must be a protocol, { device, server } (see sim/README.md)\n',
    expect.stringMatching(/^cablepull: --protocol .\/broken.js: Cannot find package 'there-is-no-such-package'.*\n$/),
    'cablepull: --protocol: there is no file ./missing.js\n',
  ]);
});

it('in TypeScript, on a Node that cannot load it, is refused with advice', async () => {
  const off = TYPES.length > 0 ? [] : ['--no-experimental-strip-types'];
  copyFileSync(FILE, join(folder, 'other.ts'));
  const { status, stderr } = await ended(off, 'run', '--protocol', join(folder, 'other.ts'));
  expect(stderr).toMatch(
    /this Node, v[\d.]+, does not load TypeScript: use Node 22.18 or later, or set NODE_OPTIONS='--import tsx'/,
  );
  expect(status).toBe(2);
});

it('refuses an option that it does not have', async () => {
  const { status, stderr } = await ended(TYPES, 'run', '--protocol', FILE, '--missed-limit', '4');
  expect(stderr).toBe('cablepull: --missed-limit has no effect with --protocol thermometer\n');
  expect(status).toBe(2);
});
