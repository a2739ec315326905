/**
 * Puts a program's world in the place of Node's, while simulations with Node programs run, and takes it away again.
 */

import { Console } from 'node:console';
import { syncBuiltinESMExports } from 'node:module';
import { patchAgents } from './agents.ts';
import { patchChance } from './chance.ts';
import { patchClocks } from './clock.ts';
import { patchDgram } from './udp.ts';
import { patchDns } from './dns.ts';
import { patchHttp } from './http.ts';
import { patchHttp2 } from './http2.ts';
import { hookImmediates } from './immediates.ts';
import { patchModules } from './modules.ts';
import { patchNet } from './net.ts';
import { endFollowing, failed, owner } from './owner.ts';
import { Patches } from './patch.ts';
import type { SimulatedProcess } from './process.ts';
import { patchRealWork } from './real-work.ts';
import { patchRefused } from './refusals.ts';
import { hookTimers } from './timers.ts';
import { unusable } from './unusable.ts';

/** The exit of a program by its own call. */
export class Exit {
  readonly code: number;

  constructor(code: number) {
    this.code = code;
  }
}

/** Hears of what programs, or those who run them, throw: `process` is whose it was. */
export type ErrorListener = (error: unknown, process: SimulatedProcess | undefined) => void;

/** Events of `process` that belong to the program alone. */
const EVENTS = new Set([
  'uncaughtException',
  'unhandledRejection',
  'exit',
  'beforeExit',
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGUSR2',
  'warning',
]);
const EMITTER_METHODS = [
  'on',
  'once',
  'addListener',
  'prependListener',
  'prependOnceListener',
  'off',
  'removeListener',
] as const;

let users = 0;
let patches: Patches | undefined;

/** Throws an Error where this Node cannot be used so. Each call needs one of `uninstall`. */
export function install(onError: ErrorListener): void {
  listeners.add(onError);
  if (users++ > 0) return;
  patches = new Patches();
  try {
    patch(patches, process);
  } catch (error) {
    uninstall(onError);
    throw error;
  }
}

export function uninstall(onError: ErrorListener): void {
  listeners.delete(onError);
  if (--users > 0) return;
  patches?.undo();
  patches = undefined;
  syncBuiltinESMExports();
}

const listeners = new Set<ErrorListener>();

function tell(error: unknown, process: SimulatedProcess | undefined): void {
  for (const listener of [...listeners]) listener(error, process);
}

function patch(all: Patches, node: NodeJS.Process): void {
  patchNet(all);
  patchAgents(all);
  patchHttp(all);
  patchHttp2(all);
  patchDgram(all);
  patchDns(all);
  patchClocks(all);
  patchChance(all);
  patchRefused(all);
  patchRealWork(all);
  patchModules(all);
  all.add(hookTimers());
  all.add(hookImmediates());
  patchProcess(all, node);
  all.add(endFollowing);
  syncBuiltinESMExports();
}

function patchProcess(all: Patches, node: NodeJS.Process): void {
  if (node.hasUncaughtExceptionCaptureCallback()) {
    throw unusable('somebody has set process.setUncaughtExceptionCaptureCallback already');
  }
  node.setUncaughtExceptionCaptureCallback((error: unknown) => tell(error, failed()));
  all.add(() => node.setUncaughtExceptionCaptureCallback(null));
  all.replace(
    node,
    'emit',
    (original) =>
      function (this: unknown, ...args: unknown[]) {
        const [event, ...rest] = args;
        const program = typeof event === 'string' && EVENTS.has(event) ? owner() : undefined;
        if (program === undefined || typeof event !== 'string') return original.apply(this, args);
        const isHeard = program.events.emit(event, ...rest);
        if (isHeard || event !== 'unhandledRejection') return isHeard;
        tell(rest[0], program);
        return true;
      },
  );
  for (const stream of ['stdout', 'stderr'] as const) {
    all.replace(
      node[stream],
      'write',
      (original) =>
        function (this: unknown, ...args: unknown[]) {
          const [chunk, encoding] = args;
          const text = chunk instanceof Uint8Array ? Buffer.from(chunk).toString() : String(chunk);
          if (owner()?.print(stream, text) !== true) return original.apply(this, args);
          const done = typeof encoding === 'function' ? encoding : args[2];
          if (typeof done === 'function') node.nextTick(() => void done());
          return true;
        },
    );
  }
  // A test runner has a console of its own in the place of Node's.
  const own = new Console(node.stdout, node.stderr);
  const { console: original } = globalThis;
  Object.defineProperty(globalThis, 'console', {
    configurable: true,
    get: () => (owner()?.surroundings.print === undefined ? original : own),
    set: (value: unknown) => redefine(value),
  });
  const redefine = (value: unknown): void => {
    Object.defineProperty(globalThis, 'console', { value, configurable: true, writable: true, enumerable: false });
  };
  all.add(() => redefine(original));
  all.replace(
    node,
    'exit',
    (original) =>
      function (this: unknown, ...args: unknown[]) {
        if (owner() !== undefined) throw new Exit(Number(args[0] ?? node.exitCode ?? 0));
        return original.apply(this, args);
      },
  );
  for (const method of EMITTER_METHODS) {
    all.replace(
      node,
      method,
      (original) =>
        function (this: unknown, ...args: unknown[]) {
          const [event, listener] = args;
          const program = typeof event === 'string' && EVENTS.has(event) ? owner() : undefined;
          if (program === undefined || typeof event !== 'string' || typeof listener !== 'function')
            return original.apply(this, args);
          program.events[method](event, (...given: unknown[]) => void Reflect.apply(listener, node, given));
          return this;
        },
    );
  }
}
