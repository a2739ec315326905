/** Faults of a cable: a rule on it while they last. Only the simulated network has such cables. Several on one cable add up. */

import type { Rule } from '../../link/rule.ts';
import type { Direction } from '../../link/wires.ts';
import { type Argument, type Effect, type KindOfFault, networkOf } from '../kind.ts';

interface CableFault {
  readonly summary: string;
  readonly argument: Argument;
  /** `argument` has been read before: it is one. */
  readonly rule: (argument: string) => Rule;
  readonly effect: (argument: string) => Effect;
  /** Which way of the cable; default both. */
  readonly way?: (argument: string) => Direction | 'both';
}

export function cableFault({ summary, argument, rule, effect, way = () => 'both' }: CableFault): KindOfFault {
  return {
    summary,
    argument,
    lasts: () => true,
    effect: (text) => effect(given(text)),
    firmware: 'running',
    realTier: undefined,
    isShared: false,
    begin: (victim, text) => networkOf(victim).cable.install(way(given(text)), rule(given(text))),
  };
}

function given(argument: string | undefined): string {
  if (argument === undefined) throw new Error('this fault needs to know how much');
  return argument;
}
