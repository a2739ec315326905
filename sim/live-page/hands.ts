/** The acts of a live page's buttons: faults begin and end at once, as lines of a plan that one could have written. */

import type { Fault } from '../faults/fault.ts';
import { parsePlan } from '../faults/plan.ts';
import type { FaultKind } from '../faults/kinds/index.ts';
import type { FaultSpan } from '../sessions/fault-span.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { Testbed } from '../testbed.ts';
import { formatDuration } from '../time/duration.ts';
import { lengthBetween } from './recorded-plan.ts';

const TRIES_MAX = 100;

export class Hands {
  readonly #testbed: Testbed;
  readonly #sessions: Sessions;
  readonly #check: (plan: readonly Fault[]) => void;

  /** `check` throws for a fault that cannot be here, beyond what `Testbed.schedule` knows. */
  constructor(testbed: Testbed, sessions: Sessions, check: (plan: readonly Fault[]) => void = () => {}) {
    this.#testbed = testbed;
    this.#sessions = sessions;
    this.#check = check;
  }

  /** Begins a fault on each host. Throws RangeError, and begins none, if one of the faults is not possible. */
  begin(kind: FaultKind, argument: string | undefined, hosts: readonly string[]): void {
    const atMs = nextMoment(this.#testbed.agenda.now());
    const words = argument === undefined ? kind : `${kind} ${argument}`;
    const lines = hosts.map((host) => `${words} on ${host} at ${formatDuration(atMs)}`);
    const plan = parsePlan(lines.join('\n'));
    if ('message' in plan) throw new RangeError(`${words}: ${plan.message}`);
    this.#check(plan);
    this.#testbed.schedule(plan);
  }

  /** Heals every fault of this kind that goes on there, begun by the plan or by hand. */
  heal(kind: FaultKind, hosts: readonly string[]): void {
    for (const host of hosts) {
      for (const span of this.#sessions.faults.on(host)) if (span.kind === kind) this.#healSoon(span);
    }
  }

  #healSoon({ id, host, fromMs }: FaultSpan): void {
    const { agenda } = this.#testbed;
    let atMs = nextMoment(agenda.now());
    // The plan that repeats the run says how long the fault lasted: in floating point, too, its start and its length
    // must add up to this time. About every second microsecond will do; in real time nothing repeats exactly.
    for (let tries = 0; tries < TRIES_MAX && fromMs + lengthBetween(fromMs, atMs) !== atMs; tries++) {
      atMs = nextMoment(atMs);
    }
    agenda.at(atMs, () => this.#testbed.heal(host, id));
  }
}

/**
 * The next microsecond that is not a whole millisecond. Timers ring on whole milliseconds: so nothing else is due at
 * that moment, and a plan's fault at that time does the same, whichever of the two was put on the agenda first.
 */
export function nextMoment(nowMs: number): number {
  const us = Math.floor(nowMs * 1000) + 1;
  return (us % 1000 === 0 ? us + 1 : us) / 1000;
}
