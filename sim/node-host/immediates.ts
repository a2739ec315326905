/** A program's immediates run in a turn of Node's own loop, in their process. */

import { enter, owner } from './owner.ts';

interface NodeImmediate {
  _onImmediate: ((...args: unknown[]) => void) | null | undefined;
  [DESTROYED]?: boolean;
  [DONE]?: (() => void) | undefined;
}

const DESTROYED = Symbol('cablepull destroyed');
const DONE = Symbol('cablepull done');

const sample = setImmediate(() => undefined);
clearImmediate(sample);
const prototype: object = Object.getPrototypeOf(sample);

/**
 * Catches every immediate that a program makes, by the `_destroyed` that Node sets when it is made and when it is
 * over.
 */
export function hookImmediates(): () => void {
  Object.defineProperty(prototype, '_destroyed', {
    configurable: true,
    get(this: NodeImmediate) {
      return this[DESTROYED];
    },
    set(this: NodeImmediate, isDestroyed: boolean) {
      const isNew = this[DESTROYED] === undefined;
      this[DESTROYED] = isDestroyed;
      if (isDestroyed) this[DONE]?.();
      if (!isNew || isDestroyed) return;
      const process = owner();
      const callback = this._onImmediate;
      if (process === undefined || !callback) return;
      process.immediates++;
      this[DONE] = () => {
        this[DONE] = undefined;
        process.immediates--;
      };
      this._onImmediate = (...args) => {
        if (!process.isOver) enter(process, () => callback.apply(this, args));
      };
    },
  });
  return () => void Reflect.deleteProperty(prototype, '_destroyed');
}
