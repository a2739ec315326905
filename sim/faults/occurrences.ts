/** The occurrences of a fault: once or repeatedly, at times that follow from the seed. */

import type { Random } from '../../hal/random.ts';
import type { Fault, Range } from './fault.ts';

export interface Occurrence {
  readonly atMs: number;
  /** Undefined: for good, or over at once. */
  readonly forMs: number | undefined;
}

/** Yields the occurrences in order of time; without end if the fault repeats. */
export function* occurrences({ at, for: length, everyMs }: Fault, random: Random): Generator<Occurrence, void> {
  for (let n = 0; ; n++) {
    const atMs = draw(at, random) + n * (everyMs ?? 0);
    yield { atMs, forMs: length && draw(length, random) };
    if (everyMs === undefined) return;
  }
}

/** To the microsecond. */
function draw({ fromMs, toMs }: Range, random: Random): number {
  if (fromMs === toMs) return fromMs;
  return Math.round((fromMs + ((toMs - fromMs) * random.uint32()) / 2 ** 32) * 1000) / 1000;
}
