/**
 * Checks of the numbers among a server's settings. Each check returns a sentence, or undefined if the number is valid.
 */

/** A whole number from `least` on. */
export function atLeast(field: string, value: number, least: number): string | undefined {
  if (Number.isInteger(value) && value >= least) return undefined;
  return `${field} is ${value}, must be a whole number of at least ${least}`;
}

/** A whole number from `least` to `most`. */
export function within(field: string, value: number, least: number, most: number): string | undefined {
  if (Number.isInteger(value) && value >= least && value <= most) return undefined;
  return `${field} is ${value}, must be a whole number from ${least} to ${most}`;
}
