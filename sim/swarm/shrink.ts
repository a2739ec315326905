/**
 * Makes a failing scenario as small as it can: fewer faults, fewer devices, then simpler ones, as long as the same
 * invariant fails. It is greedy and asks in a fixed order, so that the same scenario always comes to the same; and it
 * asks no more than so often. (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002: ddmin,
 * for parts that are few.)
 */

import { type Fault, formatFault, type Range, targets } from '../faults/fault.ts';
import { SERVER_NAME } from '../programs.ts';
import { reduced, type Scenario } from './scenario.ts';

/** Largest number of scenarios that are tried. */
export const TRIES_MAX = 200;

/** The smallest that was found, and how many were tried. */
export interface Shrunk {
  readonly scenario: Scenario;
  readonly tries: number;
}

/**
 * `fails`: whether this one still fails in the same way; it is not asked about `scenario` itself. A plan with faults
 * keeps one in any case, since a line that repeats a run without any would mean the plan that was drawn for it. A plan
 * that was drawn without faults loses devices only.
 */
export async function shrink(
  scenario: Scenario,
  fails: (scenario: Scenario) => Promise<boolean>,
  triesMax = TRIES_MAX,
): Promise<Shrunk> {
  let smallest = scenario;
  let tries = 0;
  /** Takes the first of these that fails, if there is one. */
  const improve = async (candidates: Iterable<Scenario>): Promise<boolean> => {
    for (const candidate of candidates) {
      if (tries >= triesMax) return false;
      tries++;
      if (!(await fails(candidate))) continue;
      smallest = candidate;
      return true;
    }
    return false;
  };
  // Removing faults shrinks a scenario most, so it is tried first, and again after each success.
  while (tries < triesMax) {
    if (await improve(withFewerFaults(smallest))) continue;
    if (await improve(withFewerDevices(smallest))) continue;
    if (await improve(withSimplerFaults(smallest))) continue;
    break;
  }
  return { scenario: smallest, tries };
}

/** Without halves, quarters, and so on down to single faults. */
function* withFewerFaults(scenario: Scenario): Generator<Scenario> {
  for (const plan of withoutChunks(scenario.plan)) if (plan.length > 0) {
    yield reduced(scenario, plan, scenario.devices.map(({ name }) => name));
  }
}

function* withFewerDevices(scenario: Scenario): Generator<Scenario> {
  for (const devices of withoutChunks(scenario.devices)) {
    if (devices.length === 0) continue;
    const names = devices.map(({ name }) => name);
    const smaller = reduced(scenario, scenario.plan, names);
    if (smaller.plan.length > 0 || scenario.plan.length === 0) yield smaller;
  }
}

function* withoutChunks<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let size = list.length; size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < list.length; from += size) yield [...list.slice(0, from), ...list.slice(from + size)];
  }
}

function* withSimplerFaults(scenario: Scenario): Generator<Scenario> {
  for (const [i, fault] of scenario.plan.entries()) {
    for (const simpler of simplerFaults(fault, scenario)) {
      yield { ...scenario, plan: scenario.plan.map((other, j) => (j === i ? simpler : other)) };
    }
  }
}

/** Each is simpler by a measure that only falls: so this comes to an end. */
function* simplerFaults(fault: Fault, { devices }: Scenario): Generator<Fault> {
  const { at, for: length, everyMs, target } = fault;
  if (everyMs !== undefined) yield { ...fault, everyMs: undefined };
  if (at.fromMs !== at.toMs) {
    yield { ...fault, at: exactly(at.fromMs) };
    yield { ...fault, at: exactly(at.toMs) };
  }
  if (length !== undefined && length.fromMs !== length.toMs) {
    yield { ...fault, for: exactly(length.fromMs) };
    yield { ...fault, for: exactly(length.toMs) };
  }
  if (target !== SERVER_NAME && !devices.some(({ name }) => name === target)) {
    for (const { name } of devices) if (targets(target, name)) yield { ...fault, target: name };
  }
  for (const ms of rounder(at)) yield { ...fault, at: exactly(ms) };
  for (const ms of length === undefined ? [] : rounder(length)) if (everyMs === undefined || ms < everyMs) {
    yield { ...fault, for: exactly(ms) };
  }
}

/** Rounder times that are no longer: whole minutes, tens of seconds, seconds. */
function rounder({ fromMs, toMs }: Range): number[] {
  if (fromMs !== toMs) return [];
  const units = [60_000, 10_000, 1000];
  const own = units.findIndex((unit) => fromMs % unit === 0);
  return units
    .slice(0, own < 0 ? units.length : own)
    .map((unit) => Math.floor(fromMs / unit) * unit)
    .filter((ms) => ms > 0 && ms < fromMs);
}

function exactly(ms: number): Range {
  return { fromMs: ms, toMs: ms };
}

/** The input that repeats a run: the devices of the run's fleet, and the plan in lines. */
export interface Repetition {
  readonly devices: readonly string[];
  readonly plan: readonly string[];
}

export function repetitionOf({ devices, plan }: Scenario): Repetition {
  return { devices: devices.map(({ name }) => name), plan: plan.map(formatFault) };
}
