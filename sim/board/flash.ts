/** A board's flash: storage that outlives its power, and the RAM in front of it, which does not. */

import { failure } from '../../hal/errno.ts';
import { STORAGE_KEY, STORAGE_VALUE_MAX_BYTES, type Storage } from '../../hal/storage.ts';

export class Flash {
  #committed: ReadonlyMap<string, Uint8Array> = new Map();

  /** The storage of one boot. What it has not committed when `isOff` turns true is lost. */
  storage(isOff: () => boolean): Storage {
    let values = new Map(this.#committed);
    const check = (key: string): void => {
      if (!STORAGE_KEY.test(key)) throw new RangeError(`a storage key must be 1 to 32 of a-z, 0-9, '.', '_' and '-', not '${key}'`);
    };
    return {
      get: (key) => {
        check(key);
        return values.get(key)?.slice();
      },
      set: (key, value) => {
        check(key);
        if (value.length > STORAGE_VALUE_MAX_BYTES) {
          throw new RangeError(`a storage value must be at most ${STORAGE_VALUE_MAX_BYTES} bytes, not ${value.length}`);
        }
        values.set(key, value.slice());
      },
      delete: (key) => {
        check(key);
        values.delete(key);
      },
      commit: () => {
        if (isOff()) return failure('EIO');
        this.#committed = values;
        values = new Map(values);
        return 0;
      },
    };
  }
}
