/** Faults of a board: its cable, its power, its firmware. A board is in such a state or it is not: twice is once. */

import type { Board } from '../../board/board.ts';
import type { KindOfFault } from '../kind.ts';

type Told = Pick<KindOfFault, 'summary' | 'firmware' | 'realTier'>;

/** `end` undefined: it is over at once. */
export function boardFault(told: Told, begin: (board: Board) => void, end?: (board: Board) => void): KindOfFault {
  return {
    ...told,
    argument: undefined,
    lasts: () => end !== undefined,
    effect: () => 'cuts',
    isShared: true,
    begin: ({ board }) => {
      begin(board);
      return end && (() => end(board));
    },
  };
}
