/**
 * The connection pools that Node keeps for a whole process: the global agents of http and https, and the dispatcher of
 * fetch. Each simulated process has its own.
 */

import { builtin, quietBuiltin } from './internals.ts';
import { prototypeOf } from './net.ts';
import { owner } from './owner.ts';
import type { Callable, Patches } from './patch.ts';
import type { SimulatedProcess } from './process.ts';
import { TcpHandle } from './tcp.ts';
import { reviveFetchTimers } from './timers.ts';
import { unusable } from './unusable.ts';

export function patchAgents(patches: Patches): void {
  ownAgent(patches, quietBuiltin('_http_agent'));
  ownAgent(patches, builtin('https'));
  ownDispatchers(patches);
  destroyAtHome(patches);
}

// ---- http ----

function ownAgent(patches: Patches, exports: Record<string, unknown>): void {
  const agents = new WeakMap<SimulatedProcess, unknown>();
  const before = Object.getOwnPropertyDescriptor(exports, 'globalAgent');
  const { Agent, globalAgent: real } = exports;
  if (typeof Agent !== 'function' || !hasOptions(real)) throw unusable('it has no global agent of http');
  const { options } = real;
  Object.defineProperty(exports, 'globalAgent', {
    configurable: true,
    enumerable: true,
    get: () => {
      const process = owner();
      if (process === undefined) return real;
      if (!agents.has(process)) agents.set(process, Reflect.construct(Agent, [options]));
      return agents.get(process);
    },
    set: (agent: unknown) => {
      const process = owner();
      if (process !== undefined) agents.set(process, agent);
    },
  });
  patches.add(() => void (before && Object.defineProperty(exports, 'globalAgent', before)));
}

function hasOptions(agent: unknown): agent is { readonly options: object } {
  return typeof agent === 'object' && agent !== null && 'options' in agent;
}

// ---- fetch, WebSocket, EventSource ----

/**
 * Symbols under which undici, which implements fetch, keeps its dispatcher: some versions read the first, others the
 * second.
 */
const DISPATCHERS = ['undici.globalDispatcher.1', 'undici.globalDispatcher.2'].map((name) => Symbol.for(name));
const dispatchers = new WeakMap<SimulatedProcess, unknown>();

/** Calls a function of undici that reads the dispatcher before it returns. */
function withOwnDispatcher<T>(process: SimulatedProcess, call: () => T): T {
  // Loads undici, which is loaded when somebody asks for it first.
  Reflect.get(globalThis, 'Request');
  const shared = DISPATCHERS.filter((symbol) => Reflect.has(globalThis, symbol)).map(
    (symbol): [symbol, unknown] => [symbol, Reflect.get(globalThis, symbol)],
  );
  const newest: unknown = shared.at(-1)?.[1];
  if (typeof newest !== 'object' || newest === null) return call();
  if (!dispatchers.has(process)) dispatchers.set(process, Reflect.construct(newest.constructor, []));
  for (const [symbol] of shared) Reflect.set(globalThis, symbol, dispatchers.get(process));
  try {
    return call();
  } finally {
    for (const [symbol, dispatcher] of shared) Reflect.set(globalThis, symbol, dispatcher);
  }
}

let realFetch: Callable = () => undefined;

/** One function for all runs, because a program may keep it and compare it later. */
function fetch(this: unknown, ...args: unknown[]): unknown {
  const process = owner();
  if (process === undefined) return realFetch.apply(this, args);
  reviveFetchTimers();
  return withOwnDispatcher(process, () => realFetch.apply(this, args));
}

const proxies = new WeakMap<object, object>();

function ownDispatchers(patches: Patches): void {
  patches.replaceIfThere(globalThis, 'fetch', (original) => {
    realFetch = original;
    return fetch;
  });
  for (const name of ['WebSocket', 'EventSource']) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name);
    if (before?.configurable !== true) continue;
    // Node loads it when it is asked for.
    Object.defineProperty(globalThis, name, {
      configurable: true,
      enumerable: before.enumerable ?? false,
      get: () => {
        const real: unknown = before.get === undefined ? before.value : Reflect.apply(before.get, globalThis, []);
        if (owner() === undefined || typeof real !== 'function') return real;
        const proxy =
          proxies.get(real) ??
          new Proxy(real, {
            construct(target, args, newTarget): object {
              const process = owner();
              const make = (): object => Reflect.construct(target, args, newTarget);
              return process === undefined ? make() : withOwnDispatcher(process, make);
            },
          });
        proxies.set(real, proxy);
        return proxy;
      },
      set: (value: unknown) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true }),
    });
    patches.add(() => Object.defineProperty(globalThis, name, before));
  }
}

/**
 * A library's timers may be of all its users in common, as undici's are: where one of another process destroys a
 * socket, its own process hears of that.
 */
function destroyAtHome(patches: Patches): void {
  patches.replace(
    prototypeOf(builtin('net')['Socket']),
    '_destroy',
    (original) =>
      function (this: { _handle: unknown }, ...args: unknown[]) {
        const [error, done] = args;
        const home = homeOf(this._handle);
        if (home === undefined || owner() === undefined || owner() === home || typeof done !== 'function')
          return original.apply(this, args);
        return original.call(this, error, (...given: unknown[]) => {
          home.later(() => void Reflect.apply(done, this, given));
        });
      },
  );
}

function homeOf(handle: unknown): SimulatedProcess | undefined {
  if (handle instanceof TcpHandle) return handle.process;
  // TLS is above it.
  const parent: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, '_parent') : undefined;
  return parent instanceof TcpHandle ? parent.process : undefined;
}
