/** What each kind of fault is: all that testbed, plan and verdicts must know of it. A new kind is a new entry, and complete. */

import type { Board } from '../board/board.ts';
import type { FaultKind } from './fault.ts';

/** What boards stand on: real sockets, or a network of our own. */
export type NetworkKind = 'real' | 'simulated';

/**
 * How true to life a fault is. T0: a connection on real sockets held mute, while the host's kernel goes on acknowledging. T1: closed by
 * a real FIN or RST. T3: on the simulated network, where frames are lost and stacks lose their power. (T2, real sockets whose packets
 * a firewall drops, is not here.)
 */
export const TIERS = ['T0', 'T1', 'T3'] as const;

export type Tier = (typeof TIERS)[number];

/** The firmware under a fault. Whatever is not `running` cannot notice anything, and the next boot puts an end to it. */
export type FirmwareState = 'running' | 'hung' | 'dead' | 'off';

export interface KindOfFault {
  readonly apply: (board: Board) => void;
  /** Undefined: it is over at once, so that there is no time for it to last. */
  readonly heal: ((board: Board) => void) | undefined;
  readonly firmware: FirmwareState;
  /** On real sockets. */
  readonly realTier: Tier;
}

export const FAULTS: Readonly<Record<FaultKind, KindOfFault>> = {
  'cable-pull': { apply: (board) => board.cable.pull(), heal: (board) => board.cable.plug(), firmware: 'running', realTier: 'T0' },
  'power-loss': { apply: (board) => board.power.cut(), heal: (board) => board.power.restore(), firmware: 'off', realTier: 'T0' },
  hang: { apply: (board) => board.hang(), heal: (board) => board.unhang(), firmware: 'hung', realTier: 'T0' },
  crash: { apply: (board) => board.crash(), heal: (board) => board.restartCrashed(), firmware: 'dead', realTier: 'T1' },
  reset: { apply: (board) => board.resetConnections(), heal: undefined, firmware: 'running', realTier: 'T1' },
};

export function tierOf(kind: FaultKind, network: NetworkKind): Tier {
  return network === 'simulated' ? 'T3' : FAULTS[kind].realTier;
}
