/** Cables as people describe them. */

import { expect, it } from 'vitest';
import { LineMaker } from '../../../sim/link/options.ts';

it('cables that are described alike share their lines, in any words and objects', () => {
  const maker = new LineMaker();
  const lines = maker.linesOf({ delay: '20ms', loss: '1%', bandwidth: '10Mbit/s' });
  const line = { bandwidth: 10_000_000, loss: 0.01, delay: 20 };
  expect(maker.linesOf({ tx: line, rx: { ...line, delay: '20ms' } })).toBe(lines);
  expect(maker.linesOf({ delay: '20ms', loss: '1%' })).not.toBe(lines);
  expect(maker.linesOf({ tx: { delay: '1ms' } })).not.toBe(maker.linesOf({ rx: { delay: '1ms' } }));
  expect(lines.tx).toEqual({ delayUs: 20_000, jitterUs: 0, bandwidthBps: 10_000_000, queueBytes: 151_800, loss: 0.01 });
});
