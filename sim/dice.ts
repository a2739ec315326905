/** Draws from one stream of random numbers: whole numbers, chances, choices. */

import type { Random } from '../hal/random.ts';
import { chance, forkRandom } from './random.ts';

export class Dice {
  readonly #random: Random;

  /** Makes the dice of `name` under `seed`. */
  constructor(seed: number, name: string) {
    this.#random = forkRandom(seed, name);
  }

  /** A whole number from `min` to `max`, each as likely. */
  whole(min: number, max: number): number {
    return min + Math.floor((this.#random.uint32() / 2 ** 32) * (max - min + 1));
  }

  chance(probability: number): boolean {
    return chance(this.#random, probability);
  }

  /** Throws for an empty list. */
  pick<T extends {}>(list: readonly T[]): T {
    const picked = list[this.whole(0, list.length - 1)];
    if (picked === undefined) throw new Error('nothing can be picked from an empty list');
    return picked;
  }

  /**
   * Draws a whole number from `min` to `max`, above 0: small numbers are as likely as large ones, so that half of 1 to
   * 100 is below 10.
   */
  magnitude(min: number, max: number): number {
    const share = this.#random.uint32() / 2 ** 32;
    return Math.round(Math.exp(Math.log(min) + share * (Math.log(max) - Math.log(min))));
  }
}
