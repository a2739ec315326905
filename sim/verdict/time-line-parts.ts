/** Containers of time lines: lists that stay small however long the run is. */

/** Things at regular intervals, as beats are. */
export interface Run {
  readonly fromMs: number;
  /** The last of them. */
  readonly toMs: number;
  readonly count: number;
}

/** A moment worth telling; or several that read the same, one after the other. */
export interface Mark {
  readonly kind: 'error' | 'note';
  readonly atMs: number;
  /** The last of them. */
  readonly toMs: number;
  readonly count: number;
  readonly text: string;
}

/** A day with a cut every minute has fewer. */
const ITEMS_MAX = 2000;

/** Keeps the earliest, and counts the rest. */
export class Bounded<T> {
  readonly items: T[] = [];
  leftOut = 0;

  push(item: T): void {
    if (this.items.length < ITEMS_MAX) this.items.push(item);
    else this.leftOut++;
  }
}

/** Number of usual intervals beyond which a gap begins a new run. */
const GAP_INTERVALS = 2.5;

const RUNS_MAX = 256;

export class Runs {
  #runs: Run[] = [];
  #gapIntervals = GAP_INTERVALS;

  add(atMs: number): void {
    const last = this.#runs.at(-1);
    if (last === undefined) {
      this.#runs.push({ fromMs: atMs, toMs: atMs, count: 1 });
      return;
    }
    const gapMs = atMs - last.toMs;
    const { fromMs, toMs, count } = last;
    if (count === 2 && gapMs * this.#gapIntervals < toMs - fromMs) {
      // Two are no run yet: the second belongs to what follows.
      this.#runs.splice(-1, 1, { fromMs, toMs: fromMs, count: 1 }, { fromMs: toMs, toMs: atMs, count: 2 });
    } else if (gapMs <= this.#usualMs(last) * this.#gapIntervals) {
      this.#runs.splice(-1, 1, { fromMs, toMs: atMs, count: count + 1 });
    } else {
      this.#runs.push({ fromMs: atMs, toMs: atMs, count: 1 });
    }
    if (this.#runs.length > RUNS_MAX) this.#coarsen();
  }

  all(): readonly Run[] {
    return [...this.#runs];
  }

  /**
   * Between two of the last run; of one alone, the gap before it, which a burst cannot make too small for all that
   * follow.
   */
  #usualMs(last: Run): number {
    const before = this.#runs.at(-2);
    if (last.count > 1) return interval(last);
    return before === undefined ? Infinity : last.fromMs - before.toMs;
  }

  /** The shorter half of the gaps is passed over, and so are longer ones from now on. */
  #coarsen(): void {
    this.#gapIntervals *= 2;
    const gaps = this.#runs.slice(1).map(({ fromMs }, i) => fromMs - (this.#runs[i]?.toMs ?? 0));
    const passedMs = gaps.toSorted((a, b) => a - b)[gaps.length >> 1] ?? 0;
    const joined: Run[] = [];
    for (const run of this.#runs) {
      const before = joined.at(-1);
      if (before !== undefined && run.fromMs - before.toMs <= passedMs) {
        joined.splice(-1, 1, { fromMs: before.fromMs, toMs: run.toMs, count: before.count + run.count });
      } else {
        joined.push(run);
      }
    }
    this.#runs = joined;
  }
}

function interval({ fromMs, toMs, count }: Run): number {
  return count > 1 ? (toMs - fromMs) / (count - 1) : 0;
}

export class Marks {
  readonly #marks = new Bounded<Mark>();

  get leftOut(): number {
    return this.#marks.leftOut;
  }

  add(kind: Mark['kind'], atMs: number, text: string): void {
    this.#marks.push({ kind, atMs, toMs: atMs, count: 1, text });
  }

  /** One mark with the last, if that reads the same: for what is tried again and again. */
  addAgain(kind: Mark['kind'], atMs: number, text: string): void {
    const { items } = this.#marks;
    const last = items.at(-1);
    if (last?.text === text) items.splice(-1, 1, { ...last, toMs: atMs, count: last.count + 1 });
    else this.add(kind, atMs, text);
  }

  all(): readonly Mark[] {
    return [...this.#marks.items];
  }
}
