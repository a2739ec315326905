/** The second in which most happened: of reconnects, how hard a storm of them is for the server. */

export interface Peak {
  readonly count: number;
  /** Time of the first of them. */
  readonly atMs: number;
}

const SECOND_MS = 1000;

export class PeakCounter {
  #peak: Peak | undefined = undefined;
  /** Times of the last second, from `#first` on, in order. */
  #timesMs: number[] = [];
  #first = 0;

  /** The peak; undefined if nothing has happened. */
  get peak(): Peak | undefined {
    return this.#peak;
  }

  /** Times must not go back. */
  add(nowMs: number): void {
    this.#timesMs.push(nowMs);
    while ((this.#timesMs[this.#first] ?? nowMs) <= nowMs - SECOND_MS) this.#first++;
    if (this.#first > this.#timesMs.length / 2) {
      this.#timesMs = this.#timesMs.slice(this.#first);
      this.#first = 0;
    }
    const count = this.#timesMs.length - this.#first;
    if (count > (this.#peak?.count ?? 0)) this.#peak = { count, atMs: this.#timesMs[this.#first] ?? nowMs };
  }
}
