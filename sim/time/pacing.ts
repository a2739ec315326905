/** Virtual time that follows real time, or leaves it behind, and lets the host live meanwhile. */

import type { Engine, RunOutcome } from './engine.ts';

/**
 * Longest time of work, or sleep, before the loop looks around: often enough for Ctrl-C and progress, seldom enough to
 * cost nothing.
 */
const SLICE_MS = 20;

/** Number of events between two looks at the real clock. */
const EVENTS_A_LOOK = 250;

export interface PacingOptions {
  /** Virtual seconds for each real one, above 0; Infinity: as fast as it goes. */
  readonly speed: number;
  /** Real time in ms, which never goes back. */
  readonly now: () => number;
  /** Resolves after so many ms of real time; 0: as soon as the host has done what else it has to do. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Looked at several times a second: true ends the run. An AbortSignal will do. */
  readonly signal?: { readonly aborted: boolean };
  /**
   * Called after each slice of work, many times a second. `lagMs` is how many ms of real time ago the engine should
   * have been where it is, because there is more to do than there is time for; 0 when it keeps up, or need not.
   */
  readonly onProgress?: (lagMs: number) => void;
}

/** @internal Does events of the engine for somebody who has to let the process's own loop turn between them. */
export interface Stepper {
  advance(endUs: number, eventsMax: number): Promise<RunOutcome>;
}

/**
 * Runs `engine` until `endUs`. True: it was stopped, by `stop` or the signal, before that. Throws what the run throws.
 */
export async function runPaced(
  engine: Engine,
  endUs: number,
  options: PacingOptions,
  stepper?: Stepper,
): Promise<boolean> {
  const { speed, now, sleep, signal, onProgress } = options;
  if (!(speed > 0)) throw new Error(`time cannot run at a speed of ${speed}`);
  const startUs = engine.nowUs;
  const startMs = now();
  /** The real time at which it should be `atUs`. */
  const realMs = (atUs: number): number => startMs + (atUs - startUs) / 1000 / speed;
  while (signal?.aborted !== true) {
    const sliceMs = now();
    const dueUs =
      speed === Infinity ? endUs : Math.min(endUs, startUs + Math.floor((sliceMs - startMs) * 1000 * speed));
    const step = (): RunOutcome | Promise<RunOutcome> =>
      stepper?.advance(dueUs, EVENTS_A_LOOK) ?? engine.runSome(dueUs, EVENTS_A_LOOK);
    let outcome = await step();
    while (outcome === 'more' && now() - sliceMs < SLICE_MS) outcome = await step();
    onProgress?.(outcome === 'reached' || speed === Infinity ? 0 : now() - realMs(engine.nowUs));
    if (outcome === 'stopped') return true;
    if (outcome === 'reached' && dueUs >= endUs) return false;
    // One who lags behind does not sleep, but lets the host breathe.
    await sleep(outcome === 'more' ? 0 : Math.min(SLICE_MS, Math.max(1, Math.ceil(realMs(endUs) - now()))));
  }
  return true;
}
