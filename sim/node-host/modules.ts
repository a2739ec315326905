/**
 * The modules of a program: each boot of each host has its own, of its file, or of what its entry imports, and of all
 * that these import or require, packages included, as a process has. ES modules are told apart by a mark in their URLs,
 * which an import takes over from its importer; CommonJS modules by a cache of the process's own; and those that vitest
 * runs in its own way are set aside while a program starts.
 */

import nodeModule, { createRequire, register, syncBuiltinESMExports } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { builtin } from './internals.ts';
import { owner } from './owner.ts';
import type { Patches } from './patch.ts';
import type { ProgramEntry } from './program.ts';
import { holdFor } from './real-work.ts';

/** The arguments with which a process was started, if its program is a file. */
export interface Main {
  readonly file: string;
  readonly url: string;
  /** `process.argv`, which the program may change. */
  readonly argv: string[];
}

export interface Modules {
  /** The mark of the ES modules: no other process of this thread has the same. */
  readonly boot: number;
  /** The CommonJS modules, by file. */
  readonly cache: Record<string, unknown>;
  /** Undefined: the program is not a file. */
  readonly main: Main | undefined;
}

const MARK = 'boot';

/** Number of boots over all simulations of this process, since each simulation loads its programs afresh. */
let boots = 0;

export function newModules(entry: ProgramEntry, args: readonly string[]): Modules {
  const boot = ++boots;
  const main = typeof entry === 'function' ? undefined : mainOf(entry, boot, args);
  return { boot, cache: Object.create(null), main };
}

function mainOf(entry: string | URL, boot: number, args: readonly string[]): Main {
  const file = entry instanceof URL ? fileURLToPath(entry) : resolve(entry);
  const url = pathToFileURL(file);
  url.searchParams.set(MARK, String(boot));
  return { file, url: url.href, argv: [process.execPath, file, ...args] };
}

/** Without the marks, as in a stack. */
export function unmarked(text: string): string {
  return text.replace(/\?boot=\d+/g, '');
}

/** The mark of the process whose entry, a function, is starting it now; 0: there is none. Shared with Node's loader. */
const starting = new Int32Array(new SharedArrayBuffer(4));

/** Runs the entry: one at a time, as it is not seen who of several imports. */
export async function start(entry: ProgramEntry, { boot, main }: Modules): Promise<void> {
  markImports();
  // `import { argv } from 'node:process'`.
  syncBuiltinESMExports();
  if (typeof entry !== 'function') {
    if (main !== undefined) await import(main.url);
    return;
  }
  const putBack = setAsideForVitest();
  Atomics.store(starting, 0, boot);
  try {
    await entry();
  } finally {
    endStart({ boot });
    putBack();
  }
}

/** The entry of that process is not waited for any more: what it imports from now on may be others', too. */
export function endStart({ boot }: Pick<Modules, 'boot'>): void {
  Atomics.compareExchange(starting, 0, boot, 0);
}

// ---- ES modules ----

interface Resolved {
  readonly url: string;
}

type Resolve = (
  specifier: string,
  context: { readonly parentURL?: string | undefined },
  next: (specifier: string, context: unknown) => Resolved | Promise<Resolved>,
) => Resolved | Promise<Resolved>;

/**
 * A hook of Node's loader (module.registerHooks, module.register): it is run in either, and so stands alone. A package
 * that was there before a program, and imports something while the program starts, has what it has always had.
 */
function newResolve(mark: Int32Array, own: readonly string[]): Resolve {
  return (specifier, context, next) => {
    const parent = context.parentURL ?? '';
    const [, inherited] = /\?boot=(\d+)$/.exec(parent) ?? [];
    const isOfPackage = /\/node_modules\/(?!(?:vite|vitest)\/)/.test(parent);
    const boot = inherited ?? (isOfPackage ? 0 : Atomics.load(mark, 0));
    const resolved = next(specifier, context);
    if (Number(boot) === 0) return resolved;
    const marked = (one: Resolved): Resolved => {
      const isFixed = own.some((place) => one.url.startsWith(place)) || /\/node_modules\/@?vite/.test(one.url);
      const isMarked = one.url.startsWith('file:') && !one.url.includes('?') && !isFixed;
      return isMarked ? { ...one, url: `${one.url}?boot=${boot}` } : one;
    };
    return 'then' in resolved ? resolved.then(marked) : marked(resolved);
  };
}

/** URLs of the folders of this package. Its modules exist once only. */
const OWN = ['sim', 'hal', 'firmware'].map((room) => new URL(`../../${room}/`, import.meta.url).href);

let isMarking = false;

