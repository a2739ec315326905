/** The parts of Node's http that read native clocks: they read virtual time instead. */

import { builtin, ConnectionsList, drain, HTTPParser } from './internals.ts';
import { prototypeOf } from './net.ts';
import { owner } from './owner.ts';
import type { Patches } from './patch.ts';

interface Outgoing {
  _header: string | null;
  sendDate: boolean;
}

export function patchHttp(patches: Patches): void {
  const { OutgoingMessage } = builtin('http');
  // lib/internal/http.js keeps the text of a second, for all worlds.
  patches.replace(
    prototypeOf(OutgoingMessage),
    '_storeHeader',
    (original) =>
      function (this: Outgoing, ...args: unknown[]) {
        const process = owner();
        const result = original.apply(this, args);
        if (process !== undefined && this.sendDate && this._header !== null) {
          const date = new Date(process.surroundings.timeOfDayMs()).toUTCString();
          this._header = this._header.replace(/(\r\nDate: )[^\r]*GMT\r\n/, `$1${date}\r\n`);
        }
        return result;
      },
  );
  patchHttpTimeouts(patches);
}

/** A message that a server's parser is at. */
interface Message {
  readonly beganMs: number;
  hasHeaders: boolean;
}

type Parser = Record<number, unknown>;

const messages = new WeakMap<object, Message>();
/** Parsers are used again and again: each is watched once. */
const watched = new WeakSet<object>();

/** headersTimeout and requestTimeout go by a native clock: here they go by the host's (src/node_http_parser.cc). */
function patchHttpTimeouts(patches: Patches): void {
  const begin = (parser: object): void => {
    const process = owner();
    if (process !== undefined) messages.set(parser, { beganMs: process.nowMs(), hasHeaders: false });
  };
  patches.replace(
    HTTPParser.prototype,
    'initialize',
    (original) =>
      function (this: Parser, ...args: unknown[]) {
        const result = original.apply(this, args);
        if (owner() === undefined) return result;
        begin(this);
        this[HTTPParser.kOnMessageBegin] = function (this: object) {
          begin(this);
        };
        const { [HTTPParser.kOnHeadersComplete]: onHeaders, [HTTPParser.kOnBody]: onBody } = this;
        if (typeof onHeaders !== 'function' || typeof onBody !== 'function' || watched.has(this)) return result;
        watched.add(this);
        // Node runs the ticks after each piece of a body, but not where its read is called from JavaScript, as here.
        this[HTTPParser.kOnBody] = function (this: object, ...given: unknown[]): void {
          Reflect.apply(onBody, this, given);
          if (owner() !== undefined) drain();
        };
        this[HTTPParser.kOnHeadersComplete] = function (this: object, ...given: unknown[]): unknown {
          const message = messages.get(this);
          if (message !== undefined) message.hasHeaders = true;
          return Reflect.apply(onHeaders, this, given);
        };
        return result;
      },
  );
  patches.replace(
    ConnectionsList.prototype,
    'expired',
    (original) =>
      function (this: { active(): object[] }, ...args: unknown[]) {
        const process = owner();
        const [headersMs, requestMs] = args;
        if (process === undefined || typeof headersMs !== 'number' || typeof requestMs !== 'number') {
          return original.apply(this, args);
        }
        const nowMs = process.nowMs();
        const isOver = (message: Message): boolean => {
          const ageMs = nowMs - message.beganMs;
          return (!message.hasHeaders && headersMs > 0 && ageMs > headersMs) || (requestMs > 0 && ageMs > requestMs);
        };
        return this.active().filter((parser) => {
          const message = messages.get(parser);
          if (message === undefined || !isOver(message)) return false;
          messages.delete(parser);
          return true;
        });
      },
  );
}
