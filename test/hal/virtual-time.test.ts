/** The conformance suite assumes no wall time: it passes in virtual time too, on the loopback of the tests. */

import { describe, expect, test } from 'vitest';
import { checks } from '../../hal/conformance/index.ts';
import { Loopback } from '../support/loopback.ts';

describe('in virtual time', () => {
  const world = new Loopback();
  world.names.set('localhost', ['127.0.0.1']);
  const [tested, peer] = ['10.0.0.1', '10.0.0.2'].map((address) => ({ hal: world.host(address).hal, address }));
  if (tested === undefined || peer === undefined) throw new Error('two hosts');
  for (const check of checks(tested, peer)) {
    test(check.name, () => {
      let result: { failure: string | undefined } | undefined;
      check.run((failure) => {
        result = { failure };
      });
      world.until(() => result !== undefined, 60_000);
      expect(result).toEqual({ failure: undefined });
    });
  }
});
