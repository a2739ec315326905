/**
 * A process that commits to a storage file and is killed while it does; run by storage.test.ts.
 *
 *     storage-writer.ts FILE STEP    kills itself at that call into the file system of its second commit
 *     storage-writer.ts FILE         commits 1, 2, 3, ... under two keys, prints each that is durable, until
 *                                    it is killed
 */

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const [, , file = '', step] = process.argv;
let callsLeft = Infinity;

/** Counts the call, and does not return from the last one. */
function call(lastWords = () => {}): void {
  callsLeft -= 1;
  if (callsLeft > 0) return;
  lastWords();
  process.kill(process.pid, 'SIGKILL');
}

const { openSync, writeFileSync, fsyncSync, closeSync, renameSync } = fs;
fs.openSync = (...args) => (call(), openSync(...args));
fs.fsyncSync = (...args) => (call(), fsyncSync(...args));
fs.closeSync = (...args) => (call(), closeSync(...args));
fs.renameSync = (...args) => (call(), renameSync(...args));
fs.writeFileSync = (target, text, options) => {
  call(() => writeFileSync(target, String(text).slice(0, 100), options));
  writeFileSync(target, text, options);
};
syncBuiltinESMExports();

const { fileStorage } = await import('../../hal/node/storage.ts');
const storage = fileStorage(file);

function commit(value: number): void {
  for (const key of ['a', 'b']) storage.set(key, new Uint8Array(Uint32Array.of(value).buffer));
  if (storage.commit() !== 0) throw new Error('commit failed');
}

if (step === undefined) {
  for (let value = 1; ; value += 1) {
    commit(value);
    fs.writeSync(1, `${value}\n`);
  }
} else {
  commit(1);
  callsLeft = Number(step);
  commit(2);
}
