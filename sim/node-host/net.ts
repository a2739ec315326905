/** Node's `net` and `tls` get simulated handles where they would make real ones. */

import { existsSync } from 'node:fs';
import { builtin, TCP } from './internals.ts';
import { ListenHandle } from './listen.ts';
import { owner } from './owner.ts';
import type { Patches } from './patch.ts';
import { refusal, USE_A_PORT } from './refusals.ts';
import { isRealTcp, newTcpHandle, TcpHandle } from './tcp.ts';
import { unusable } from './unusable.ts';

interface NetSocket {
  _handle: unknown;
  destroyed: boolean;
  _parent: { connecting: boolean } | null | undefined;
  connecting: boolean;
  destroy(error: Error): void;
}

interface NetServer {
  _handle: unknown;
  emit(event: 'error', error: Error): void;
}

interface Closable {
  close(): void;
}

/** Installs them. */
export function patchNet(patches: Patches): void {
  const { Socket, Server } = builtin('net');
  const { TLSSocket } = builtin('tls');
  const socket = prototypeOf(Socket);
  const reinitialize = Object.getOwnPropertySymbols(socket).find(
    ({ description }) => description === 'kReinitializeHandle',
  );
  if (reinitialize === undefined) throw unusable('its net.Socket has no kReinitializeHandle');

  patches.replace(
    socket,
    'connect',
    (original) =>
      function (this: NetSocket, ...args: unknown[]) {
        const isNew = this.destroyed || !this._handle;
        const program = owner();
        const path = pathOf(args);
        // If the file does not exist, Node tells the program so.
        if (program !== undefined && path !== undefined && existsSync(path)) {
          const error = Object.assign(refusal(`a unix socket, ${path}`, program, USE_A_PORT), { code: 'ENOTSUP' });
          process.nextTick(() => this.destroy(error));
          return this;
        }
        if (program !== undefined && isNew && this._parent?.connecting !== true && names(args)) {
          if (this.destroyed) this._handle = null;
          // As net.Socket.prototype.connect does with a handle of its own: `initSocketHandle`.
          callMethod(this, reinitialize, newTcpHandle());
        }
        return original.apply(this, args);
      },
  );
  // Addresses that are tried one after another get a handle each, made by net.
  patches.replace(
    socket,
    reinitialize,
    (original) =>
      function (this: NetSocket, handle: unknown) {
        return original.call(this, simulatedFor(handle));
      },
  );
  patches.replace(
    prototypeOf(Server),
    '_listen2',
    (original) =>
      function (this: NetServer, ...args: unknown[]) {
        const [address, port, addressType, backlog, fd] = args;
        const program = owner();
        if (program === undefined || this._handle) return original.apply(this, args);
        if (addressType === -1 || typeof fd === 'number') {
          const what = typeof fd === 'number' ? `listening on descriptor ${fd}` : `a unix socket, ${String(address)}`;
          process.nextTick(() =>
            this.emit('error', Object.assign(refusal(what, program, USE_A_PORT), { code: 'EINVAL', address })),
          );
          return undefined;
        }
        // On a host without IPv6, Node listens on 0.0.0.0.
        const local = { address: typeof address === 'string' ? address : '0.0.0.0', port: Number(port) };
        this._handle = new ListenHandle(program, local);
        return original.call(this, local.address, port, 4, backlog, fd);
      },
  );
  patches.replace(
    prototypeOf(TLSSocket),
    '_wrapHandle',
    (original) =>
      function (this: object, wrap: unknown, handle: unknown, ...rest: unknown[]) {
        const below = handle ? simulatedFor(handle) : newTcpHandle();
        if (below instanceof TcpHandle && !handle) {
          const ownerSymbol = ownerSymbolOf(TCP.prototype);
          if (ownerSymbol !== undefined) Reflect.set(below, ownerSymbol, this);
        }
        const wrapped = original.call(this, wrap, below, ...rest);
        if (below instanceof TcpHandle && isWrapping(wrapped)) below.wrap = wrapped;
        return wrapped;
      },
  );
  const isReal = Reflect.get(Function.prototype, Symbol.hasInstance);
  Object.defineProperty(TCP, Symbol.hasInstance, {
    configurable: true,
    value: (value: unknown) =>
      value instanceof TcpHandle || value instanceof ListenHandle || Reflect.apply(isReal, TCP, [value]),
  });
  patches.add(() => void Reflect.deleteProperty(TCP, Symbol.hasInstance));
}

/** A simulated handle in place of a real one that was made for a program. */
function simulatedFor(handle: unknown): unknown {
  if (!isRealTcp(handle) || handle instanceof TcpHandle) return handle;
  const simulated = newTcpHandle();
  if (simulated === undefined) return handle;
  if (isClosable(handle)) handle.close();
  return simulated;
}

/** Returns the options of a call of connect, which are the arguments, or what net has already made of them. */
function optionsOf([first]: readonly unknown[]): unknown {
  return Array.isArray(first) ? first[0] : first;
}

/** Returns the path of a unix socket that connect was given (net.Socket.prototype.connect: a string is one). */
function pathOf(args: readonly unknown[]): string | undefined {
  const options = optionsOf(args);
  if (typeof options === 'string') return Number.isNaN(Number(options)) ? options : undefined;
  const path: unknown = typeof options === 'object' && options !== null ? Reflect.get(options, 'path') : undefined;
  return typeof path === 'string' ? path : undefined;
}

/** Returns whether connect was given a destination. Without one it throws. */
function names(args: readonly unknown[]): boolean {
  const options = optionsOf(args);
  if (typeof options !== 'object' || options === null) return true;
  return ('port' in options && options.port !== undefined) || ('path' in options && options.path != null);
}

function isClosable(handle: unknown): handle is Closable {
  return typeof handle === 'object' && handle !== null && 'close' in handle && typeof handle.close === 'function';
}

function isWrapping(value: unknown): value is { onread: (bytes: ArrayBuffer | undefined) => unknown } {
  return typeof value === 'object' && value !== null;
}

/** The symbol under which handles have their owner: the accessor `owner` of TCP.prototype reads it. */
function ownerSymbolOf(prototype: object): symbol | undefined {
  const getter = Object.getOwnPropertyDescriptor(prototype, 'owner')?.get;
  let found: symbol | undefined;
  const spy = new Proxy(
    {},
    {
      get(_target, key) {
        if (typeof key === 'symbol') found = key;
        return undefined;
      },
    },
  );
  getter?.call(spy);
  return found;
}

export function prototypeOf(constructor: unknown): Record<string | symbol, unknown> {
  if (typeof constructor !== 'function') throw unusable('it lacks a class of net, tls or http');
  return constructor.prototype;
}

/** `thing[key](...args)`. */
export function callMethod(thing: object, key: string | symbol, ...args: unknown[]): unknown {
  const method: unknown = Reflect.get(thing, key);
  if (typeof method !== 'function') throw unusable(`it lacks ${String(key)}`);
  return Reflect.apply(method, thing, args);
}
