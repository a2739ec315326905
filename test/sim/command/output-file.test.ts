/** A file of results is whole or does not exist. A file of that name stays until the new one is whole. */

import { spawnSync } from 'node:child_process';
import {
  chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { OutputFile } from '../../../sim/command/output-file.ts';
import { readText } from '../../support/files.ts';

const OLD = 'what was there before';

let folder: string;
let path: string;
let failures: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cablepull-output-'));
  path = join(folder, 'out.html');
  failures = [];
});

afterEach(() => rmSync(folder, { recursive: true }));

const open = (): OutputFile => new OutputFile('--report', path, (sentence) => failures.push(sentence));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

it('has its name when all of it is written, not before', () => {
  writeFileSync(path, OLD);
  const file = open();
  file.write(bytes('x'.repeat(3 << 20)));
  expect(readText(path)).toBe(OLD);
  expect(file.close()).toBe(true);
  expect(readText(path)).toBe('x'.repeat(3 << 20));
  expect(readdirSync(folder)).toEqual(['out.html']);
  expect(failures).toEqual([]);
});

it('keeps the rights of the file that it replaces, and a link a link', () => {
  const target = join(folder, 'target.html');
  writeFileSync(target, OLD);
  chmodSync(target, 0o640);
  symlinkSync(target, path);
  const file = open();
  file.write(bytes('new'));
  file.close();
  expect(lstatSync(path).isSymbolicLink()).toBe(true);
  expect(readText(target)).toBe('new');
  expect(statSync(target).mode & 0o777).toBe(0o640);
});

it('of a process that ends too early leaves the old file, and no other file beside it', () => {
  writeFileSync(path, OLD);
  const { href } = new URL('../../../dist/sim/command/output-file.js', import.meta.url);
  const source = `const { OutputFile } = await import('${href}');
    new OutputFile('--report', '${path}', () => {}).write(new Uint8Array(3 << 20));
    process.exit(0);`;
  expect(spawnSync(process.execPath, ['--input-type=module', '--eval', source]).status).toBe(0);
  expect(readText(path)).toBe(OLD);
  expect(readdirSync(folder)).toEqual(['out.html']);
});

it('writes to a device file directly, and reports when that takes no more', () => {
  path = '/dev/full';
  const file = open();
  file.write(bytes('new'));
  expect(file.close()).toBe(false);
  expect(failures).toEqual(['--report: cannot write /dev/full: ENOSPC: no space left on device']);
});

it('that cannot be written is refused before the work', () => {
  mkdirSync(path);
  expect(open).toThrow(`--report: cannot write ${path}: EISDIR: illegal operation on a directory`);
  path = join(folder, 'no', 'such', 'folder.html');
  expect(open).toThrow(`--report: cannot write ${path}: ENOENT: no such file or directory`);
});