/** Installs the marking of imports for good. Imports without a mark are not changed. */
function markImports(): void {
  if (isMarking) return;
  isMarking = true;
  // From Node 22.15 on, in this thread.
  const registerHooks: unknown = Reflect.get(nodeModule, 'registerHooks');
  if (typeof registerHooks === 'function') {
    registerHooks({ resolve: newResolve(starting, OWN) });
    return;
  }
  // esbuild, as tsx uses it, wraps functions in `__name`.
  const source = `const __name = (made) => made;
    const make = ${newResolve.toString()};
    let hook;
    export function initialize({ mark, own }) { hook = make(mark, own); }
    export function resolve(...args) { return hook(...args); }`;
  register(`data:text/javascript,${encodeURIComponent(source)}`, { data: { mark: starting, own: OWN } });
}

// ---- modules that vitest runs by itself, as it does with all that is no package ----

/** vite/module-runner, EvaluatedModuleNode. */
interface RunnerModule {
  promise: unknown;
  exports: unknown;
  evaluated: boolean;
}

/**
 * Sets vitest's module cache aside, as `vi.resetModules` does, until the returned function is called. The modules that
 * the test has imported, and imports later, stay as they were.
 */
function setAsideForVitest(): () => void {
  const before: [RunnerModule, RunnerModule][] = [];
  for (const [id, module] of modulesOfVitest()) {
    if (/^mock:|\/@?vitest\//.test(id) || OWN.some((place) => id.startsWith(fileURLToPath(place)))) continue;
    const { promise, exports, evaluated } = module;
    if (promise === undefined) continue;
    before.push([module, { promise, exports, evaluated }]);
    Object.assign(module, { promise: undefined, exports: undefined, evaluated: false });
  }
  return () => {
    for (const [module, was] of before) Object.assign(module, was);
  };
}

function workerOfVitest(): object {
  const worker: unknown = Reflect.get(globalThis, '__vitest_worker__');
  return isObject(worker) ? worker : {};
}

function modulesOfVitest(): Map<string, RunnerModule> {
  const evaluated: unknown = Reflect.get(workerOfVitest(), 'evaluatedModules');
  const modules: unknown = isObject(evaluated) ? Reflect.get(evaluated, 'idToModuleMap') : undefined;
  return modules instanceof Map ? modules : new Map();
}

/** Virtual time stands still while vitest's main process finds a module that a program imports. */
function holdForVitest(patches: Patches): void {
  const worker = workerOfVitest();
  const rpc: unknown = Reflect.get(worker, 'rpc');
  if (!isObject(rpc)) return;
  const held = new Proxy(rpc, {
    get(target, key, receiver): unknown {
      const call: unknown = Reflect.get(target, key, receiver);
      const process = owner();
      if (process === undefined || typeof call !== 'function') return call;
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(call, undefined, args);
        if (result instanceof Promise) holdFor(process, result);
        return result;
      };
    },
  });
  Reflect.set(worker, 'rpc', held);
  patches.add(() => void Reflect.set(worker, 'rpc', rpc));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

// ---- CommonJS modules, and what a program asks of how it was started ----

export function patchModules(patches: Patches): void {
  holdForVitest(patches);
  const { cache: shared } = createRequire(import.meta.url);
  let isForShared = false;
  define(patches, nodeModule, '_cache', () => (isForShared ? shared : (owner()?.modules.cache ?? shared)));
  // A module that was there before the program has the others that were there, unless it is its entry's that starts.
  patches.replace(
    nodeModule,
    '_load',
    (original) =>
      function (this: unknown, ...args: unknown[]) {
        const modules = owner()?.modules;
        const [, parent] = args;
        const file: unknown = isObject(parent) ? Reflect.get(parent, 'filename') : undefined;
        const isShared = typeof file === 'string' && Reflect.get(shared, file) === parent;
        const isOfEntry = modules?.boot === starting[0] && !String(file).includes('/node_modules/');
        if (modules === undefined || !isShared || isOfEntry) return original.apply(this, args);
        const outer = isForShared;
        isForShared = true;
        try {
          return original.apply(this, args);
        } finally {
          isForShared = outer;
        }
      },
  );
  // require.main.
  define(patches, process, 'mainModule', () => {
    const { main, cache } = owner()?.modules ?? {};
    return main === undefined ? undefined : cache?.[main.file];
  });
  const { argv } = process;
  define(patches, process, 'argv', () => owner()?.modules.main?.argv ?? argv);
  // `import.meta.url === pathToFileURL(process.argv[1]).href`, by which a module finds whether it is the program.
  patches.replace(builtin('url'), 'pathToFileURL', (original) => (...args: unknown[]) => {
    const main = owner()?.modules.main;
    const [path] = args;
    return main !== undefined && path === main.file ? new URL(main.url) : original(...args);
  });
}

function define(patches: Patches, target: object, key: string, get: () => unknown): void {
  const before = Object.getOwnPropertyDescriptor(target, key);
  Object.defineProperty(target, key, { configurable: true, enumerable: before?.enumerable ?? true, get, set() {} });
  patches.add(() => {
    if (before === undefined) Reflect.deleteProperty(target, key);
    else Object.defineProperty(target, key, before);
  });
}
