/** Order for a part of the benchmark. */

export interface Asked {
  /** Every row, in as many rounds as make it certain; else those that people look at, within two minutes in all. */
  readonly all: boolean;
  /** A sentence for a row that is not there. */
  readonly notMeasured: (why: string) => void;
}
