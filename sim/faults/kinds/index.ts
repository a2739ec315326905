/** Every kind of fault. A new one is a new file, and an entry here. */

import type { FaultKind } from '../fault.ts';
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

export const FAULTS: Readonly<Record<FaultKind, KindOfFault>> = {
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
};

/** Of a kind on such a network; undefined: it cannot be done there. */
export function tierOf(kind: FaultKind, network: NetworkKind): Tier | undefined {
  return network === 'simulated' ? 'T3' : FAULTS[kind].realTier;
}
