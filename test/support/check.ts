/** Checks for loops of many thousand turns, in which `expect` would take most of the time. */

export function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`not so: ${what}`);
}
