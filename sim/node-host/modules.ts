/**
 * The modules of a program that is a file: each boot of each host has its own, of the file and of all that it imports
 * or requires, packages included, as a process has. ES modules are told apart by a mark in their URLs, which an import
 * takes over from its importer; CommonJS modules by a cache of the process's own.
 */

import nodeModule, { createRequire, register, syncBuiltinESMExports } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { builtin } from './internals.ts';
import { owner } from './owner.ts';
import type { Patches } from './patch.ts';
import type { ProgramEntry } from './program.ts';

/** What a process was started with, where its program is a file. */
export interface Main {
  readonly file: string;
  readonly url: string;
  /** As `process.argv`, which the program may change. */
  readonly argv: string[];
  /** The CommonJS modules, by file. */
  readonly cache: Record<string, unknown>;
}

/** The file that the entry is; undefined: it is a function. */
export function fileOf(entry: ProgramEntry): string | undefined {
  if (typeof entry === 'function') return undefined;
  return entry instanceof URL ? fileURLToPath(entry) : resolve(entry);
}

const MARK = 'boot';

/** Of this thread: simulations that follow on each other load a program anew, too. */
let loads = 0;

export function newMain(file: string, args: readonly string[]): Main {
  const url = pathToFileURL(file);
  url.searchParams.set(MARK, String(++loads));
  return { file, url: url.href, argv: [process.execPath, file, ...args], cache: Object.create(null) };
}

/** Without the marks, as in a stack. */
export function unmarked(text: string): string {
  return text.replace(/\?boot=\d+/g, '');
}

/** Runs it, as the process's program. */
export async function runMain({ url }: Main): Promise<void> {
  markImports();
  // `import { argv } from 'node:process'`.
  syncBuiltinESMExports();
  await import(url);
}

interface Resolved {
  readonly url: string;
}

/** A hook of Node's loader (module.registerHooks, module.register): it is run in either, and so stands alone. */
function resolveHook(
  specifier: string,
  context: { readonly parentURL?: string | undefined },
  next: (specifier: string, context: unknown) => Resolved | Promise<Resolved>,
): Resolved | Promise<Resolved> {
  const [, mark] = /\?(boot=\d+)$/.exec(context.parentURL ?? '') ?? [];
  const resolved = next(specifier, context);
  if (mark === undefined) return resolved;
  const marked = (one: Resolved): Resolved =>
    one.url.startsWith('file:') && !one.url.includes('?') ? { ...one, url: `${one.url}?${mark}` } : one;
  return 'then' in resolved ? resolved.then(marked) : marked(resolved);
}

let isMarking = false;

/** For good: it does nothing for who has no mark. */
function markImports(): void {
  if (isMarking) return;
  isMarking = true;
  // From Node 22.15 on, in this thread.
  const registerHooks: unknown = Reflect.get(nodeModule, 'registerHooks');
  if (typeof registerHooks === 'function') registerHooks({ resolve: resolveHook });
  else register(`data:text/javascript,${encodeURIComponent(`export const resolve = ${resolveHook.toString()};`)}`);
}

export function patchModules(patches: Patches): void {
  const { cache: shared } = createRequire(import.meta.url);
  define(patches, nodeModule, '_cache', () => owner()?.main?.cache ?? shared);
  // require.main.
  define(patches, process, 'mainModule', () => {
    const main = owner()?.main;
    return main === undefined ? undefined : main.cache[main.file];
  });
  const { argv } = process;
  define(patches, process, 'argv', () => owner()?.main?.argv ?? argv);
  // `import.meta.url === pathToFileURL(process.argv[1]).href`, by which a module finds whether it is the program.
  patches.replace(builtin('url'), 'pathToFileURL', (original) => (...args: unknown[]) => {
    const main = owner()?.main;
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
