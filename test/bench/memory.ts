/** Memory that objects hold after garbage collection. */

/** Takes the garbage away, which would otherwise be taken away in the middle of what is measured next. */
export function collectGarbage(): void {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('the benchmark needs node --expose-gc');
  // Twice: what the first finds to be finalized, the second takes away.
  gc();
  gc();
}

/** On the heap and beside it (buffers). */
export function usedBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** What each of `count` things holds. */
export function heldBytes(count: number, make: () => unknown): number {
  const things = new Array<unknown>(count).fill(undefined);
  const before = usedBytes();
  for (let i = 0; i < count; i++) things[i] = make();
  const bytes = (usedBytes() - before) / count;
  if (things.length !== count) throw new Error('they are to be reachable until here');
  return bytes;
}
