/** One run of a swarm, and what is left of one that fails: what a worker does. */

import { parsePlan } from '../faults/plan.ts';
import { formatDuration } from '../time/duration.ts';
import { settleMs } from './bounds.ts';
import type { Invariant } from './invariants.ts';
import type { Swarm } from './swarm-text.ts';
import { type ProgramWatch, runProgram } from './program-run.ts';
import { type RunResult, runScenario } from './run.ts';
import { drawScenario, reduced, type Scenario } from './scenario.ts';
import { type Repetition, repetitionOf, shrink } from './shrink.ts';

/** `devices`: of the fleet that was drawn only these. Throws where a line of the plan is none. */
export function scenarioOf(
  { seed, forMs, plan: lines, program }: Swarm, index: number, devices?: readonly string[],
): Scenario {
  const all = drawScenario(seed, index, forMs);
  // A Node program runs on Linux.
  const drawn: Scenario = program === undefined ? all : { ...all, server: { ...all.server, profile: 'linux' } };
  const names = devices ?? drawn.devices.map(({ name }) => name);
  if (lines.length === 0) return reduced(drawn, drawn.plan, names);
  const plan = parsePlan(lines.join('\n'));
  if ('message' in plan) {
    throw new Error(`line ${plan.line} of the plan of a swarm of ${formatDuration(forMs)}: ${plan.message}`);
  }
  // If the plan leaves no time to settle, no invariant that needs it is checked. A part of a fleet is calm when the
  // whole fleet is.
  const calmMs = Math.max(forMs - settleMs({ ...drawn, plan }), 0);
  return { ...reduced(drawn, plan, names), calmMs };
}

export function runOf(swarm: Swarm, index: number, watch?: ProgramWatch): Promise<RunResult> {
  return runIn(swarm, scenarioOf(swarm, index), watch);
}

export function runIn({ program }: Swarm, scenario: Scenario, watch?: ProgramWatch): Promise<RunResult> {
  return program === undefined ? runScenario(scenario) : runProgram(scenario, program, watch);
}

/** The least of run `index` that violates the same invariant. */
export async function shrunkOf(
  swarm: Swarm, index: number, invariant: Invariant, watch?: ProgramWatch,
): Promise<Repetition> {
  const { scenario } = await shrink(scenarioOf(swarm, index), async (candidate) => {
    const { violations } = await runIn(swarm, candidate, watch);
    return violations.some((violation) => violation.invariant === invariant);
  });
  return repetitionOf(scenario);
}
