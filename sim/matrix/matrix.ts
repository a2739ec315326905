/**
 * The matrix: faults against policies, found by experiment. Each cell is a world of its own, in virtual time: one
 * device (lwIP, unless told), one server (Linux, unless told), 20 ms each way, nothing lost; and what its verdict says
 * of each end.
 */

import type { Fault } from '../faults/fault.ts';
import type { FirmwareState } from '../faults/kind.ts';
import { FAULTS } from '../faults/kinds/index.ts';
import { planOf } from '../faults/plan.ts';
import { Simulation } from '../simulation.ts';
import { type Duration, durationMs } from '../time/duration.ts';
import type { Noticed, Verdict } from '../verdict/verdict.ts';
import { firmwareOfPolicy, POLICIES, type Policy, serverOf } from './policy.ts';
import { DEFAULT_STACKS, type Stacks } from './stacks.ts';
import { usualFaultsAt } from './usual-faults.ts';

export interface MatrixFault {
  readonly name: string;
  /** A plan for `dev-1` and `server`; the first that cuts is what is looked at. */
  readonly plan: string;
  /** Why it is as it is, in a sentence. */
  readonly why?: string;
}

/** Makes the usual rows. Everything is calm when their faults come. */
const usual = usualFaultsAt('1m');

/** Faults that heartbeats and keepalive are usually argued about. */
export const MATRIX_FAULTS: readonly MatrixFault[] = [
  usual(
    'cable',
    'A pulled cable sends no FIN, so an idle connection never shows it. Keepalive probes and beats find it, because '
    + 'nothing answers them.',
  ),
  usual('power', 'A device without power sends no FIN either, and cannot notice anything itself.'),
  usual(
    'power and reboot',
    'The rebooted stack does not know the old connection and answers a probe with RST. A server that never sends '
    + 'first keeps the ghost beside the new session until it has counted the missed beats.',
  ),
  usual(
    'hang',
    'The TCP stack of a hung firmware still answers keepalive probes, so TCP alone never finds the hang. Only beats '
    + 'come from the firmware itself.',
  ),
  usual(
    'server power',
    'Now the server is dead, and the device believes in it until its beats or keepalive probes get no answer.',
  ),
  {
    name: 'NAT expiry (5 min)',
    plan: 'nat-timeout 5m on dev-1 from 0s',
    why: 'A NAT box forgets a connection that was idle for 5 min and tells nobody. A probe or a beat that is sent more '
      + 'often keeps the mapping alive.',
  },
];

/** Result for one end. */
export type End =
  | ({ readonly kind: 'noticed' } & Noticed)
  /** Not within the horizon. */
  | { readonly kind: 'never' }
  | { readonly kind: 'survived' }
  /** The end could not notice: the fault had stopped it. */
  | { readonly kind: 'stopped'; readonly state: Exclude<FirmwareState, 'running'> }
  /** The event that the plan waits for never came. */
  | { readonly kind: 'spared' }
  /** The way was worse, and yet a way; nobody gave up. */
  | { readonly kind: 'held' }
  /** The fault found no connection. */
  | { readonly kind: 'untested' };

export interface MatrixCell {
  readonly policy: string;
  readonly server: End;
  readonly device: End;
}

export interface MatrixRow {
  readonly fault: string;
  readonly plan: string;
  readonly why?: string;
  /** Cells in the order of the policies. */
  readonly cells: readonly MatrixCell[];
}

export interface Matrix extends Stacks {
  readonly seed: number;
  /** Time after a fault for which the experiment watches. */
  readonly horizonMs: number;
  readonly policies: readonly string[];
  readonly rows: readonly MatrixRow[];
}

export interface MatrixOptions extends Stacks {
  /** Default: POLICIES. */
  readonly policies?: readonly Policy[];
  /** Default: MATRIX_FAULTS. */
  readonly faults?: readonly MatrixFault[];
  /** Default 1 h. */
  readonly horizon?: Duration;
  readonly seed?: number;
}

/** Does all the experiments. Rejects with a RangeError for a plan that cannot be. */
export async function matrix({
  policies = POLICIES,
  faults = MATRIX_FAULTS,
  horizon = '1h',
  seed = 1,
  profile = DEFAULT_STACKS.profile,
  serverProfile = DEFAULT_STACKS.serverProfile,
}: MatrixOptions = {}): Promise<Matrix> {
  const stacks = { profile, serverProfile };
  const horizonMs = durationMs(horizon);
  const rows: MatrixRow[] = [];
  for (const { name, plan, why } of faults) {
    const cells: MatrixCell[] = [];
    const parsed = planOf(plan);
    for (const policy of policies) {
      cells.push({ policy: policy.name, ...(await experiment(policy, parsed, stacks, horizonMs, seed)) });
    }
    rows.push({ fault: name, plan, ...(why !== undefined && { why }), cells });
  }
  return {
    seed,
    ...(profile !== DEFAULT_STACKS.profile && { profile }),
    ...(serverProfile !== DEFAULT_STACKS.serverProfile && { serverProfile }),
    horizonMs,
    policies: policies.map(({ name }) => name),
    rows,
  };
}

/** Time in addition to the horizon: for an event that a plan waits for before it cuts. */
const LEAD_MS = 600_000;

async function experiment(
  policy: Policy,
  plan: readonly Fault[],
  { profile, serverProfile }: Required<Stacks>,
  horizonMs: number,
  seed: number,
): Promise<{ server: End; device: End }> {
  const sim = new Simulation({ seed });
  sim.addServer(serverOf(policy), { profile: serverProfile });
  sim.addDevice({ firmware: firmwareOfPolicy(policy), profile, link: { delay: '20ms' } });
  sim.schedule(plan);
  await sim.runFor(latestMs(plan) + LEAD_MS + horizonMs);
  const firstFault = (): Verdict | undefined => {
    const verdicts = sim.testbed.witness.judge.verdicts(sim.nowMs);
    return verdicts.find(({ effect }) => effect === 'cuts') ?? verdicts[0];
  };
  // A box may forget the connection late, so that its verdict begins late.
  await sim.runFor(Math.max(0, (firstFault()?.atMs ?? 0) + horizonMs - sim.nowMs));
  const verdict = firstFault();
  if (verdict?.wasConnected !== true) {
    const kind = verdict === undefined && isWaiting(plan) ? 'spared' : 'untested';
    return { server: { kind }, device: { kind } };
  }
  return {
    server: endOf(verdict, verdict.serverNoticed, verdict.server, horizonMs),
    device: endOf(verdict, verdict.deviceNoticed, verdict.firmware, horizonMs),
  };
}

/** Returns the latest time at which the last fault of a plan comes. */
function latestMs(plan: readonly Fault[]): number {
  return Math.max(0, ...plan.map(({ at }) => at.toMs));
}

/** Returns whether the plan waits for something that a box on the way may do or not. */
function isWaiting(plan: readonly Fault[]): boolean {
  return plan.some(({ kind, argument }) => FAULTS[kind].effect(argument) === 'latent');
}

function endOf(
  { survived, effect }: Verdict,
  noticed: Noticed | undefined,
  state: FirmwareState,
  horizonMs: number,
): End {
  if (noticed !== undefined && noticed.afterMs <= horizonMs) return { kind: 'noticed', ...noticed };
  if (state !== 'running') return { kind: 'stopped', state };
  if (effect === 'harms') return { kind: 'held' };
  return { kind: survived ? 'survived' : 'never' };
}
