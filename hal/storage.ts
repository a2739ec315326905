/** Storage that survives a power loss: keys and bytes. */

export interface Storage {
  /** A copy of the value, with what was set but not yet committed; undefined when there is none. */
  get(key: string): Uint8Array | undefined;

  /** Sets a value, in RAM, until `commit`. The port copies it. */
  set(key: string, value: Uint8Array): void;

  /** Removes a key, in RAM, until `commit`. */
  delete(key: string): void;

  /**
   * Makes everything that was set and deleted durable, all of it or nothing. Whenever the power fails, the next boot
   * finds either every value from before this call or every value from after it. Returns 0, or ENOSPC or EIO as
   * `failure(errno)`; in that case the changes stay in RAM, and a later commit may succeed.
   */
  commit(): number;
}

/** A key: 1 to 32 of lower-case letters, digits, `.`, `_` and `-`. A port throws on any other. */
export const STORAGE_KEY = /^[a-z0-9._-]{1,32}$/;

/** The longest value, in bytes. A port throws on a longer one. */
export const STORAGE_VALUE_MAX_BYTES = 4000;

/** Throws, with a sentence, if `key` is not a valid key. For ports. */
export function checkStorageKey(key: string): void {
  if (!STORAGE_KEY.test(key)) {
    throw new RangeError(`Storage key "${key}": must be 1 to 32 of lower-case letters, digits, ".", "_" and "-".`);
  }
}

/** Throws, with a sentence, if the value is too long. For ports. */
export function checkStorageValue(key: string, value: Uint8Array): void {
  if (value.length > STORAGE_VALUE_MAX_BYTES) {
    throw new RangeError(
      `Storage value of "${key}": ${value.length} bytes, but at most ${STORAGE_VALUE_MAX_BYTES} fit.`,
    );
  }
}
