/** Faults of a board: its cable, its power, its firmware. A board is in such a state or it is not: twice is once. */

import type { Machine } from '../../board/machine.ts';
import { type KindOfFault, NO_SLOWDOWN } from '../kind.ts';

interface BoardFaultTraits extends Pick<KindOfFault, 'summary' | 'firmware' | 'realTier' | 'needsOurStack'> {
  /** True if nothing passes between the board and the network while the fault lasts. */
  readonly mutes: boolean;
}

/** `end` undefined: it is over at once. */
export function boardFault(
  { mutes, ...traits }: BoardFaultTraits, begin: (machine: Machine) => void, end?: (machine: Machine) => void,
): KindOfFault {
  return {
    ...traits,
    argument: undefined,
    lasts: () => end !== undefined,
    effect: () => 'cuts',
    isShared: true,
    mutes: () => mutes,
    slowdown: () => NO_SLOWDOWN,
    drawArgument: () => undefined,
    begin: ({ machine }) => {
      begin(machine);
      return end && (() => end(machine));
    },
  };
}
