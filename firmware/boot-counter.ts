/** Number of starts of this device, kept in storage: it tells a restart from a reconnect. */

import type { Storage } from '../hal/storage.ts';

const KEY = 'boots';

/**
 * Adds one and gives the count, 32 bits. It counts on from 0 where storage has nothing, or something else, under its
 * key.
 */
export function countBoot(storage: Storage): { readonly boots: number; readonly committed: boolean } {
  const boots = (readBoots(storage) + 1) >>> 0;
  storage.set(KEY, Uint8Array.of(boots, boots >>> 8, boots >>> 16, boots >>> 24));
  return { boots, committed: storage.commit() === 0 };
}

/** The count as it is stored; 0 where it is not. */
export function readBoots(storage: Storage): number {
  const stored = storage.get(KEY);
  return stored?.length === 4 ? stored.reduceRight((value, byte) => value * 256 + byte, 0) : 0;
}
