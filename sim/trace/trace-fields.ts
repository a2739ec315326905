/**
 * The fields of each event of a trace: the format that TRACE.md describes, as data. The compiler checks it against
 * TraceEvent: a new event, field or word without an entry here is an error.
 */

import { ERRNO, type Errno, isErrno } from '../../hal/errno.ts';
import type { SocketAddress } from '../../hal/network.ts';
import { FAULT_KINDS } from '../faults/kinds/index.ts';
import { NETWORKS, TIERS } from '../faults/kind.ts';
import type { OfflineReason } from '../server/events.ts';
import { TRACE_FORMAT, TRACE_VERSION, type TraceEvent } from './trace.ts';

/** The fault of a line, as a sentence. Caught in trace-file.ts, and not seen beyond it. */
export class WrongLine extends Error {}

/**
 * Returns the value of a field if it is valid; otherwise throws a WrongLine. `in out`: a check of a type that is
 * narrower or wider than the field's does not fit the field.
 */
export interface FieldCheck<in out T> {
  (value: unknown, name: string): T;
}

/** `source` and `kind` are what an event is found by. A field that may be missing is checked by `optional`. */
export type Fields<E> = { readonly [F in Exclude<keyof E, 'source' | 'kind'>]: FieldCheck<E[F]> };

/** Any checks, by field. */
export type AnyFields = Readonly<Record<string, (value: unknown, name: string) => unknown>>;

type Source = TraceEvent['source'];
type KindOf<S extends Source> = Extract<TraceEvent, { readonly source: S }>['kind'];
type EventOf<S extends Source, K, E = TraceEvent> = E extends { readonly source: S; readonly kind: infer Kinds }
  ? (K extends Kinds ? E : never)
  : never;

// ---- checks ----

/** Throws the sentence about a field that is not as expected. */
export function fail(name: string, expected: string, value: unknown): never {
  if (value === undefined) throw new WrongLine(`'${name}' is missing: it must be ${expected}`);
  throw new WrongLine(`'${name}' must be ${expected}, not ${shown(value)}`);
}

/**
 * A value in a message: short, on one line, and without what would move a terminal's cursor, or turn its letters round.
 */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value !== 'string') return String(value);
  const short = value.length > 40 ? `${value.slice(0, 40)}...` : value;
  return JSON.stringify(short).replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped);
}

function escaped(mark: string): string {
  return mark.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
}

const text: FieldCheck<string> = (value, name) => (typeof value === 'string' ? value : fail(name, 'a text', value));

/** A name, or an address. */
const filled: FieldCheck<string> = (value, name) => {
  return typeof value === 'string' && value !== '' ? value : fail(name, 'a text that is not empty', value);
};

const yesOrNo: FieldCheck<boolean> = (value, name) =>
  typeof value === 'boolean' ? value : fail(name, 'true or false', value);

// JSON.parse makes Infinity of 1e999.
const ms: FieldCheck<number> = (value, name) => {
  return typeof value === 'number' && value >= 0 && value < Infinity
    ? value
    : fail(name, 'a number of milliseconds, 0 or more', value);
};

