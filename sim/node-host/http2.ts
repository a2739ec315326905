/** The parts of Node's HTTP/2 that read native clocks: they read virtual time instead. */

import { randomBytes } from 'node:crypto';
import { HTTP2_SESSION_PROTOTYPE } from './internals.ts';
import { forPrograms } from './owner.ts';
import type { Patches } from './patch.ts';

export function patchHttp2(patches: Patches): void {
  patchPing(patches);
  // The class of a server's streams is to be had of such a stream alone: of the first that is told of.
  const patched = new Set<object>();
  patches.replace(
    HTTP2_SESSION_PROTOTYPE,
    'emit',
    (original) =>
      function (this: unknown, ...args: unknown[]) {
        const [event, stream] = args;
        const prototype: unknown = event === 'stream' ? Object.getPrototypeOf(stream) : undefined;
        if (isServersStream(prototype) && !patched.has(prototype)) {
          patched.add(prototype);
          patchDates(patches, prototype);
        }
        return original.apply(this, args);
      },
  );
}

/** A PING without a payload of its own has the native clock in it, by which its duration is measured, too. */
function patchPing(patches: Patches): void {
  patches.replace(HTTP2_SESSION_PROTOTYPE, 'ping', forPrograms((process, args, original) => {
    const payload = args.length > 1 ? args[0] : undefined;
    const done = args.find(isPingCallback);
    if (done === undefined) return original(...args);
    const sentMs = process.nowMs();
    const answered: PingCallback = (error, _, echoed) => done(error, process.nowMs() - sentMs, echoed);
    return original(payload ?? randomBytes(8), answered);
  }));
}

type PingCallback = (error: Error | null, durationMs: number, payload: Uint8Array) => void;

function isPingCallback(value: unknown): value is PingCallback {
  return typeof value === 'function';
}

function isServersStream(prototype: unknown): prototype is object {
  return typeof prototype === 'object' && prototype !== null && Object.hasOwn(prototype, 'respondWithFD');
}

/** Calls that send response headers, with the place of the headers among their arguments. */
const RESPONDS = { respond: 0, respondWithFD: 1, respondWithFile: 1 } as const;

/** lib/internal/http.js keeps the text of a second of real time: a date that is given goes before that. */
function patchDates(patches: Patches, prototype: object): void {
  for (const [name, at] of Object.entries(RESPONDS)) {
    patches.replace(prototype, name, forPrograms((process, args, original) => {
      if (!sendsDate(args[at + 1])) return original(...args);
      const date = new Date(process.surroundings.timeOfDayMs()).toUTCString();
      return original(...args.slice(0, at), withDate(args[at], date), ...args.slice(at + 1));
    }));
  }
}

/** Returns the option `sendDate`, whose default is true. */
function sendsDate(options: unknown): boolean {
  const given = typeof options === 'object' && options !== null && 'sendDate' in options ? options.sendDate : undefined;
  return Boolean(given ?? true);
}

/** Response headers of a program, an object or a list of names and values, with the date if they have none. */
function withDate(headers: unknown, date: string): unknown {
  const isDate = (name: unknown): boolean => String(name).toLowerCase() === 'date';
  if (Array.isArray(headers)) {
    return headers.some((one, i) => i % 2 === 0 && isDate(one)) ? headers : [...headers, 'date', date];
  }
  if (headers === undefined || headers === null) return { date };
  return typeof headers !== 'object' || Object.keys(headers).some(isDate) ? headers : { ...headers, date };
}
