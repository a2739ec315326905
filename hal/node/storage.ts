/**
 * Storage in one file that survives a kill at any point. A commit writes all values to a second file, syncs it, renames
 * it over the first and syncs the directory: a rename is atomic (POSIX rename), so the file is always a whole old or a
 * whole new one. A second file that was left behind is overwritten by the next commit.
 *
 * The file is one line `cablepull-storage 1 <SHA-256 of the rest>`, then JSON: key to value in base64.
 * One process at a time may use a file.
 */

import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { failure } from '../errno.ts';
import { checkStorageKey, checkStorageValue } from '../storage.ts';
import type { Storage } from '../storage.ts';
import { errnoOfError } from './errno.ts';

const MAGIC = 'cablepull-storage 1';

/**
 * Opens the storage in the file `path`; a file that is not there is an empty storage. Throws when the file is damaged.
 */
export function fileStorage(path: string): Storage {
  if (!existsSync(dirname(path))) {
    throw new Error(`The storage file ${path} cannot be made: its directory does not exist.`);
  }
  const values = load(path);
  let changed = false;

  return {
    get(key) {
      checkStorageKey(key);
      return values.get(key)?.slice();
    },
    set(key, value) {
      checkStorageKey(key);
      checkStorageValue(key, value);
      values.set(key, value.slice());
      changed = true;
    },
    delete(key) {
      checkStorageKey(key);
      changed = values.delete(key) || changed;
    },
    commit() {
      if (!changed) return 0;
      try {
        replace(path, encode(values));
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        return failure(errnoOfError(error) === 'ENOSPC' ? 'ENOSPC' : 'EIO');
      }
      changed = false;
      return 0;
    },
  };
}

function encode(values: ReadonlyMap<string, Uint8Array>): string {
  const texts = [...values].map(([key, value]) => [key, Buffer.from(value).toString('base64')] as const);
  const body = JSON.stringify(Object.fromEntries(texts));
  return `${MAGIC} ${checksum(body)}\n${body}`;
}

function checksum(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}

function load(path: string): Map<string, Uint8Array> {
  const values = new Map<string, Uint8Array>();
  if (!existsSync(path)) return values;
  const text = readFileSync(path, 'utf8');
  const lineEnd = text.indexOf('\n');
  const body = text.slice(lineEnd + 1);
  if (lineEnd < 0 || text.slice(0, lineEnd) !== `${MAGIC} ${checksum(body)}`) {
    throw new Error(
      `The storage file ${path} is damaged: its first line must be "${MAGIC}" and the SHA-256 of the rest. ` +
        'Put a good copy in its place, or delete it to start with an empty storage.',
    );
  }
  const parsed: unknown = JSON.parse(body);
  for (const [key, value] of Object.entries(parsed ?? {})) {
    if (typeof value === 'string') values.set(key, new Uint8Array(Buffer.from(value, 'base64')));
  }
  return values;
}

/** Puts `text` in the place of the file, durably. */
function replace(path: string, text: string): void {
  const next = `${path}.next`;
  const file = openSync(next, 'w');
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(next, path);
  // The rename itself is durable once the directory is (fsync(2)). Windows cannot sync a directory, nor need it be.
  if (process.platform === 'win32') return;
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
