/** hal/node does what every port must. */

import { afterAll, describe, expect, test } from 'vitest';
import { type Check, type CheckResult, checks, runAll } from '../../hal/conformance/index.ts';
import { expectSound } from '../support/conformance.ts';
import { nodeSubject, temporaryFolder } from './subject.ts';

const { folder, remove } = temporaryFolder();
afterAll(remove);

describe('hal/node', () => {
  for (const check of checks(nodeSubject(folder), nodeSubject(folder))) {
    test(check.name, async () => {
      expectSound(check, await new Promise(check.run), /^frame:/);
    });
  }
});

test('runAll runs the checks in turn, reports each in a line, and counts how they ended', async () => {
  const results: readonly CheckResult[] = [
    { kind: 'fail', why: 'broken' },
    { kind: 'ok' },
    { kind: 'skip', why: 'no IPv6' },
  ];
  const running: string[] = [];
  const all = results.map((result, index): Check => ({
    name: `check ${index}`,
    run(done) {
      expect(running).toEqual([]);
      running.push(this.name);
      setImmediate(() => {
        running.pop();
        done(result);
      });
    },
  }));
  const lines: string[] = [];
  const counts = await new Promise((done) => runAll(all, (line) => lines.push(line), done));
  expect(lines).toEqual(['FAIL check 0: broken', 'ok   check 1', 'skip check 2: no IPv6']);
  expect(counts).toEqual({ ok: 1, skip: 1, fail: 1 });
});
