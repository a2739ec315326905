/** What each kind of fault is: all that bench, plan and verdicts must know of it. A new kind is a new entry, and complete. */

import type { Board } from '../board/board.ts';
import type { FaultKind } from './fault.ts';

/**
 * How true to life a fault on real sockets is. T0: a connection held mute, while the host's kernel goes on acknowledging.
 * T1: closed by a real FIN or RST.
 */
export const TIERS = ['T0', 'T1'] as const;

export type Tier = (typeof TIERS)[number];

/** The firmware under a fault. Whatever is not `running` cannot notice anything, and the next boot puts an end to it. */
export type FirmwareState = 'running' | 'hung' | 'dead' | 'off';

export interface KindOfFault {
  readonly apply: (board: Board) => void;
  /** Undefined: it is over at once, so that there is no time for it to last. */
  readonly heal: ((board: Board) => void) | undefined;
  readonly firmware: FirmwareState;
  readonly tier: Tier;
}

export const FAULTS: Readonly<Record<FaultKind, KindOfFault>> = {
  'cable-pull': { apply: (board) => board.cable.pull(), heal: (board) => board.cable.plug(), firmware: 'running', tier: 'T0' },
  'power-loss': { apply: (board) => board.power.cut(), heal: (board) => board.power.restore(), firmware: 'off', tier: 'T0' },
  hang: { apply: (board) => board.hang(), heal: (board) => board.unhang(), firmware: 'hung', tier: 'T0' },
  crash: { apply: (board) => board.crash(), heal: (board) => board.restartCrashed(), firmware: 'dead', tier: 'T1' },
  reset: { apply: (board) => board.resetConnections(), heal: undefined, firmware: 'running', tier: 'T1' },
};
