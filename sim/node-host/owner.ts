/** The owner of the running code: the process of a simulated host, or undefined for code that is not simulated. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { drain } from './internals.ts';
import type { Callable } from './patch.ts';
import type { SimulatedProcess } from './process.ts';

let current: SimulatedProcess | undefined;

/** Follows a program through what Node does for it in real time, such as loading modules. */
const following = new AsyncLocalStorage<SimulatedProcess>();

/** The process whose code is running. */
export function owner(): SimulatedProcess | undefined {
  // While the modules of one program are loaded, a tick of another program may run. The program that began the loading
  // is the owner.
  return following.getStore() ?? current;
}

/** A call of a program: its process, its arguments, and Node's own call, with any arguments. */
export type ProgramCall<Args extends unknown[]> =
  (process: SimulatedProcess, args: Args, original: (...args: unknown[]) => unknown) => unknown;

/** Returns what stands in for a function of Node's: programs have `call`, everybody else the function as it is. */
export function forPrograms<Args extends unknown[] = unknown[]>(
  call: ProgramCall<Args>,
): (original: Callable) => (this: unknown, ...args: Args) => unknown {
  return (original) =>
    function (this: unknown, ...args: Args) {
      const process = owner();
      if (process === undefined) return original.apply(this, args);
      return call(process, args, (...others) => original.apply(this, others));
    };
}

/**
 * Returns whether a callback of a process is running, as opposed to what Node runs of it by itself: modules that have
 * been loaded, and what waited for them.
 */
export function isInCallback(): boolean {
  return current !== undefined;
}

/**
 * Runs a callback of a process, and the ticks and microtasks that follow of it. What it throws goes through, and
 * `failed` has whose it was.
 */
export function enter(process: SimulatedProcess, callback: () => void): void {
  const outer = current;
  current = process;
  process.clockReads = 0;
  following.run(process, callback);
  drain();
  process.afterCallback();
  current = outer;
}

/** Runs a call in a process, without ticks, and returns its result. */
export function callIn<T>(process: SimulatedProcess, call: () => T): T {
  const outer = current;
  current = process;
  try {
    return following.run(process, call);
  } finally {
    process.afterCallback();
    current = outer;
  }
}

/** Calls in nobody's name: what it arms is Node's. */
export function asNobody<T>(call: () => T): T {
  const outer = current;
  current = undefined;
  try {
    return following.exit(call);
  } finally {
    current = outer;
  }
}

/** Runs `call`, and all that Node does for it in real time, in the process. */
export function follow<T>(process: SimulatedProcess, call: () => T): T {
  return following.run(process, call);
}

/** Costs nothing from now on, until a process runs again. */
export function endFollowing(): void {
  following.disable();
}

/** Node enters the process by itself, for real input and output that it has waited for. */
export function enterReal(process: SimulatedProcess): void {
  current = process;
}

/** Node leaves it. */
export function leaveReal(): void {
  const process = current;
  drain();
  process?.afterCallback();
  current = undefined;
}

/** Returns the process whose callback has thrown. From then on no process is running. */
export function failed(): SimulatedProcess | undefined {
  const process = owner();
  current = undefined;
  return process;
}
