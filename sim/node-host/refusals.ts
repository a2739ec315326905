/** The refusals: a call that cannot be simulated throws an error that names the call, and what to do in its place. */

import { builtin, Pipe, TCP } from './internals.ts';
import { asNobody, forPrograms, owner } from './owner.ts';
import type { Patches } from './patch.ts';
import type { SimulatedProcess } from './process.ts';
import { unusable } from './unusable.ts';

/** The error for what is not simulated. */
export function refusal(what: string, { name }: SimulatedProcess, instead: string): Error {
  return new Error(`not simulated: ${what}, on host ${name}: ${instead}`);
}

/** The sentence for every call that has no port. */
export const USE_A_PORT = 'use a port of TCP or UDP';

interface Refused {
  /** The built-in module; `process` is one, too. */
  readonly module: string;
  readonly functions?: readonly string[];
  readonly classes?: readonly string[];
  readonly instead: string;
}

const REFUSED: readonly Refused[] = [
  {
    module: 'child_process',
    functions: ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'],
    instead: 'let the other program be a host of its own',
  },
  { module: 'cluster', functions: ['fork'], instead: 'let one process serve alone' },
  { module: 'worker_threads', classes: ['Worker'], instead: "do the work in the program's own thread" },
  // From Node 24 on.
  { module: 'net', classes: ['BoundSocket'], instead: 'let the server listen on the port itself' },
  { module: 'inspector', functions: ['open', 'waitForDebugger'], instead: 'start Node itself with --inspect' },
  {
    module: 'process',
    functions: ['kill', 'abort', 'execve'],
    instead: 'a program ends by process.exit, or by an error that nobody handles',
  },
];

/** child_process.SpawnSyncReturns. */
const NOTHING_SPAWNED = { pid: 0, output: null, stdout: null, stderr: null, status: null, signal: null };

export function patchRefused(patches: Patches): void {
  for (const { module, functions = [], classes = [], instead } of REFUSED) {
    const exports = builtin(module);
    for (const name of functions) refuseFunction(patches, exports, name, `${module}.${name}`, instead);
    for (const name of classes) refuseClass(patches, exports, name, `${module}.${name}`, instead);
    if (module !== 'child_process') continue;
    const { ChildProcess } = exports;
    if (typeof ChildProcess !== 'function') continue;
    refuseFunction(patches, ChildProcess.prototype, 'spawn', 'child_process.ChildProcess.prototype.spawn', instead);
  }
  refuseDescriptors(patches);
  hideParent(patches);
}

function refuseFunction(patches: Patches, target: object, name: string, what: string, instead: string): void {
  patches.replaceIfThere(target, name, forPrograms((process) => {
    const error = refusal(what, process, instead);
    // As where there is no such command: who asks for one that may be missing goes on without it.
    if (name === 'spawnSync') return { ...NOTHING_SPAWNED, error };
    throw error;
  }));
}

function refuseClass(
  patches: Patches,
  exports: Record<string, unknown>,
  name: string,
  what: string,
  instead: string,
): void {
  const original = exports[name];
  if (typeof original !== 'function') return;
  exports[name] = new Proxy(original, {
    construct(target, args, newTarget): object {
      const process = owner();
      if (process === undefined) return Reflect.construct(target, args, newTarget);
      if (!isCompiler(new Error().stack)) throw refusal(what, process, instead);
      return asNobody(() => Reflect.construct(target, args, newTarget));
    },
  });
  patches.add(() => {
    exports[name] = original;
  });
}

/** 0 to 2 are the standard streams. */
const LAST_STANDARD = 2;

/** `new net.Socket({ fd })` opens its descriptor by a handle; dgram's `bind({ fd })` looks first what the fd is. */
function refuseDescriptors(patches: Patches): void {
  for (const { prototype } of [TCP, Pipe]) {
    patches.replace(prototype, 'open', forPrograms((process, args, original) => {
      const [fd] = args;
      if (typeof fd !== 'number' || fd <= LAST_STANDARD) return original(...args);
      throw refusal(`a socket of descriptor ${fd}`, process, USE_A_PORT);
    }));
  }
  const { Socket } = builtin('dgram');
  if (typeof Socket !== 'function') throw unusable('it has no dgram.Socket');
  patches.replace(Socket.prototype, 'bind', forPrograms((process, args, original) => {
    const [options] = args;
    const fd: unknown = typeof options === 'object' && options !== null ? Reflect.get(options, 'fd') : undefined;
    if (typeof fd !== 'number') return original(...args);
    throw refusal(`a datagram socket of descriptor ${fd}`, process, USE_A_PORT);
  }));
}

/** `process.send`: the parent of the process that simulates is no parent of the program. */
function hideParent(patches: Patches): void {
  const { send } = process;
  if (send === undefined) return;
  const before = Object.getOwnPropertyDescriptor(process, 'send');
  Object.defineProperty(process, 'send', {
    configurable: true,
    enumerable: true,
    get: () => (owner() === undefined ? send : undefined),
  });
  patches.add(() => void (before && Object.defineProperty(process, 'send', before)));
}

/**
 * Returns whether the stack is that of a TypeScript compiler. If a program is in TypeScript, Node's loader lets a
 * package compile it, and that package may have threads of its own.
 */
function isCompiler(stack: string | undefined): boolean {
  return /[\\/]node_modules[\\/](?:esbuild|tsx|@swc)[\\/]/.test(stack ?? '');
}
