/**
 * Requests of a program that Node can serve in real time only: files, compression, cryptography. While such a request
 * runs, virtual time stands still. The answer comes to the process that asked.
 */

import { createHook } from 'node:async_hooks';
import { builtin } from './internals.ts';
import { asNobody, enterReal, leaveReal, owner } from './owner.ts';
import type { Callable, Patches } from './patch.ts';
import type { SimulatedProcess } from './process.ts';
import { unusable } from './unusable.ts';

/** The types of requests that end in real time (src/async_wrap.h, node::AsyncWrap::ProviderType). */
const REAL = /^(FSREQ(CALLBACK|PROMISE)|FILEHANDLECLOSEREQ|DIRHANDLE|BLOBREADER|(?!HTTP|QUIC|SIGINT)[A-Z0-9]+REQUEST)$/;

/** The requests that wait for their answers. */
const pending = new Map<number, SimulatedProcess>();

const begun = createHook({
  init(asyncId, type, _, resource) {
    const process = owner();
    if (process === undefined) return;
    if (type === 'TLSWRAP' || type === 'HTTP2SESSION') {
      process.hasNativeWork = true;
      return;
    }
    if (!REAL.test(type) && !(type === 'MESSAGEPORT' && isQuestionOfLoader())) return;
    pending.set(asyncId, process);
    if (type.endsWith('REQUEST')) watchJob(asyncId, resource);
    hold(process);
  },
});

/** The jobs of node:crypto that wait for their results, by the native object. */
const jobs = new WeakMap<object, number>();

/** Replaces `run` of the class of such a job, which only its objects lead to, in the present run. */
let watchRun: (prototype: object) => void = () => {};

/**
 * A job is made for a call of the kind of `pbkdf2Sync`, too. Nothing tells of its end but its `run`, which returns the
 * result there, and undefined or a promise where the result comes later (src/crypto/crypto_util.h, CryptoJob::Run).
 */
function watchJob(asyncId: number, job: object): void {
  jobs.set(job, asyncId);
  watchRun(Object.getPrototypeOf(job));
}

function runJob(original: Callable): Callable {
  return function (this: unknown, ...args: unknown[]) {
    let isOver = true;
    try {
      const result = original.apply(this, args);
      isOver = Array.isArray(result);
      return result;
    } finally {
      const asyncId = typeof this === 'object' && this !== null ? jobs.get(this) : undefined;
      if (isOver && asyncId !== undefined) forget(asyncId);
    }
  };
}

/** Virtual time stands still until `process.realRequests` is less by one. */
function hold(process: SimulatedProcess): void {
  process.realRequests++;
  // At once: the answer may come before our next turn.
  waitForAnswers(true);
  process.surroundings.turn();
}

/** Virtual time stands still until a promise that comes in real time is settled, and who waits for it has gone on. */
export function holdFor(process: SimulatedProcess, promise: Promise<unknown>): void {
  hold(process);
  const settled = (): void => asNobody(() => void setImmediate(() => void process.realRequests--));
  promise.then(settled, settled);
}

let isAnswerersPort = false;

/**
 * Returns whether a message port that is being made is where the module loader hears from its hooks. These have a
 * thread of their own if somebody has called `module.register`: on Node 20 this room itself, on others tsx. There is a
 * channel for each question (lib/internal/modules/esm/hooks.js, makeAsyncRequest): the second port goes to the thread,
 * and the first is closed when the answer has come.
 */
function isQuestionOfLoader(): boolean {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 10;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  if (!stack.includes('makeAsyncRequest')) return false;
  isAnswerersPort = !isAnswerersPort;
  return isAnswerersPort;
}

const answered = createHook({
  before(asyncId) {
    const process = pending.get(asyncId);
    if (process !== undefined) enterReal(process);
  },
  after(asyncId) {
    if (!pending.has(asyncId)) return;
    forget(asyncId);
    leaveReal();
  },
  destroy: forget,
});
let isWaiting = false;

function forget(asyncId: number): void {
  const process = pending.get(asyncId);
  if (process === undefined) return;
  pending.delete(asyncId);
  process.realRequests--;
}

/** Hears of answers: only while somebody waits, as Node is slow with it. */
export function waitForAnswers(on: boolean): void {
  if (on === isWaiting) return;
  isWaiting = on;
  if (on) answered.enable();
  else answered.disable();
}

export function hasRealWork(): boolean {
  return pending.size > 0;
}

export function patchRealWork(patches: Patches): void {
  begun.enable();
  const watched = new Set<object>();
  watchRun = (prototype) => {
    if (watched.has(prototype)) return;
    watched.add(prototype);
    patches.replaceIfThere(prototype, 'run', runJob);
  };
  patches.add(() => {
    waitForAnswers(false);
    begun.disable();
    // A run that was ended early does not wait for the answers.
    for (const asyncId of [...pending.keys()]) forget(asyncId);
  });
  compileAtOnce(patches);
  compressAtOnce(patches);
}

/** fetch compiles its parser, and Node 20 makes it run, on threads that nothing tells of. */
function compileAtOnce(patches: Patches): void {
  const assembly: unknown = Reflect.get(globalThis, 'WebAssembly');
  if (typeof assembly !== 'object' || assembly === null) return;
  const module = (source: unknown): object => Reflect.construct(functionOf(assembly, 'Module'), [source]);
  const instance = (...args: unknown[]): object => Reflect.construct(functionOf(assembly, 'Instance'), args);
  patches.replace(assembly, 'compile', (original) => async (source: unknown) => {
    return owner() === undefined ? original.call(assembly, source) : module(source);
  });
  patches.replace(assembly, 'instantiate', (original) => async (source: unknown, ...rest: unknown[]) => {
    if (owner() === undefined) return original.call(assembly, source, ...rest);
    if (source instanceof functionOf(assembly, 'Module')) return instance(source, ...rest);
    const compiled = module(source);
    return { module: compiled, instance: instance(compiled, ...rest) };
  });
}

function functionOf(from: object, name: string): Function {
  const value: unknown = Reflect.get(from, name);
  if (typeof value !== 'function') throw unusable(`it has no ${name}`);
  return value;
}

interface ZlibHandle {
  [DONE]?: (this: ZlibHandle) => void;
  writeSync(...args: unknown[]): void;
}

const DONE = Symbol('cablepull zlib done');

/** zlib's threads tell nothing either: what they would do is done at once, and told later. */
function compressAtOnce(patches: Patches): void {
  const zlib = builtin('zlib');
  const seen = new Set<object>();
  for (const name of [
    'createDeflate',
    'createBrotliCompress',
    'createBrotliDecompress',
    'createZstdCompress',
    'createZstdDecompress',
  ]) {
    const create = zlib[name];
    if (typeof create !== 'function') continue;
    const stream: { readonly _handle: object; close(): void } = create();
    const prototype: object = Object.getPrototypeOf(stream._handle);
    stream.close();
    if (seen.has(prototype)) continue;
    seen.add(prototype);
    patches.replace(
      prototype,
      'init',
      (original) =>
        function (this: unknown, ...args: unknown[]) {
          const done = args.find((argument) => typeof argument === 'function');
          if (typeof this === 'object' && this !== null && done !== undefined) Reflect.set(this, DONE, done);
          return original.apply(this, args);
        },
    );
    patches.replace(
      prototype,
      'write',
      (original) =>
        function (this: ZlibHandle, ...args: unknown[]) {
          const process = owner();
          const done = this[DONE];
          if (process === undefined || done === undefined) return original.apply(this, args);
          this.writeSync(...args);
          process.later(() => done.call(this));
          return undefined;
        },
    );
  }
}
