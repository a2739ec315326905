/** Files for CI servers: JUnit's XML and Markdown; and two runs side by side. */

import { describe, expect, it } from 'vitest';
import { compare, comparisonRows, isWorse } from '../../../sim/verdict/comparison.ts';
import { junitXml } from '../../../sim/verdict/junit.ts';
import { escapeMarkdown, markdown } from '../../../sim/verdict/markdown.ts';
import { PeakCounter } from '../../../sim/verdict/peak.ts';
import type { Summary } from '../../../sim/verdict/summary.ts';
import type { Findings } from '../../../sim/verdict/verdict.ts';

const NASTY = '<b>"&\u001b[8m';

describe('JUnit', () => {
  const title = 'cablepull run';

  it('has a test case for the run, and one for each expectation, with all that is not as expected', () => {
    const xml = junitXml({
      title,
      lengthMs: 60_000,
      expectations: [
        { text: 'no false alarms', failures: [] },
        { text: 'server notices within 15s', failures: [{ sentence: 'one' }, { sentence: 'two' }] },
      ],
      problem: undefined,
    });
    expect(xml.split('\n')).toEqual([
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<testsuites name="cablepull" tests="3" failures="1" errors="0" skipped="0" time="60.000">',
      '<testsuite name="cablepull run" tests="3" failures="1" errors="0" skipped="0" time="60.000">',
      '<testcase classname="cablepull" name="devices were served"/>',
      '<testcase classname="cablepull" name="no false alarms"/>',
      '<testcase classname="cablepull" name="server notices within 15s"><failure message="one">one',
      'two</failure></testcase>',
      '</testsuite>',
      '</testsuites>',
      '',
    ]);
  });

  it('has the reason why a run came to nothing as an error, and nothing of a user as markup', () => {
    const xml = junitXml({ title: NASTY, lengthMs: 0, expectations: [], problem: NASTY });
    const escaped = '&lt;b&gt;&quot;&amp;\ufffd[8m';
    expect(xml).toContain(`<testsuite name="${escaped}" tests="1" failures="0" errors="1"`);
    expect(xml).toContain(`<error message="${escaped}">${escaped}</error>`);
    expect(xml).not.toContain('\u001b');
  });
});

const QUIET: Findings = {
  endMs: 60_000,
  verdicts: [],
  spared: ['nat-timeout 5m on dev-1 from 0s'],
  devices: 3,
  falseAlarms: [],
  overlappingSessions: 0,
  unexplainedLosses: new Map(),
  ghostMs: 0,
  peakReconnects: { count: 12, atMs: 61_000 },
  traffic: undefined,
};

it('Markdown has expectations, verdicts as a table, the sums, and the line that repeats the run', () => {
  const expectations = [{ text: 'no false alarms', failures: [{ sentence: `1 | ${NASTY}` }] }];
  expect(markdown({ findings: QUIET, expectations, repeat: 'cablepull run', problem: undefined })).toBe(
    [
      '### Cablepull: 3 devices, 60.0 s',
      '',
      '- ❌ no false alarms',
      '  - 1 \\| \\<b\\>"\\&\u001b\\[8m',
      '',
      '| fault | device noticed | server noticed | ghost | service back |',
      '|---|---|---|---|---|',
      '| nat-timeout 5m on dev-1 from 0s | kept alive | kept alive | - | - |',
      '',
      '|  | times | median | p99 | worst | not by the end |',
      '|---|---|---|---|---|---|',
      '| server noticed | 0 | - | - | - | 0 |',
      '| device noticed | 0 | - | - | - | 0 |',
      '| service back | 0 | - | - | - | 0 |',
      '',
      '0 false alarms, 0 overlapping sessions<br>',
      'at most 12 reconnects in one second, from 61.0 s on',
      '',
      'To repeat:',
      '',
      '    cablepull run',
      '',
    ].join('\n'),
  );
  expect(escapeMarkdown('a\nb|c')).toBe('a b\\|c');
});

it('counts the most reconnects in any second, not in whole seconds of the clock', () => {
  const counter = new PeakCounter();
  expect(counter.peak).toBeUndefined();
  for (const ms of [0, 600, 1100, 1200, 1599, 1600, 5000]) counter.add(ms);
  // 600 to 1599; at 1600 a second has passed since 600.
  expect(counter.peak).toEqual({ count: 4, atMs: 600 });
});

describe('two runs side by side', () => {
  const detection = (ms: number | undefined) => ({ timesMs: [], medianMs: ms, p99Ms: ms, worstMs: ms, never: 0 });
  const summary = (serverMs: number | undefined, falseAlarms: number): Summary => ({
    faults: 1,
    survived: 0,
    server: detection(serverMs),
    device: detection(undefined),
    back: detection(1000),
    ghostMs: 0,
    falseAlarms,
    overlappingSessions: 0,
    peakReconnects: undefined,
    trafficADay: undefined,
  });

  it('marks what has grown by more than the tolerance, on both sides of it', () => {
    const figures = compare(summary(10_000, 0), summary(11_000, 1));
    const worse = (tolerance: number) => figures.filter((one) => isWorse(one, tolerance)).map(({ what }) => what);
    expect(worse(0.0999)).toEqual([
      'server noticed, median', 'server noticed, p99', 'server noticed, worst', 'false alarms',
    ]);
    expect(worse(0.1)).toEqual(['false alarms']);
    const rows = comparisonRows(figures, 0.1);
    expect(rows).toContainEqual(['server noticed, p99', '10.0 s', '11.0 s', '+10.0%']);
    expect(rows).toContainEqual(['device noticed, p99', '-', '-', '']);
    expect(rows).toContainEqual(['service back, worst', '1.0 s', '1.0 s', '=']);
    expect(rows).toContainEqual(['false alarms', '0', '1', 'new  WORSE']);
  });

  it('says of a figure that only one run has that it is new or gone', () => {
    expect(comparisonRows(compare(summary(undefined, 0), summary(1, 0)), 0)).toContainEqual([
      'server noticed, p99', '-', '0.0 s', 'new',
    ]);
    expect(comparisonRows(compare(summary(1, 0), summary(undefined, 0)), 0)).toContainEqual([
      'server noticed, p99', '0.0 s', '-', 'gone',
    ]);
  });
});
