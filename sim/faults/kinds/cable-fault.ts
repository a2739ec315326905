/**
 * Faults of a cable: a rule on it while they last. Only the simulated network has such cables. Several on one cable add
 * up.
 */

import type { Rule } from '../../link/rule.ts';
import type { Direction } from '../../link/fabric.ts';
import type { Dice } from '../../dice.ts';
import { type Argument, type Effect, type KindOfFault, networkOf, type Slowdown } from '../kind.ts';

interface CableFaultTraits {
  readonly summary: string;
  readonly argument: Argument;
  /** `argument` has been read before: it is one. */
  readonly rule: (argument: string) => Rule;
  readonly effect: (argument: string) => Effect;
  readonly slowdown: (argument: string) => Slowdown;
  readonly drawArgument: (dice: Dice) => string;
  /** Returns the direction of the cable that the fault affects. Default both. */
  readonly way?: (argument: string) => Direction | 'both';
}

export function cableFault(traits: CableFaultTraits): KindOfFault {
  const { summary, argument, rule, effect, slowdown, drawArgument, way = () => 'both' } = traits;
  return {
    summary,
    argument,
    lasts: () => true,
    effect: (text) => effect(given(text)),
    firmware: 'running',
    realTier: undefined,
    isShared: false,
    mutes: (text, direction) => {
      return effect(given(text)) === 'cuts' && ['both', direction].includes(way(given(text)));
    },
    slowdown: (text) => slowdown(given(text)),
    drawArgument,
    begin: (victim, text) => networkOf(victim).cable.install(way(given(text)), rule(given(text))),
  };
}

function given(argument: string | undefined): string {
  if (argument === undefined) throw new Error('this fault needs to know how much');
  return argument;
}
