/** Memory that objects hold after garbage collection. */

/** Collects garbage now, so that it is not collected during the next measurement. */
export function collectGarbage(): void {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('the benchmark needs node --expose-gc');
  // Two collections, because the second removes objects whose finalizers the first has run.
  gc();
  gc();
}

/** On the heap and beside it (buffers). */
export function usedBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Returns the memory that each of `count` things holds. */
export function heldBytes(count: number, make: () => unknown): number {
  const things = new Array<unknown>(count).fill(undefined);
  const before = usedBytes();
  for (let i = 0; i < count; i++) things[i] = make();
  const bytes = (usedBytes() - before) / count;
  if (things.length !== count) throw new Error('they are to be reachable until here');
  return bytes;
}
