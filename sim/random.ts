/**
 * Random numbers that follow from a seed. Each user has a stream of its own, forked by name, so that one more device, or one
 * more draw by one of them, changes nothing for the others.
 */

import type { Random } from '../hal/random.ts';

/** The stream of `name` under `seed`: sfc32 (Chris Doty-Humphrey's Small Fast Counting generator, PractRand). */
export function forkRandom(seed: number, name: string): Random {
  let a = hash(name, seed);
  let b = hash(name, a);
  let c = hash(name, b);
  let counter = 1;
  function uint32(): number {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  }
  // The first dozen numbers still show the seed.
  for (let i = 0; i < 12; i++) uint32();
  return { uint32 };
}

/** FNV-1a, started from the seed; `spread` keeps a seed from looking like another first letter. */
function hash(text: string, seed: number): number {
  let h = spread(seed) ^ 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return spread(h);
}

/** The finisher of MurmurHash3: every bit of the result depends on every bit of `h`. */
function spread(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}
