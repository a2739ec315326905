/**
 * Random numbers that follow from a seed. Each user has a stream of its own, forked by name, so that one more device,
 * or one more draw by one of them, changes nothing for the others.
 */

import type { Random } from '../hal/random.ts';

/** The stream of `name` under `seed`. */
export function forkRandom(seed: number, name: string): Random {
  const a = hash(name, seed);
  const b = hash(name, a);
  return new Sfc32(a, b, hash(name, b));
}

/** True with this probability: never at 0, always at 1. */
export function chance(random: Random, probability: number): boolean {
  return random.uint32() < probability * 2 ** 32;
}

/**
 * sfc32 (Chris Doty-Humphrey's Small Fast Counting generator, PractRand). A device has several streams: four small
 * integers for each.
 */
class Sfc32 implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(a: number, b: number, c: number) {
    this.#a = a;
    this.#b = b;
    this.#c = c;
    // The first dozen numbers still show the seed.
    for (let i = 0; i < 12; i++) this.uint32();
  }

  uint32(): number {
    const b = this.#b;
    const c = this.#c;
    const sum = (this.#a + b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = b ^ (b >>> 9);
    this.#b = (c + (c << 3)) | 0;
    this.#c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
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
