/** Sequence numbers wrap (RFC 9293 3.4): a difference is what it is on either side of 2^31 and of 2^32. */

import { expect, it } from 'vitest';
import { advance, distance, later } from '../../../../sim/tcpip/tcp/seq.ts';

it.each([0, 1, -1, 1000, 0x7fff_ffff, -0x8000_0000, 0x7fff_fff0, -16])('from %i on', (from) => {
  for (const bytes of [0, 1, 100, 0x7fff_ffff]) {
    const to = advance(from, bytes);
    // A number of 32 bits with a sign, so that two that are the same are equal.
    expect(to).toBe(to | 0);
    expect(distance(from, to)).toBe(bytes);
    expect(distance(to, from)).toBe(bytes === 0 ? 0 : -bytes);
    expect([later(from, to), later(to, from)]).toEqual([to, to]);
  }
});
