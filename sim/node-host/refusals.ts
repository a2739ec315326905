/** The refusals: a call that cannot be simulated throws an error that names the call. */

import { builtin } from './internals.ts';
import { asNobody, owner } from './owner.ts';
import type { Patches } from './patch.ts';
import type { SimulatedProcess } from './process.ts';

/** The error for what is not simulated. */
export function refusal(what: string, { name }: SimulatedProcess): Error {
  return new Error(`not simulated: ${what}, on host ${name}`);
}

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  child_process: ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'],
  cluster: ['fork'],
};

/** child_process.SpawnSyncReturns. */
const NOTHING_SPAWNED = { pid: 0, output: null, stdout: null, stderr: null, status: null, signal: null };

export function patchRefused(patches: Patches): void {
  for (const [module, names] of Object.entries(REFUSED)) {
    const exports = builtin(module);
    for (const name of names) {
      patches.replaceIfThere(
        exports,
        name,
        (original) =>
          function (this: unknown, ...args: unknown[]) {
            const process = owner();
            if (process === undefined) return original.apply(this, args);
            const error = refusal(`${module}.${name}`, process);
            // As where there is no such command: who asks for one that may be missing goes on without it.
            if (name === 'spawnSync') return { ...NOTHING_SPAWNED, error };
            throw error;
          },
      );
    }
  }
  const threads = builtin('worker_threads');
  const { Worker } = threads;
  if (typeof Worker !== 'function') return;
  threads['Worker'] = new Proxy(Worker, {
    construct(target, args, newTarget): object {
      const process = owner();
      if (process === undefined) return Reflect.construct(target, args, newTarget);
      if (!isCompiler(new Error().stack)) throw refusal('worker_threads.Worker', process);
      return asNobody(() => Reflect.construct(target, args, newTarget));
    },
  });
  patches.add(() => {
    threads['Worker'] = Worker;
  });
}

/**
 * Returns whether the stack is that of a TypeScript compiler. If a program is in TypeScript, Node's loader lets a
 * package compile it, and that package may have threads of its own.
 */
function isCompiler(stack: string | undefined): boolean {
  return /[\\/]node_modules[\\/](?:esbuild|tsx|@swc)[\\/]/.test(stack ?? '');
}
