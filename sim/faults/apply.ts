/** What each kind of fault does to a board, and what its end does. */

import type { Board } from '../board/board.ts';
import type { FaultKind } from './fault.ts';

export interface FaultActions {
  readonly apply: (board: Board) => void;
  readonly heal: (board: Board) => void;
}

export const FAULTS: Readonly<Record<FaultKind, FaultActions>> = {
  'cable-pull': { apply: (board) => board.cable.pull(), heal: (board) => board.cable.plug() },
  'power-loss': { apply: (board) => board.power.cut(), heal: (board) => board.power.restore() },
  hang: { apply: (board) => board.hang(), heal: (board) => board.unhang() },
  crash: { apply: (board) => board.crash(), heal: (board) => board.restartCrashed() },
  reset: { apply: (board) => board.resetConnections(), heal: () => {} },
};
