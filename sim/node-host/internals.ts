/**
 * Node's internals that this room stands on, each with the shape that Node 20 to 26 give it. They are looked up once,
 * and a Node that lacks one is refused by name.
 */

import { createServer } from 'node:http';
import http2 from 'node:http2';
import { createRequire } from 'node:module';
import { PassThrough } from 'node:stream';
import type { Errno } from '../../hal/errno.ts';
import { unusable } from './unusable.ts';

/** A request that Node's libraries hand to a handle, and that is answered by its `oncomplete`. */
export interface Request {
  oncomplete?: ((...answer: unknown[]) => void) | undefined;
}

/** node::JSStream: a native stream whose other end is JavaScript, so that TLS, HTTP/2 and the HTTP parser take it. */
export interface JsStream {
  onread: (bytes: ArrayBuffer | undefined) => unknown;
  reading?: boolean;
  finishWrite(request: object, status: number): void;
  finishShutdown(request: object, status: number): void;
  readBuffer(bytes: Uint8Array): void;
  emitEOF(): void;
  readStart(): number;
  readStop(): number;
  useUserBuffer(buffer: Uint8Array): void;
  writeBuffer(request: object | null, bytes: Uint8Array): unknown;
}

interface StreamWrap {
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kArrayBufferOffset: number;
  readonly kBytesWritten: number;
  readonly kLastWriteWasAsync: number;
  /** Present from Node 26 on. */
  readonly kLastWriteErr?: number;
}

/** A native class whose methods are shadowed. */
export type Shadowed = (new (...args: never[]) => object) & { readonly prototype: Record<string | symbol, unknown> };

export interface CaresWrap {
  getaddrinfo(request: Request, name: string, ...rest: unknown[]): number;
  getnameinfo(request: Request, address: string, port: number): number;
  readonly ChannelWrap: Shadowed;
}

type HttpParserClass = Shadowed & {
  readonly kOnMessageBegin: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
};

interface NodeProcess {
  binding(name: 'js_stream'): { readonly JSStream: new (...args: never[]) => JsStream };
  binding(name: 'stream_wrap'): StreamWrap;
  binding(name: 'tcp_wrap'): { readonly TCP: Shadowed };
  binding(name: 'pipe_wrap'): { readonly Pipe: Shadowed };
  binding(name: 'udp_wrap'): { readonly UDP: Shadowed };
  binding(name: 'cares_wrap'): CaresWrap;
  binding(name: 'uv'): Readonly<Record<string, number>>;
  /** Runs the ticks and the microtasks that wait. */
  _tickCallback(): void;
}

/** Throws an Error that names what this Node lacks. */
function nodeProcess(): NodeProcess {
  const candidate: object = process;
  if (!isNodeProcess(candidate)) {
    throw unusable('it has no process.binding or no process._tickCallback');
  }
  return candidate;
}

function isNodeProcess(candidate: object): candidate is NodeProcess {
  return 'binding' in candidate && typeof candidate.binding === 'function' && '_tickCallback' in candidate;
}

const node = nodeProcess();

/** A part of Node is gone, or `--permission` denies it. */
function bindings() {
  try {
    return {
      ...node.binding('js_stream'),
      streams: node.binding('stream_wrap'),
      ...node.binding('tcp_wrap'),
      ...node.binding('pipe_wrap'),
      ...node.binding('udp_wrap'),
      cares: node.binding('cares_wrap'),
      uv: node.binding('uv'),
    };
  } catch (error) {
    throw unusable(`process.binding: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export const { JSStream, streams, TCP, Pipe, UDP, cares, uv } = bindings();
/** Runs the ticks and microtasks that wait. What they throw goes through. */
export const drain: () => void = node._tickCallback.bind(node);

/** A built-in module as CommonJS has it: the object that everybody shares, and that can be patched. */
const requireBuiltin = createRequire(import.meta.url);
export function builtin(name: string): Record<string, unknown> {
  const exports: unknown = requireBuiltin(name);
  if ((typeof exports !== 'object' && typeof exports !== 'function') || exports === null)
    throw unusable(`it has no built-in ${name}`);
  return Object.assign(exports);
}

/** Returns a built-in module whose use Node would warn of, without the warning. */
export function quietBuiltin(name: string): Record<string, unknown> {
  const { noDeprecation = false } = process;
  process.noDeprecation = true;
  try {
    return builtin(name);
  } finally {
    process.noDeprecation = noDeprecation;
  }
}

/**
 * The classes of http's native parser: a parser's, and that of a server's list of its connections, which is made when
 * it listens.
 */
function httpClasses(): { readonly HTTPParser: HttpParserClass; readonly ConnectionsList: Shadowed } {
  const { HTTPParser: parser } = quietBuiltin('_http_common');
  const server = createServer();
  server.emit('listening');
  const lists = Object.getOwnPropertySymbols(server).map((symbol): unknown => Reflect.get(server, symbol));
  const list = lists.find((thing) => typeof thing === 'object' && thing !== null && 'expired' in thing);
  server.close();
  const classOfList: unknown = typeof list === 'object' ? list?.constructor : undefined;
  if (!isShadowed(parser) || !isParser(parser) || !isShadowed(classOfList)) {
    throw unusable('its http has no list of connections');
  }
  return { HTTPParser: parser, ConnectionsList: classOfList };
}

function isShadowed(value: unknown): value is Shadowed {
  return typeof value === 'function';
}

function isParser(value: Shadowed): value is HttpParserClass {
  return 'kOnMessageBegin' in value && 'kOnHeadersComplete' in value && 'kOnBody' in value;
}

export const { HTTPParser, ConnectionsList } = httpClasses();

/** The prototype of HTTP/2's sessions, of clients and of servers: their class is not exported. */
function http2SessionPrototype(): object {
  const session = http2.connect('http://localhost', { createConnection: () => new PassThrough() });
  const prototype: unknown = Object.getPrototypeOf(Object.getPrototypeOf(session));
  session.destroy();
  if (typeof prototype !== 'object' || prototype === null || !Object.hasOwn(prototype, 'ping')) {
    throw unusable('its http2 has no ping');
  }
  return prototype;
}

export const HTTP2_SESSION_PROTOTYPE = http2SessionPrototype();

/** libuv's number of an error, below 0. */
export function uvErrno(
  name: Errno | 'EAFNOSUPPORT' | 'ENOENT' | 'ECANCELED' | 'EOF' | 'ENOTSUP' | 'EBADF' | 'EDESTADDRREQ',
): number {
  // getaddrinfo(3) of glibc: a name server that does not answer is EAI_AGAIN.
  const number = uv[name === 'EAI_FAIL' ? 'UV_EAI_AGAIN' : `UV_${name}`];
  if (number === undefined) throw unusable(`libuv has no ${name}`);
  return number;
}
