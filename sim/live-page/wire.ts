/** Messages between a run and its live page: JSON over HTTP; the run's messages are server-sent events. */

import { type FaultKind, isFaultKind } from '../faults/kinds/index.ts';
import type { NetworkKind } from '../faults/kind.ts';
import type { MachineState } from '../board/machine.ts';
import type { PackedData } from '../verdict/page/data.ts';

/** A device as it sees itself; or a server's machine, which is never `connecting` or `connected`. */
export type OwnState = MachineState | 'connecting' | 'connected';

/** A device as the server sees it; `-` for a server. */
export type ServersView = 'offline' | 'online' | 'ghost' | '-';

/** A host that has changed: its number among `hosts`, its states, and the faults on it, as `loss 10%`. */
export type HostChange = readonly [index: number, own: OwnState, server: ServersView, faults: readonly string[]];

/** A button: a kind of fault that can be done in this run. */
export interface FaultButton {
  readonly kind: FaultKind;
  readonly summary: string;
  /** True if the fault lasts until somebody heals it. */
  readonly lasts: boolean;
  /** The argument of the kind, with an example; undefined: the kind has none. */
  readonly argument: { readonly what: string; readonly example: string; readonly isOptional: boolean } | undefined;
}

/** The pace of virtual time. */
export interface PaceState {
  /** Virtual seconds for each real one. */
  readonly speed: number;
  readonly isPaused: boolean;
}

/** The first message: what does not change. */
export interface LiveHello {
  readonly title: string;
  readonly network: NetworkKind;
  readonly seed: number;
  /** Devices in their order, then the servers that faults can be on. */
  readonly hosts: readonly string[];
  readonly deviceCount: number;
  readonly buttons: readonly FaultButton[];
  /** The whole state, then what has changed. */
  readonly update: LiveUpdate;
}

/** Changes since the message before. */
export interface LiveUpdate {
  readonly nowMs: number;
  /** Pace; undefined: time is real, and nobody can change its pace. */
  readonly pace: PaceState | undefined;
  readonly hosts: readonly HostChange[];
  /** Lines of the log that are new. */
  readonly log: readonly string[];
  /** HTML: what has come of it so far; undefined: unchanged. */
  readonly summary: string | undefined;
  /** Number of faults in the plan that would repeat the run so far. */
  readonly faults: number;
}

/** The last message: the run is over. The page keeps what it has. */
export interface LiveEnd {
  readonly update: LiveUpdate;
  readonly lines: PackedData;
  readonly plan: string;
}

/** A request of a page. */
export type LiveRequest =
  | {
    readonly act: 'begin';
    readonly kind: FaultKind;
    readonly argument: string | undefined;
    readonly hosts: readonly string[];
  }
  | { readonly act: 'heal'; readonly kind: FaultKind; readonly hosts: readonly string[] }
  | ({ readonly act: 'pace' } & PaceState)
  | { readonly act: 'end' };

/** Returns a sentence if `value` is no request. */
export function readRequest(value: unknown): LiveRequest | string {
  if (typeof value !== 'object' || value === null || !('act' in value)) {
    return "a request is an object with 'act': begin, heal, pace or end";
  }
  switch (value.act) {
    case 'begin':
    case 'heal': {
      const kind = 'kind' in value ? value.kind : undefined;
      const hosts = 'hosts' in value ? value.hosts : undefined;
      const argument = 'argument' in value ? value.argument : undefined;
      if (typeof kind !== 'string' || !isFaultKind(kind)) return `there is no kind of fault ${JSON.stringify(kind)}`;
      if (!isTexts(hosts) || hosts.length === 0) return "'hosts' must be a list of at least one name";
      if (argument !== undefined && !isWords(argument)) return "'argument' must be a word such as 10%";
      return value.act === 'heal' ? { act: 'heal', kind, hosts } : { act: 'begin', kind, argument, hosts };
    }
    case 'pace': {
      const speed = 'speed' in value ? value.speed : undefined;
      const isPaused = 'isPaused' in value ? value.isPaused : undefined;
      if (typeof speed !== 'number' || !(speed >= SPEED_MIN && speed <= SPEED_MAX)) {
        return `'speed' must be a number from ${SPEED_MIN} to ${SPEED_MAX}`;
      }
      return typeof isPaused === 'boolean' ? { act: 'pace', speed, isPaused } : "'isPaused' must be true or false";
    }
    case 'end':
      return { act: 'end' };
    default:
      return `there is no act ${JSON.stringify(value.act)}: there are begin, heal, pace and end`;
  }
}

/** Slower than this a run stands still; faster than this no machine is with even one device. */
export const SPEED_MIN = 0.01;
export const SPEED_MAX = 100_000;

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** One word of a plan, so that nothing else of its line can be in it. */
function isWords(value: unknown): value is string {
  return typeof value === 'string' && /^[^\s#]{1,64}$/.test(value);
}
