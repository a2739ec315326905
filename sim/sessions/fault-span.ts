/** A fault on a host, from when it came until it is over; and those that are not over. */

import type { ResetReason } from '../../hal/system.ts';
import type { Effect, FirmwareState, Side, Tier } from '../faults/kind.ts';
import { type FaultKind, FAULTS } from '../faults/kinds/index.ts';
import type { FaultEvent } from '../trace/trace.ts';

export interface FaultSpan {
  /** Number of the fault in the trace, from 1; 0 if it is no fault of a plan, but a box that forgot a connection. */
  readonly id: number;
  readonly kind: FaultKind;
  readonly argument: string | undefined;
  readonly effect: Effect;
  readonly tier: Tier;
  /** The line of the plan. */
  readonly text: string;
  readonly host: string;
  readonly on: Side;
  readonly fromMs: number;
  /** Planned length; undefined: for good, or until somebody ends the fault. */
  readonly forMs: number | undefined;
  /** True if the fault is over at once. */
  readonly isMomentary: boolean;
  /** `fromMs`, where it is over at once; undefined: it is not over. */
  toMs: number | undefined;
}

/**
 * The end of a fault: its heal, or the start of the program that the fault had stopped. A device boots, for the reason
 * given; a server listens again.
 */
export type FaultEnd = 'healed' | 'listening' | ResetReason;

/**
 * Returns whether the fault makes a device unreachable. A server that does not run is reachable, as far as the network
 * is concerned.
 */
export function cutsOff({ effect, on, kind }: FaultSpan): boolean {
  return effect === 'cuts' && (on === 'device' || FAULTS[kind].firmware === 'running');
}

/** Returns whether a program in this state has lost its memory. */
export function isStopped(state: FirmwareState): boolean {
  return state === 'off' || state === 'dead';
}

const NO_FAULTS: readonly FaultSpan[] = [];

export class OpenFaults {
  readonly #byId = new Map<number, FaultSpan>();
  readonly #byHost = new Map<string, readonly FaultSpan[]>();

  get all(): readonly FaultSpan[] {
    return [...this.#byId.values()];
  }

  /** Faults on this host, in the order in which they came. */
  on(host: string): readonly FaultSpan[] {
    return this.#byHost.get(host) ?? NO_FAULTS;
  }

  byId(id: number): FaultSpan | undefined {
    return this.#byId.get(id);
  }

  begin(event: FaultEvent & { readonly atMs: number }): FaultSpan {
    const { id, fault: kind, argument, tier, text, host, on, forMs, atMs: fromMs } = event;
    const { lasts, effect } = FAULTS[kind];
    const isMomentary = !lasts(argument);
    const span: FaultSpan = {
      id, kind, argument, effect: effect(argument), tier, text, host, on, fromMs, forMs, isMomentary,
      toMs: isMomentary ? fromMs : undefined,
    };
    if (!isMomentary) {
      this.#byId.set(id, span);
      this.#byHost.set(host, [...this.on(host), span]);
    }
    return span;
  }

  end(span: FaultSpan, atMs: number): void {
    span.toMs = atMs;
    this.#byId.delete(span.id);
    const rest = this.on(span.host).filter((other) => other !== span);
    if (rest.length > 0) this.#byHost.set(span.host, rest);
    else this.#byHost.delete(span.host);
  }
}
