/** The kinds of faults. A kind is a file of its own and an entry here. */

import type { KindOfFault, NetworkKind, Tier } from '../kind.ts';
import { bandwidth } from './bandwidth.ts';
import { cablePull } from './cable-pull.ts';
import { corrupt } from './corrupt.ts';
import { crash } from './crash.ts';
import { duplicate } from './duplicate.ts';
import { hang } from './hang.ts';
import { jitter } from './jitter.ts';
import { latency } from './latency.ts';
import { loss } from './loss.ts';
import { natTimeout } from './nat-timeout.ts';
import { oneWay } from './one-way.ts';
import { powerLoss } from './power-loss.ts';
import { reorder } from './reorder.ts';
import { reset } from './reset.ts';

/** By the word that plans have for them, in the order in which people are shown them. */
export const FAULTS = {
  'cable-pull': cablePull,
  'power-loss': powerLoss,
  hang,
  crash,
  reset,
  'one-way': oneWay,
  loss,
  latency,
  jitter,
  bandwidth,
  duplicate,
  reorder,
  corrupt,
  'nat-timeout': natTimeout,
} as const satisfies Readonly<Record<string, KindOfFault>>;

export type FaultKind = keyof typeof FAULTS;

export const FAULT_KINDS: readonly FaultKind[] = Object.keys(FAULTS).filter(isFaultKind);

export function isFaultKind(word: string): word is FaultKind {
  return Object.hasOwn(FAULTS, word);
}

/** Of a kind on such a network; undefined: it cannot be done there. */
export function tierOf(kind: FaultKind, network: NetworkKind): Tier | undefined {
  switch (network) {
    case 'simulated': return 'T3';
    case 'gateway': return 'T2';
    case 'real': return FAULTS[kind].realTier;
  }
}
