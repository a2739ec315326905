/** Distribution of how late timers were: any number of them, in a few hundred bytes. */

/** Times in steps of a quarter of an octave, from a microsecond on: what is told is right to within 19%. */
const STEPS_AN_OCTAVE = 4;
const STEPS = 32 * STEPS_AN_OCTAVE;

export class Lateness {
  worstMs = 0;
  count = 0;
  readonly #counts = new Float64Array(STEPS);

  add(ms: number): void {
    this.count++;
    if (ms > this.worstMs) this.worstMs = ms;
    const step = Math.ceil(Math.log2(Math.max(ms * 1000, 1)) * STEPS_AN_OCTAVE);
    this.#counts[Math.min(step, STEPS - 1)] = (this.#counts[Math.min(step, STEPS - 1)] ?? 0) + 1;
  }

  /** Returns the lateness that this share of timers, from 0 to 1, does not exceed. In ms; 0 if there were no timers. */
  quantileMs(share: number): number {
    let left = share * this.count;
    for (const [step, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0 && count > 0) return Math.min(this.worstMs, 2 ** (step / STEPS_AN_OCTAVE) / 1000);
    }
    return this.worstMs;
  }
}
