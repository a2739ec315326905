/** The fault that a matcher is about: the last that has cut a device. */

import { allOfServerNoticed, type Verdict } from '../verdict/verdict.ts';
import { isLater, pass, type World } from './world.ts';

/** A verdict that is looked at again as time passes. */
export interface Cut {
  readonly device: string;
  /** Returns the verdict as things stand now. */
  verdict(): Verdict;
}

/** Throws where there is none. */
export function latestCut({ testbed }: World, device: string): Cut {
  const cut = testbed.witness.judge.latestCut(device);
  if (cut === undefined) {
    throw new Error(
      `no fault has cut ${device} yet: pull its cable (device.cable.pull()), or schedule a plan and let time pass`,
    );
  }
  return { device, verdict: () => cut(testbed.agenda.now()) };
}

/**
 * Lets time pass until the fault is healed, which is the case when those that touch the device are all over. One that
 * nobody has said the end of, a hang say that a watchdog will end, is waited for as long as `patienceMs` from now.
 */
export async function heal(world: World, cut: Cut, patienceMs: number): Promise<void> {
  const { testbed } = world;
  const now = testbed.agenda.now();
  const open = testbed.witness.judge.verdicts(now).filter(({ device, isOver }) => device === cut.device && !isOver);
  const endMs = Math.max(now + patienceMs, ...open.map(({ atMs, forMs = 0 }) => atMs + forMs));
  await pass(world, () => cut.verdict().healedAfterMs !== undefined, endMs);
}

export function noticed(verdict: Verdict, by: 'server' | 'device', nowMs: number): string {
  const { deviceNoticed, survived, atMs } = verdict;
  const how = by === 'server' ? allOfServerNoticed(verdict) : deviceNoticed;
  const state = by === 'server' ? verdict.server : verdict.firmware;
  if (how !== undefined) return `the ${by} noticed after ${exactly(how.afterMs)} (${how.by})`;
  if (survived) return 'the connection survived';
  if (state !== 'running') return `the ${by} could not notice, as it was ${state}`;
  return `the ${by} has not noticed in ${exactly(nowMs - atMs)}`;
}

/** Returns whether it happened, and in time. */
export function isWithin(afterMs: number | undefined, withinMs: number): boolean {
  return afterMs !== undefined && !isLater(afterMs, withinMs);
}

/** To the millisecond, so that it can be told from a deadline that it just missed. */
export function exactly(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`;
}
