/** Packets are lost in bursts: the model of E. N. Gilbert (1960) and E. O. Elliott (1963). */

import { chance } from '../../random.ts';
import { checkProbability } from '../line.ts';
import type { Rule } from '../rule.ts';

export interface Bursts {
  /** Probability that the state turns bad after a packet in the good state. */
  readonly goodToBad: number;
  /**
   * Probability that the state turns good after a packet in the bad state. A bad state lasts 1 / badToGood packets on
   * average.
   */
  readonly badToGood: number;
  /** Probability that a packet is lost in the good state; 0 in Gilbert's model. */
  readonly lossInGood: number;
  /** Probability that a packet is lost in the bad state. */
  readonly lossInBad: number;
}

/** Begins in the good state. */
export function burstLoss(bursts: Bursts): Rule {
  const { goodToBad, badToGood, lossInGood, lossInBad } = bursts;
  [goodToBad, badToGood, lossInGood, lossInBad].forEach(checkProbability);
  return {
    kind: 'packet',
    newJudge: () => {
      let isBad = false;
      return (_packet, random) => {
        // Linux's netem (loss_gilb_ell): the state that was there decides on the packet, and the next state is drawn
        // beside it.
        const wasBad = isBad;
        if (chance(random, isBad ? badToGood : goodToBad)) isBad = !isBad;
        return chance(random, wasBad ? lossInBad : lossInGood) ? 'loss' : 'pass';
      };
    },
  };
}
