/** Counts how often it is asked since it was loaded. */

let count = 0;

export const next = () => ++count;
