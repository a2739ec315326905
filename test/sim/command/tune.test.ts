/** `cablepull tune`: its output, and the command lines that it prints, which repeat its figures. */

import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { cablepull, ended, killAll } from './cablepull.ts';

afterEach(killAll);

/** Splits a line that tune printed into words, as a shell does. */
function wordsOf(line: string): string[] {
  return Array.from(line.trim().matchAll(/'([^']*)'|(\S+)/g), ([, quoted, plain]) => quoted ?? plain ?? '').slice(1);
}

describe('cablepull tune', () => {
  it('finds a front, the same each time, whose lines repeat its figures', { timeout: 120_000 }, async () => {
    const args = ['tune', '--detect', '10s', '--hours', '20'];
    const first = await ended(...args);
    expect(first.status).toBe(0);
    expect(first.stdout).toMatch(/^\d+ policies tried: the server notices within 10s at p99/);
    expect((await ended(...args)).stdout).toBe(first.stdout);

    const [, p99 = ''] = /^a +\S.*?  +(\d+\.\d s)/m.exec(first.stdout) ?? [];
    const [, line = ''] = /^  a  (cablepull run .*)$/m.exec(first.stdout) ?? [];
    const run = await ended(...wordsOf(line));
    const [, times = ''] = /^server noticed +200 +(.*)$/m.exec(run.stdout) ?? [];
    expect(times.split(/  +/)[1]).toBe(p99);
  });

  it('names the policy that came nearest if none is within the budget', { timeout: 120_000 }, async () => {
    const { status, stdout } = await ended('tune', '--detect', '10s', '--bytes', '1kB', '--hours', '1');
    expect(stdout).toMatch(/No policy is within this budget\. The nearest policies:\n  \S.*: server p99 \d\.\d s, [\d.]+ [kM]B a device a day/);
    expect(status).toBe(1);
  });

  it('ends at Ctrl-C with the policies tried so far, and exit status 130', { timeout: 60_000 }, async () => {
    const program = cablepull('tune', '--detect', '20s', '--bytes', '1GB', '--false-alarms', '100000');
    // Standard error shows the progress from time to time.
    await once(program.child.stderr, 'data');
    const { status, stdout } = await program.kill('SIGINT');
    const [, tried, all] = /^stopped early, (\d+) of (\d+) policies tried: the server notices within 20s/.exec(stdout) ?? [];
    expect(Number(tried)).toBeGreaterThan(0);
    expect(Number(tried)).toBeLessThan(Number(all));
    expect(stdout).toMatch(/^a {2,}\S.*none in 10 h|^a {2,}\S.*\d+ in 10 h|No policy is within this budget/m);
    expect(status).toBe(130);
  });

  it.each([
    [['--detect', '1s'], /--detect must be at least 2s/],
    [['--bytes', '200'], /--bytes must be a number of bytes such as 200kB or 1\.5MB, not '200'/],
    [['--false-alarms', 'few'], /--false-alarms must be a number/],
    [['--hours', '0'], /--hours must be a whole number from 1/],
  ])('refuses %j', async (args, sentence) => {
    const { status, stderr } = await ended('tune', ...args);
    expect(stderr).toMatch(sentence);
    expect(status).toBe(2);
  });
});
