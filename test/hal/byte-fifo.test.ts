/** Bytes come out of the FIFO as they went in, however they are pushed and shifted. */

import { expect, test } from 'vitest';
import { byteFifo } from '../../hal/node/byte-fifo.ts';

test('a FIFO keeps bytes in order through growing, draining and growing again', () => {
  const fifo = byteFifo();
  let pushed = 0;
  let shifted = 0;
  // The sizes are coprime, so that every alignment of pushes and shifts comes up. First more is pushed than shifted,
  // then less.
  for (let round = 0; round < 2000; round += 1) {
    const size = (round * 7) % 61;
    fifo.push(Uint8Array.from({ length: size }, (_, index) => (pushed + index) & 0xff));
    pushed += size;
    const into = new Uint8Array(((round * 11) % 53) + (round < 1000 ? 0 : 20));
    const count = fifo.shift(into);
    expect(count).toBe(Math.min(into.length, pushed - shifted));
    for (let i = 0; i < count; i += 1) expect(into[i]).toBe((shifted + i) & 0xff);
    shifted += count;
    expect(fifo.lengthBytes).toBe(pushed - shifted);
  }
  expect(shifted).toBeGreaterThan(50_000);
});
