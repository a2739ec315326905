/**
 * A figure: what something costs, beside what the platform itself takes for the same (its floor), measured in the same
 * run and in turn with it, as a machine's speed drifts and others are at work on it. Only the ratio of the two can be
 * held against a budget elsewhere.
 */

export interface Figure {
  readonly what: string;
  readonly unit: 'ns' | 'us' | 'bytes';
  /** Medians of the rounds. */
  readonly measured: number;
  readonly floor: number;
  /** The median of each round's own ratio. */
  readonly ratio: number;
  /** At most this, where there is a budget. */
  readonly budget?: { readonly of: 'ratio' | 'measured'; readonly max: number };
  /** To compare with, or how to read it. */
  readonly note?: string;
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

/** Undefined where there is no budget. */
export function isMet({ budget, ratio, measured }: Figure): boolean | undefined {
  if (budget === undefined) return undefined;
  return (budget.of === 'ratio' ? ratio : measured) <= budget.max;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[sorted.length >> 1];
  if (middle === undefined) throw new Error('a median needs at least one value');
  return middle;
}
