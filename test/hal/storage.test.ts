/** Storage in a file survives a kill at any point, and refuses a file that is damaged. */

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { failure } from '../../hal/index.ts';
import { fileStorage } from '../../hal/node/index.ts';
import { temporaryFolder } from './subject.ts';

const { folder, remove } = temporaryFolder();
afterAll(remove);

const WRITER = fileURLToPath(new URL('storage-writer.ts', import.meta.url));

interface Run {
  readonly signal: NodeJS.Signals | null;
  /** The last value that the writer printed as durable. */
  readonly durable: number;
}

/** Runs the writer until it ends, and kills it once `killAfter` values are durable. */
function write(file: string, args: readonly string[] = [], killAfter = Infinity): Promise<Run> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', WRITER, file, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout.on('data', (text) => {
      printed += String(text);
      if (printed.split('\n').length > killAfter) child.kill('SIGKILL');
    });
    child.on('close', (_code, signal) => resolve({ signal, durable: Number(printed.trimEnd().split('\n').at(-1)) }));
  });
}

/** The value of both keys, which must be the same. */
function committed(file: string): number {
  const storage = fileStorage(file);
  const [a, b] = ['a', 'b'].map((key) => {
    const bytes = storage.get(key);
    return bytes === undefined ? 0 : new DataView(bytes.buffer).getUint32(0, true);
  });
  expect(a).toBe(b);
  return a ?? NaN;
}

describe(
  'a process that is killed while it commits leaves the old values whole or the new ones',
  { timeout: 30_000 },
  () => {
    const steps = [
      'open',
      'half of the write',
      'fsync',
      'close',
      'rename',
      'open of the folder',
      'its fsync',
      'its close',
    ];
    for (const [index, step] of [...steps, 'nothing: the commit is over'].entries()) {
      test.concurrent(`killed at ${step}`, async () => {
        const file = join(folder, `step-${index}`);
        const { signal } = await write(file, [String(index + 1)]);
        expect(signal).toBe(index < steps.length ? 'SIGKILL' : null);
        // The rename is the moment at which the new values exist.
        expect(committed(file)).toBe(index <= steps.indexOf('rename') ? 1 : 2);
        // The file that the killed process left behind does no harm.
        const storage = fileStorage(file);
        storage.set('a', Uint8Array.of(9));
        expect(storage.commit()).toBe(0);
        expect(fileStorage(file).get('a')).toEqual(Uint8Array.of(9));
        expect(readdirSync(folder)).not.toContain(`step-${index}.next`);
      });
    }

    for (const killAfter of [1, 7, 20, 55]) {
      test.concurrent(`killed from outside, some time after ${killAfter} commits`, async () => {
        const file = join(folder, `outside-${killAfter}`);
        const { signal, durable } = await write(file, [], killAfter);
        expect(signal).toBe('SIGKILL');
        expect(durable).toBeGreaterThanOrEqual(killAfter);
        // The commit after the last one that was printed may be durable as well.
        expect([durable, durable + 1]).toContain(committed(file));
      });
    }
  },
);

describe('a damaged file is refused by name', () => {
  const good = join(folder, 'good');
  const storage = fileStorage(good);
  storage.set('boot-count', Uint8Array.of(1, 2, 3));
  storage.commit();
  const text = readFileSync(good, 'utf8');

  for (const [what, damaged] of [
    ['cut short', text.slice(0, -4)],
    ['empty', ''],
    ['one character changed', text.replace('AQID', 'AQIE')],
    ['another file altogether', 'hello\nworld\n'],
    ['a later version', text.replace('cablepull-storage 1', 'cablepull-storage 2')],
  ] as const) {
    test(what, () => {
      const file = join(folder, 'damaged');
      writeFileSync(file, damaged);
      expect(damaged).not.toBe(text);
      expect(() => fileStorage(file)).toThrow(`The storage file ${file} is damaged`);
      expect(readFileSync(file, 'utf8')).toBe(damaged);
    });
  }

  test('the undamaged file is read', () => {
    expect(fileStorage(good).get('boot-count')).toEqual(Uint8Array.of(1, 2, 3));
  });
});

test('a folder that does not exist is refused when the storage is opened', () => {
  expect(() => fileStorage(join(folder, 'nowhere', 'flash'))).toThrow('its directory does not exist');
});

test('a commit that fails keeps the values in RAM, and a later one makes them durable', () => {
  const inner = join(folder, 'unplugged');
  mkdirSync(inner);
  const file = join(inner, 'flash');
  const storage = fileStorage(file);
  storage.set('a', Uint8Array.of(1));
  rmSync(inner, { recursive: true });
  expect(storage.commit()).toBe(failure('EIO'));
  expect(storage.get('a')).toEqual(Uint8Array.of(1));
  mkdirSync(inner);
  expect(storage.commit()).toBe(0);
  expect(fileStorage(file).get('a')).toEqual(Uint8Array.of(1));
});
