/** Checks of storage. The keys begin with `conformance.` and are removed at the end. */

import { STORAGE_VALUE_MAX_BYTES } from '../storage.ts';
import type { Storage } from '../storage.ts';
import { expect, expectEqual, expectResult, skip } from './check.ts';
import type { Definition, Stage } from './check.ts';

const KEY = 'conformance.a';
const OTHER_KEY = 'conformance.b-2_';

/** The storage without our keys, and without them again when the check is over. */
function fresh(stage: Stage): Storage {
  const { storage } = stage.tested.hal;
  const clean = () => {
    for (const key of [KEY, OTHER_KEY]) storage.delete(key);
    expectResult(storage.commit(), 0, 'commit');
  };
  clean();
  stage.cleanups.push(clean);
  return storage;
}

function expectValue(storage: Storage, key: string, wanted: readonly number[] | undefined, when: string): void {
  const value = storage.get(key);
  expectEqual(value && [...value].join(' '), wanted?.join(' '), `the value ${when}`);
}

function expectThrow(body: () => void, what: string): void {
  let threw = false;
  try {
    body();
  } catch {
    threw = true;
  }
  expect(threw, `${what} must throw`);
}

export const storageChecks: readonly Definition[] = [
  {
    name: 'storage: a value that was set is there at once, and a deleted one is not',
    *steps(stage) {
      const storage = fresh(stage);
      expectValue(storage, KEY, undefined, 'of a key never set');
      storage.set(KEY, Uint8Array.of(1, 2, 3));
      storage.set(OTHER_KEY, new Uint8Array(0));
      expectValue(storage, KEY, [1, 2, 3], 'after set');
      expectValue(storage, OTHER_KEY, [], 'after an empty value was set');
      storage.set(KEY, Uint8Array.of(4));
      expectValue(storage, KEY, [4], 'after a second set');
      storage.delete(KEY);
      storage.delete(KEY);
      expectValue(storage, KEY, undefined, 'after delete');
    },
  },
  {
    name: 'storage: values are copied, in and out',
    *steps(stage) {
      const storage = fresh(stage);
      const given = Uint8Array.of(1, 2, 3);
      storage.set(KEY, given);
      given.fill(9);
      expectValue(storage, KEY, [1, 2, 3], 'after the buffer given to set was changed');
      storage.get(KEY)?.fill(9);
      expectValue(storage, KEY, [1, 2, 3], 'after the buffer that get gave was changed');
    },
  },
  {
    name: 'storage: only what was committed is there after the next boot',
    *steps(stage) {
      const storage = fresh(stage);
      const reopen = stage.tested.reopenStorage;
      storage.set(KEY, Uint8Array.of(1));
      expectResult(storage.commit(), 0, 'commit');
      expectResult(storage.commit(), 0, 'a second commit');
      expectValue(storage, KEY, [1], 'after commit');
      storage.set(KEY, Uint8Array.of(2));
      storage.set(OTHER_KEY, Uint8Array.of(3));
      if (reopen === undefined) skip('reopenStorage is not given, so that nobody knows what the next boot finds');
      expectValue(reopen(), KEY, [1], 'after the next boot, when the new one was not committed,');
      expectValue(reopen(), OTHER_KEY, undefined, 'after the next boot, when it was not committed,');
      expectResult(storage.commit(), 0, 'commit');
      expectValue(reopen(), KEY, [2], 'after commit and the next boot');
      expectValue(reopen(), OTHER_KEY, [3], 'of the second key after commit and the next boot');
      storage.delete(KEY);
      expectResult(storage.commit(), 0, 'commit');
      expectValue(reopen(), KEY, undefined, 'after delete, commit and the next boot');
    },
  },
  {
    name: 'storage: the longest value fits; a longer one, or a key against the rule, throws',
    *steps(stage) {
      const storage = fresh(stage);
      const longest = new Uint8Array(STORAGE_VALUE_MAX_BYTES).fill(7);
      storage.set(KEY, longest);
      expectResult(storage.commit(), 0, 'commit');
      expect(storage.get(KEY)?.length === longest.length, 'the longest value did not come back whole');
      expectThrow(() => storage.set(KEY, new Uint8Array(STORAGE_VALUE_MAX_BYTES + 1)), 'a value that is too long');
      for (const key of ['', 'Upper', 'a b', 'ä', 'x'.repeat(33)]) {
        expectThrow(() => storage.set(key, longest), `set of the key "${key}"`);
        expectThrow(() => storage.get(key), `get of the key "${key}"`);
      }
    },
  },
];
