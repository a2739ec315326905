/** The kinds of faults. A kind is a file of its own and an entry here. */

import type { KindOfFault, NetworkKind, Tier } from '../kind.ts';
import { addressRemovedFault } from './address-removed.ts';
import { bandwidthFault } from './bandwidth.ts';
import { cablePullFault } from './cable-pull.ts';
import { corruptFault } from './corrupt.ts';
import { crashFault } from './crash.ts';
import { deafToProbesFault } from './deaf-to-probes.ts';
import { duplicateFault } from './duplicate.ts';
import { hangFault } from './hang.ts';
import { idleResetFault } from './idle-reset.ts';
import { interfaceDownFault } from './interface-down.ts';
import { jitterFault } from './jitter.ts';
import { latencyFault } from './latency.ts';
import { lossFault } from './loss.ts';
import { mtuBlackholeFault } from './mtu-blackhole.ts';
import { natTimeoutFault } from './nat-timeout.ts';
import { oneWayFault } from './one-way.ts';
import { powerLossFault } from './power-loss.ts';
import { reorderFault } from './reorder.ts';
import { resetFault } from './reset.ts';
import { roamFault } from './roam.ts';

/** Fault kinds by their names in plans, in the order in which they are shown. */
export const FAULTS = {
  'cable-pull': cablePullFault,
  'interface-down': interfaceDownFault,
  'address-removed': addressRemovedFault,
  'power-loss': powerLossFault,
  hang: hangFault,
  crash: crashFault,
  reset: resetFault,
  'one-way': oneWayFault,
  loss: lossFault,
  latency: latencyFault,
  jitter: jitterFault,
  bandwidth: bandwidthFault,
  duplicate: duplicateFault,
  reorder: reorderFault,
  corrupt: corruptFault,
  'nat-timeout': natTimeoutFault,
  'idle-reset': idleResetFault,
  'mtu-blackhole': mtuBlackholeFault,
  'deaf-to-probes': deafToProbesFault,
  roam: roamFault,
} as const satisfies Readonly<Record<string, KindOfFault>>;

export type FaultKind = keyof typeof FAULTS;

export const FAULT_KINDS: readonly FaultKind[] = Object.keys(FAULTS).filter(isFaultKind);

export function isFaultKind(word: string): word is FaultKind {
  return Object.hasOwn(FAULTS, word);
}

/** Returns the fidelity of the kind on this network; undefined if the kind is impossible there. */
export function tierOf(kind: FaultKind, network: NetworkKind): Tier | undefined {
  switch (network) {
    case 'simulated': return 'T3';
    case 'gateway': return 'T2';
    case 'real': return FAULTS[kind].realTier;
  }
}
