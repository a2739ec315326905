/**
 * A figure: what something costs, beside what the platform itself takes for the same (its floor), measured in the same
 * run and in turn with it, as a machine's speed drifts and others are at work on it. Only the ratio of the two can be
 * held against a budget elsewhere.
 */

export interface Figure {
  readonly what: string;
  readonly unit: 'ns' | 'us' | 'ms' | 'bytes';
  /** Medians of the rounds. */
  readonly measured: number;
  readonly floor: number;
  /** The median of each round's own ratio. */
  readonly ratio: number;
  /** Budget: the greatest value allowed. `excess`: the measured cost minus the floor. */
  readonly budget?: { readonly of: 'ratio' | 'measured' | 'excess'; readonly max: number };
  /** Text that helps to read the figure, or something to compare the figure with. */
  readonly note?: string;
  /** Reason why the budget is not met, if the reason is known. */
  readonly why?: string;
}

/** Costs of one round. */
export interface Round {
  readonly measured: number;
  readonly floor: number;
}

/** A figure, but for what its rounds tell. */
export type Question = Omit<Figure, 'measured' | 'floor' | 'ratio'>;

export function figure(question: Question, rounds: readonly Round[]): Figure {
  for (const { floor } of rounds) {
    if (!(floor > 0)) throw new Error(`${question.what}: a floor of ${floor} is no floor`);
  }
  return {
    ...question,
    measured: median(rounds.map(({ measured }) => measured)),
    floor: median(rounds.map(({ floor }) => floor)),
    ratio: median(rounds.map(({ measured, floor }) => measured / floor)),
  };
}

/** Returns undefined if the figure has no budget. */
export function isMet(figure: Figure): boolean | undefined {
  return figure.budget === undefined ? undefined : judged(figure) <= figure.budget.max;
}

/** Returns the value that the budget limits. */
export function judged({ budget, ratio, measured, floor }: Figure): number {
  switch (budget?.of) {
    case 'measured': return measured;
    case 'excess': return measured - floor;
    case 'ratio':
    case undefined: return ratio;
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[sorted.length >> 1];
  if (middle === undefined) throw new Error('a median needs at least one value');
  return middle;
}