function whole(least: number, most = Number.MAX_SAFE_INTEGER): FieldCheck<number> {
  const expected = `a whole number ${most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`}`;
  return (value, name) => {
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most
      ? value
      : fail(name, expected, value);
  };
}

const count = whole(0);
const countFrom1 = whole(1);

function oneOf<const W extends string>(words: readonly W[]): FieldCheck<W> {
  // Two dozen errnos would hide the others.
  const own = words.filter((word) => !isErrno(word)).map((word) => `'${word}'`);
  const parts = own.length === words.length ? own : [...own, 'an errno such as ETIMEDOUT'];
  const last = parts.pop() ?? '';
  const expected = parts.length === 0 ? last : `${parts.join(', ')} or ${last}`;
  return (value, name) => words.find((word) => word === value) ?? fail(name, expected, value);
}

const ERRNOS: readonly Errno[] = Object.keys(ERRNO).filter(isErrno);
const errno = oneOf(ERRNOS);
const LOSS_REASONS = [
  'closed', 'missed-beats', 'not-reading', 'bad-frame', 'no-answer', 'refused', 'disconnected', 'finished', ...ERRNOS,
] as const;

const version: FieldCheck<typeof TRACE_VERSION> = (value, name) => {
  if (value === TRACE_VERSION) return TRACE_VERSION;
  const other = countFrom1(value, name);
  const age = other > TRACE_VERSION ? 'newer' : 'older';
  throw new WrongLine(
    `this trace is of version ${other}, ${age} than this cablepull, which reads version ${TRACE_VERSION}`,
  );
};

function optional<T>(check: FieldCheck<T>): FieldCheck<T | undefined> {
  return (value, name) => (value === undefined ? undefined : check(value, name));
}

function listOf<T>(check: FieldCheck<T>): FieldCheck<readonly T[]> {
  return (value, name) => {
    if (!Array.isArray(value) || value.length === 0) return fail(name, 'a list of at least one', value);
    const items: readonly unknown[] = value;
    return items.map((item, i) => check(item, `${name}[${i}]`));
  };
}

function pair<T>(check: FieldCheck<T>): FieldCheck<readonly [T, T]> {
  return (value, name) => {
    if (!Array.isArray(value) || value.length !== 2) return fail(name, 'a list of two', value);
    const [one, other]: readonly unknown[] = value;
    return [check(one, `${name}[0]`), check(other, `${name}[1]`)];
  };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `path` leads to the fields, and is put before their names. Fields that are not known here do not count. */
export function checkFields(value: Readonly<Record<string, unknown>>, fields: AnyFields, path = ''): void {
  for (const [field, check] of Object.entries(fields)) {
    check(Object.hasOwn(value, field) ? value[field] : undefined, `${path}${field}`);
  }
}

function assertFields<T>(value: unknown, name: string, fields: Fields<T>): asserts value is T {
  if (!isObject(value)) return fail(name, `an object with ${Object.keys(fields).join(' and ')}`, value);
  checkFields(value, fields, `${name}.`);
}

const address: FieldCheck<SocketAddress> = (value, name) => {
  assertFields<SocketAddress>(value, name, { address: filled, port: whole(0, 65_535) });
  return value;
};

/** Fields of a reason, by kind. */
export const REASON_FIELDS = {
  silent: { silentMs: ms },
  closed: { halfFrame: yesOrNo },
  error: { errno },
  'bad-frame': { reason: text },
  flood: { maxFramesPerSecond: countFrom1, maxFrameBurst: countFrom1 },
  'no-first-frame': { waitedMs: ms },
  'not-reading': { queuedBytes: count },
  dropped: { reason: text },
  'taken-over': { by: countFrom1 },
  reported: { by: listOf(filled) },
  stopped: {},
} satisfies { readonly [K in OfflineReason['kind']]: Fields<Extract<OfflineReason, { readonly kind: K }>> };

const offlineReason: FieldCheck<OfflineReason> = (value, name) => {
  assertReason(value, name);
  return value;
};

const reasonKind: FieldCheck<OfflineReason['kind']> = oneOf([
  'silent', 'closed', 'error', 'bad-frame', 'flood', 'no-first-frame', 'not-reading', 'dropped', 'taken-over',
  'reported', 'stopped',
]);

function assertReason(value: unknown, name: string): asserts value is OfflineReason {
  if (!isObject(value)) return fail(name, "an object with 'kind'", value);
  checkFields(value, REASON_FIELDS[reasonKind(value['kind'], `${name}.kind`)], `${name}.`);
}

// ---- events ----

const ofAny = { atMs: ms };
const ofDevice = { ...ofAny, device: filled };
const ofServer = { ...ofAny, server: filled };
const ofClient = { ...ofServer, client: countFrom1 };
const ofFault = {
  ...ofAny,
  id: countFrom1,
  fault: oneOf(FAULT_KINDS),
  argument: optional(filled),
  host: filled,
  on: oneOf(['device', 'server']),
  tier: oneOf(TIERS),
  text: filled,
  forMs: optional(ms),
};

/**
 * Fields of events, by source and kind. The first fault of a line is reported, in this order: fields that tell of
 * another version come first.
 */
export const EVENT_FIELDS: Readonly<Record<string, Readonly<Record<string, AnyFields>>>> = {
  run: {
    start: {
      format: oneOf([TRACE_FORMAT]),
      version,
      ...ofAny,
      network: oneOf(NETWORKS),
      seed: whole(0, 2 ** 32 - 1),
      repeat: optional(text),
      offlineLog: optional(text),
    },
    end: { ...ofAny, interrupted: yesOrNo, bytes: count },
  },
  device: {
    boot: {
      ...ofDevice,
      boots: count,
      resetReason: oneOf(['power-on', 'brown-out', 'watchdog', 'panic', 'software']),
    },
    connecting: { ...ofDevice, server: filled },
    'connect-failed': { ...ofDevice, server: filled, errno },
    connected: { ...ofDevice, server: filled, local: optional(address) },
    'beat-sent': ofDevice,
    served: { ...ofDevice, afterMs: optional(ms) },
    'beat-missed': { ...ofDevice, missed: countFrom1 },
    'call-failed': { ...ofDevice, by: oneOf(['timeout', 'wrong-answer', ...LOSS_REASONS]), afterMs: ms },
    'late-answer': { ...ofDevice, lateAnswers: countFrom1 },
    'peer-silent': { ...ofDevice, peer: filled, silentMs: ms },
    'beat-period': { ...ofDevice, periodMs: ms, settled: yesOrNo },
    'data-sent': { ...ofDevice, bytes: count },
    'data-received': { ...ofDevice, bytes: count },
    acknowledged: { ...ofDevice, message: filled },
    message: { ...ofDevice, topic: filled, text, retained: yesOrNo },
    lost: {
      ...ofDevice,
      server: filled,
      by: oneOf(LOSS_REASONS),
      afterMs: ms,
      detail: optional(text),
    },
    'backing-off': { ...ofDevice, delayMs: ms },
    carrier: { ...ofDevice, up: yesOrNo },
    console: { ...ofDevice, line: text },
    panic: { ...ofDevice, task: text, reason: text, stack: text },
  },
  bench: {
    'hung-up': { ...ofDevice, local: optional(address), by: oneOf(['closed', ...ERRNOS]) },
  },
  process: {
    'process-started': ofServer,
    'process-ended': { ...ofServer, status: count, signal: count },
    'put-offline': { ...ofServer, device: filled, line: text },
  },
  link: {
    mapped: { ...ofAny, nat: filled, inside: address, outside: address },
    forgotten: { ...ofAny, at: filled, ends: pair(address), idleMs: ms },
  },
  fault: { fault: { ...ofFault, why: optional(text) }, healed: ofFault },
  server: {
    listening: { ...ofServer, local: address },
    failed: { ...ofServer, local: address, errno },
    online: { ...ofClient, peer: address },
    beat: { ...ofClient, peer: address },
    unanswered: { ...ofClient, waitedMs: ms },
    sequence: { ...ofClient, what: oneOf(['missing', 'late', 'double']), count: countFrom1 },
    offline: { ...ofClient, peer: address, onlineMs: ms, silentMs: ms, reason: offlineReason },
    message: { ...ofClient, topic: filled, text },
    will: { ...ofClient, topic: filled, subscribers: count },
    refused: { ...ofServer, peer: address, maxConnections: countFrom1 },
  },
} satisfies { readonly [S in Source]: { readonly [K in KindOf<S>]: Fields<EventOf<S, K>> } };
