/** The linux profile does what a real kernel was measured to do. */

import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { chiSquare, replayLosses } from './random-loss.ts';
import { exactly, ofProbes, README, rowOf, table, truth, withLateness } from './table.ts';

const outcomes = new Map<string, string>();

describe.each(truth())('$id: $title', (scenario) => {
  const { id, delays } = scenario;
  const { differs, later } = rowOf(scenario);
  if (delays !== undefined) {
    it('has delays that are distributed as the kernel has them', () => {
      const { shares, errors } = replayLosses(scenario, delays);
      expect(errors).toBe(0);
      // For nine degrees of freedom, one value in a hundred is greater if there is no difference.
      expect(delays.histogram_s).toHaveLength(10);
      expect(chiSquare(delays.histogram_s.map(([, , count]) => count), shares)).toBeLessThan(21.7);
      outcomes.set(id, 'equal as distributions');
    });
  } else if (later !== undefined) {
    it('is equal but for how late a timer is', () => {
      expect(exactly(scenario)).not.toEqual([]);
      expect(withLateness(scenario)).toEqual([]);
      outcomes.set(id, `equal within the lateness of timers. ${later}`);
    });
  } else if (differs === undefined) {
    it('is equal', () => {
      expect(exactly(scenario)).toEqual([]);
      expect(withLateness(scenario)).toEqual([]);
      outcomes.set(id, 'equal');
    });
  } else {
    it('differs as explained, and in nothing else', () => {
      expect(withLateness(scenario)).not.toEqual([]);
      expect(ofProbes(scenario)).toEqual([]);
      outcomes.set(id, `differs. ${differs}`);
    });
  }
});

it('is written down in README.md', () => {
  const text = readFileSync(README, 'utf8');
  const [head = '', rest = ''] = text.split('<!-- table -->');
  const [, tail = ''] = rest.split('<!-- end -->');
  const now = `${head}<!-- table -->\n\n${table(outcomes)}\n\n<!-- end -->${tail}`;
  if (process.env['UPDATE_TRUTH'] !== undefined) writeFileSync(README, now);
  expect(now, 'the table is not up to date: run this test with UPDATE_TRUTH=1').toBe(
    process.env['UPDATE_TRUTH'] === undefined ? text : now,
  );
});
