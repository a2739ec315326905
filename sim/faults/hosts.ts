/** A plan against a world: whom each fault means, and whether it can be done there. */

import { type Fault, formatFault, targets as isTarget } from './fault.ts';
import type { KindOfFault, NetworkKind, Side } from './kind.ts';
import { FAULTS, tierOf } from './kinds/index.ts';

/** The hosts that a plan can name. */
export interface Hosts {
  readonly network: NetworkKind;
  readonly devices: readonly string[];
  /** Servers on which faults are possible. */
  readonly servers: readonly string[];
}

export interface Target {
  readonly name: string;
  readonly side: Side;
}

/** The hosts that a fault means: a server by its name, devices by name or pattern. */
export function targetsOf({ target }: Fault, { devices, servers }: Hosts): readonly Target[] {
  if (servers.includes(target)) return [{ name: target, side: 'server' }];
  return devices.filter((name) => isTarget(target, name)).map((name) => ({ name, side: 'device' as const }));
}

/** A sentence for the first fault that cannot be done there, or means nobody; undefined where all is well. */
export function problemOf(plan: readonly Fault[], hosts: Hosts): string | undefined {
  for (const fault of plan) {
    const problem = faultProblem(fault, hosts);
    if (problem !== undefined) return `${formatFault(fault)}: ${problem}`;
  }
  return undefined;
}

function faultProblem(fault: Fault, hosts: Hosts): string | undefined {
  const { network, devices, servers } = hosts;
  if (tierOf(fault.kind, network) === undefined) {
    return `there is no ${fault.kind} over real sockets, whose packets are out of reach; the simulated network has it`;
  }
  const kind: KindOfFault = FAULTS[fault.kind];
  const targets = targetsOf(fault, hosts);
  if (network === 'gateway' && kind.needsOurStack === true && targets.some(({ side }) => side === 'server')) {
    return `there is no ${fault.kind} on a server of your own, whose kernel has the interface; devices have it`;
  }
  if (targets.length > 0) return undefined;
  if (fault.target === 'server' && network === 'real') {
    return 'the server is out of reach over real sockets; the simulated network has faults on servers';
  }
  const first = devices[0] ?? 'none';
  const last = devices.at(-1) ?? first;
  const others = servers.length === 0 ? '' : `, and ${servers.join(', ')}`;
  return `no device is called '${fault.target}'; there ${first === last ? `is ${first}` : `are ${first} to ${last}`}${others}`;
}
