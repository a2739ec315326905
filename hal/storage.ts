/** Storage that survives a power loss: keys and bytes. */

export interface Storage {
  /** A copy of the value, with what was set but not yet committed; undefined when there is none. */
  get(key: string): Uint8Array | undefined;

  /** Sets a value, in RAM, until `commit`. The port copies it. */
  set(key: string, value: Uint8Array): void;

  /** Removes a key, in RAM, until `commit`. */
  delete(key: string): void;

  /**
   * Makes all that was set and deleted durable, all of it or nothing: whenever the power is cut, the
   * next boot finds every value as before this call or every value as after it. Gives 0, or ENOSPC or
   * EIO as `failure(errno)`; then what was set stays set in RAM, and a later commit may succeed.
   */
  commit(): number;
}

/** A key: 1 to 32 of lower-case letters, digits, `.`, `_` and `-`. A port throws on any other. */
export const STORAGE_KEY = /^[a-z0-9._-]{1,32}$/;

/** The longest value, in bytes. A port throws on a longer one. */
export const STORAGE_VALUE_MAX_BYTES = 4000;
