/** A fault on a host, from when it came until it is over; and those that are not over. */

import type { ResetReason } from '../../hal/system.ts';
import type { Effect, FirmwareState, Side, Tier } from '../faults/kind.ts';
import { type FaultKind, FAULTS } from '../faults/kinds/index.ts';
import type { FaultEvent } from '../trace/trace.ts';

export interface FaultSpan {
  /** Its number in the trace, from 1; 0: it is no fault of a plan, but a box that forgot a connection. */
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
  /** How long it was to last; undefined: for good, or until somebody ends it. */
  readonly forMs: number | undefined;
  /** It is over at once. */
  readonly isMomentary: boolean;
  /** `fromMs`, where it is over at once; undefined: it is not over. */
  toMs: number | undefined;
}

/**
 * What ended a fault: its heal; or, where it had stopped a program, that this started again: a device that boots, for
 * that reason, or a server that listens anew.
 */
export type FaultEnd = 'healed' | 'listening' | ResetReason;

/**
 * Whether it keeps a device from being reached. A server that does not run can be reached, as far as the network goes.
 */
export function cutsOff({ effect, on, kind }: FaultSpan): boolean {
  return effect === 'cuts' && (on === 'device' || FAULTS[kind].firmware === 'running');
}

/** Whether a program in that state has lost what it knew. */
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

  /** In the order in which they came. */
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
