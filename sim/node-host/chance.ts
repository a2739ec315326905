/** A program's random numbers follow from the seed of the simulation. */

import { Buffer } from 'node:buffer';
import { builtin } from './internals.ts';
import { forPrograms } from './owner.ts';
import type { Patches } from './patch.ts';
import type { SimulatedProcess } from './process.ts';

type Done = (error: null, result: unknown) => void;

function fill(process: SimulatedProcess, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += 4) {
    const word = process.hal.random.uint32();
    for (let i = at; i < at + 4 && i < bytes.length; i++) bytes[i] = word >>> (8 * (i - at));
  }
}

function bytesOf(view: unknown, offset: unknown = 0, size?: unknown): Uint8Array | undefined {
  const whole = ArrayBuffer.isView(view)
    ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    : view instanceof ArrayBuffer
      ? new Uint8Array(view)
      : undefined;
  const from = typeof offset === 'number' ? offset : 0;
  return whole?.subarray(from, typeof size === 'number' ? from + size : undefined);
}

function uuid(process: SimulatedProcess): string {
  const bytes = Buffer.alloc(16);
  fill(process, bytes);
  // RFC 9562 5.4: version 4, variant 10.
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** An answer at once, or by the callback, later. */
function answer(process: SimulatedProcess, result: unknown, done: unknown): unknown {
  if (typeof done !== 'function') return result;
  const callback = done as Done;
  process.later(() => callback(null, result));
  return undefined;
}

export function patchChance(patches: Patches): void {
  const simulate = (
    target: object,
    name: string,
    by: (process: SimulatedProcess, args: unknown[]) => unknown,
  ): void => {
    patches.replaceIfThere(target, name, forPrograms((process, args, original) => {
      const result = by(process, args);
      return result === NOT_OURS ? original(...args) : result;
    }));
  };
  simulate(Math, 'random', (process) => process.random());
  const crypto = builtin('crypto');
  const randomBytes = (process: SimulatedProcess, [size, done]: unknown[]): unknown => {
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > 2 ** 31 - 1) return NOT_OURS;
    const bytes = Buffer.alloc(size);
    fill(process, bytes);
    return answer(process, bytes, done);
  };
  simulate(crypto, 'randomBytes', randomBytes);
  simulate(crypto, 'pseudoRandomBytes', randomBytes);
  const randomFill = (process: SimulatedProcess, args: unknown[]): unknown => {
    const done = args.find((argument) => typeof argument === 'function');
    const bytes = bytesOf(args[0], args[1], args[2]);
    if (bytes === undefined) return NOT_OURS;
    fill(process, bytes);
    return answer(process, args[0], done);
  };
  simulate(crypto, 'randomFillSync', randomFill);
  simulate(crypto, 'randomFill', randomFill);
  simulate(crypto, 'getRandomValues', randomFill);
  simulate(crypto, 'randomUUID', uuid);
  simulate(crypto, 'randomInt', (process, args) => {
    const numbers = args.filter((argument) => typeof argument === 'number');
    const [min, max] = numbers.length > 1 ? numbers : [0, numbers[0]];
    if (
      min === undefined ||
      max === undefined ||
      !Number.isSafeInteger(min) ||
      !Number.isSafeInteger(max) ||
      max <= min
    )
      return NOT_OURS;
    return answer(
      process,
      min + Math.floor(process.random() * (max - min)),
      args.find((argument) => typeof argument === 'function'),
    );
  });
  const web: unknown = Reflect.get(globalThis, 'crypto');
  if (typeof web === 'object' && web !== null) {
    const prototype: object = Object.getPrototypeOf(web);
    simulate(prototype, 'getRandomValues', randomFill);
    simulate(prototype, 'randomUUID', uuid);
  }
}

const NOT_OURS = Symbol('not ours');
