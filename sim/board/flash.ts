/** A board's flash: storage that outlives its power, and the RAM in front of it, which does not. */

import { failure } from '../../hal/errno.ts';
import { checkStorageKey, checkStorageValue, type Storage } from '../../hal/storage.ts';
import type { Interrupts } from './interrupts.ts';

export class Flash {
  /** @internal What is durable; never changed, only replaced. */
  committed: ReadonlyMap<string, Uint8Array> = new Map();

  /** The storage of the boot that these interrupts go to. What it has not committed when that is over is lost. */
  storage(interrupts: Interrupts): Storage {
    return new BootStorage(this, interrupts);
  }
}

class BootStorage implements Storage {
  readonly #flash: Flash;
  readonly #interrupts: Interrupts;
  /** A copy of what is committed, with what was changed since; undefined where nothing was. */
  #changed: Map<string, Uint8Array> | undefined = undefined;

  constructor(flash: Flash, interrupts: Interrupts) {
    this.#flash = flash;
    this.#interrupts = interrupts;
  }

  get(key: string): Uint8Array | undefined {
    checkStorageKey(key);
    return (this.#changed ?? this.#flash.committed).get(key)?.slice();
  }

  set(key: string, value: Uint8Array): void {
    checkStorageKey(key);
    checkStorageValue(key, value);
    this.#copy().set(key, value.slice());
  }

  delete(key: string): void {
    checkStorageKey(key);
    this.#copy().delete(key);
  }

  commit(): number {
    if (this.#interrupts.off) return failure('EIO');
    this.#flash.committed = this.#changed ?? this.#flash.committed;
    this.#changed = undefined;
    return 0;
  }

  #copy(): Map<string, Uint8Array> {
    return (this.#changed ??= new Map(this.#flash.committed));
  }
}
