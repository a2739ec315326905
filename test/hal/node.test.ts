/** hal/node does what every port must. */

import { afterAll, describe, expect, test } from 'vitest';
import { checks, runAll } from '../../hal/conformance/index.ts';
import { nodeSubject, temporaryFolder } from './subject.ts';

const { folder, remove } = temporaryFolder();
afterAll(remove);

describe('hal/node', () => {
  for (const check of checks(nodeSubject(folder), nodeSubject(folder))) {
    test(check.name, async () => {
      expect(await new Promise(check.run)).toBeUndefined();
    });
  }
});

test('runAll runs the checks in turn, reports each, and counts those that failed', async () => {
  const running: string[] = [];
  const all = ['sound', undefined, 'broken', undefined].map((failure, index) => ({
    name: String(index),
    run(done: (failure: string | undefined) => void) {
      expect(running).toEqual([]);
      running.push(this.name);
      setImmediate(() => {
        running.pop();
        done(failure);
      });
    },
  }));
  const reports: unknown[] = [];
  const failedCount = await new Promise((done) => runAll(all, (name, failure) => reports.push([name, failure]), done));
  expect(reports).toEqual([['0', 'sound'], ['1', undefined], ['2', 'broken'], ['3', undefined]]);
  expect(failedCount).toBe(2);
});
