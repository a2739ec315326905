/** Replacing what Node has, and putting it back. */

import { unusable } from './unusable.ts';

/** The properties that were replaced. They are restored in reverse order. */
export class Patches {
  readonly #undo: (() => void)[] = [];

  /** Puts `make(original)` in the place of `target[key]`. */
  replace(target: object, key: string | symbol, make: (original: Callable) => unknown): void {
    const before = Object.getOwnPropertyDescriptor(target, key);
    const original: unknown = Reflect.get(target, key);
    if (!isFunction(original)) throw unusable(`it has no ${String(key)} where it was looked for`);
    const value = make(asCallable(original));
    Object.defineProperty(target, key, {
      value,
      writable: true,
      configurable: true,
      enumerable: before?.enumerable ?? true,
    });
    this.#undo.push(() => {
      if (before === undefined) Reflect.deleteProperty(target, key);
      else Object.defineProperty(target, key, before);
    });
  }

  /** Replaces a function if it exists, because Node's versions differ. */
  replaceIfThere(target: object, key: string | symbol, make: (original: Callable) => unknown): void {
    if (
      Object.getOwnPropertyDescriptor(target, key)?.configurable !== false &&
      typeof Reflect.get(target, key) === 'function'
    )
      this.replace(target, key, make);
  }

  add(undo: () => void): void {
    this.#undo.push(undo);
  }

  undo(): void {
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) undo();
  }
}

export type Callable = (this: unknown, ...args: unknown[]) => unknown;

function asCallable(original: (...args: never[]) => unknown): Callable {
  return function (this: unknown, ...args: unknown[]) {
    return Reflect.apply(original, this, args);
  };
}

function isFunction(value: unknown): value is (...args: never[]) => unknown {
  return typeof value === 'function';
}
