/** `cablepull swarm` and `cablepull merge` as their users meet them. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { SwarmProgress } from '../../../sim/command/swarm-progress.ts';
import type { Terminal } from '../../../sim/command/terminal.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { cablepull, CLI, ended, killAll } from './cablepull.ts';

const folder = mkdtempSync(join(tmpdir(), 'cablepull-swarm-'));
const file = (name: string): string => join(folder, name);

afterAll(() => rmSync(folder, { recursive: true }));
afterEach(killAll);

const SWARM = ['swarm', '--runs', '24', '--for', '6m', '--seed', '5'];

it('prints its settings and its results, the same with any number of threads', async () => {
  const [alone, several, json, other] = await Promise.all([
    ended(...SWARM, '--jobs', '1'),
    ended(...SWARM, '--jobs', '3'),
    ended(...SWARM, '--json'),
    ended(...SWARM.slice(0, -1), '6'),
  ]);
  // On a slow machine the command reports its progress meanwhile.
  expect(alone.stderr).toMatch(/^24 runs of 6m, seed 5, 1 at a time\n(\d+ of 24 runs, .*\n)*24 runs took \d+\.\d s\n$/);
  expect(alone.stdout).toMatch(/^24 runs of 6m, seed 5: \d+ devices, \d+\.\d hours of devices in all\n\d+ faults: /);
  expect(alone.stdout).toMatch(/^server noticed +\d+ +\d+\.\d s /m);
  expect(alone.stdout).toMatch(/\nevery invariant held in every run\n$/);
  expect(several.stdout).toBe(alone.stdout);
  expect(other.stdout).not.toBe(alone.stdout);
  expect(JSON.parse(json.stdout)).toMatchObject({
    kind: 'swarm',
    seed: 5,
    runs: 24,
    done: 24,
    forMs: 360_000,
    failures: [],
  });
  expect([alone, several, json].map(({ status }) => status)).toEqual([0, 0, 0]);
});

describe('parts, done by several processes at once,', () => {
  const shards = [1, 2, 3, 4, 5].map((number) => ({ number, out: file(`part-${number}.json`) }));

  it('add up to the bytes that one process prints', async () => {
    const [whole, wholeJson] = await Promise.all([ended(...SWARM), ended(...SWARM, '--json')]);
    const parts = await Promise.all(
      shards.map(({ number, out }) => ended(...SWARM, '--jobs', '1', '--shard', `${number}/5`, '--out', out)),
    );
    expect(parts.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0]);
    const files = shards.map(({ out }) => out).toReversed();
    const [merged, mergedJson] = await Promise.all([ended('merge', ...files), ended('merge', '--json', ...files)]);
    expect(merged).toEqual({ status: 0, stdout: whole.stdout, stderr: '' });
    expect(mergedJson.stdout).toBe(wholeJson.stdout);
  });

  it('one of which is missing, give the results of the others, exit status 1', async () => {
    const { status, stdout, stderr } = await ended('merge', ...shards.slice(0, 3).map(({ out }) => out));
    expect(stdout).toMatch(/^15 of 24 runs of 6m, seed 5: /);
    expect(stderr).toBe('cablepull: 2 parts are missing: 4/5, 5/5\n');
    expect(status).toBe(1);
  });

  it('one of which is torn, or given twice, are refused, exit status 2', async () => {
    const [first = ''] = shards.map(({ out }) => out);
    const torn = file('torn.json');
    writeFileSync(torn, readFileSync(first, 'utf8').slice(0, 50));
    expect(await ended('merge', first, torn)).toMatchObject({
      status: 2,
      stdout: '',
      stderr: `cablepull: ${torn}: it is no JSON, or not all of it is there: it must be what cablepull swarm --out or cablepull run --out has written\n`,
    });
    expect(await ended('merge', first, first)).toMatchObject({
      status: 2,
      stderr: `cablepull: ${first} and ${first} are the same part, 1/5: give each once\n`,
    });
  });
});

const hasParallel =
  spawnSync('parallel', ['--version'], { encoding: 'utf8' }).stdout?.startsWith('GNU parallel') === true;

it('runs in parts as the README says: by the shell, and by GNU parallel if it is installed', async () => {
  const line = `'${process.execPath}' '${CLI}' ${SWARM.join(' ')} --jobs 1`;
  const scripts = [`for i in 1 2 3; do ${line} --shard $i/3 --out sh-$i.json & done; wait`];
  if (hasParallel) scripts.push(`parallel -j 2 "${line} --shard {}/3 --out gnu-{}.json" ::: 1 2 3`);
  for (const script of scripts) spawnSync('sh', ['-c', script], { cwd: folder });
  const whole = (await ended(...SWARM)).stdout;
  for (const name of hasParallel ? ['sh', 'gnu'] : ['sh']) {
    expect((await ended('merge', ...[1, 2, 3].map((i) => file(`${name}-${i}.json`)))).stdout).toBe(whole);
  }
}, 60_000);

describe('one run', () => {
  it('alone prints its scenario, and the invariants that held', async () => {
    const { status, stdout } = await ended('swarm', '--run', '17', '--for', '6m');
    expect(stdout).toMatch(/^run 17 of 6m, calm from [\d.]+m?s? on\nbeats every /);
    expect(stdout).toMatch(/^server: linux, /m);
    expect(stdout).toMatch(/\n\nevery invariant held\n$/);
    expect(status).toBe(0);
  });

  it('can have some of its devices only, with a plan of its own', async () => {
    const { stdout, status } = await ended(
      'swarm',
      '--run',
      '17',
      '--for',
      '6m',
      '--devices',
      'dev-1',
      '--fault',
      'reset on dev-1 at 30s',
      '--fault',
      'hang on server at 1m for 5s',
    );
    expect(stdout.match(/^dev-\d+: /mg)).toEqual(['dev-1: ']);
    expect(stdout).toMatch(/\nreset on dev-1 at 30s\nhang on server at 1m for 5s\n\nevery invariant held\n$/);
    expect(status).toBe(0);
  });

  it('can have some of its devices only, with the faults that were drawn for them', async () => {
    const whole = await ended('swarm', '--run', '17', '--for', '6m');
    const some = await ended('swarm', '--run', '17', '--for', '6m', '--devices', 'dev-2');
    const faults = (stdout: string): string[] => stdout.split('\n').filter((line) => / on (dev|server)/.test(line));
    expect(some.stdout.match(/^dev-\d+: /mg)).toEqual(['dev-2: ']);
    expect(faults(whole.stdout)).toEqual(expect.arrayContaining(faults(some.stdout)));
    expect(some.stdout).toMatch(/\n\nevery invariant held\n$/);
  });

  it('gives JSON for machines', async () => {
    const { stdout } = await ended('swarm', '--run', '17', '--for', '6m', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'swarm-run',
      scenario: { index: 17, forMs: 360_000 },
      result: { index: 17, violations: [] },
    });
  });
});

it('a plan of its own applies to every run', async () => {
  const { stdout } = await ended(
    ...SWARM,
    '--fault',
    'reset on dev-1 at 30s',
    '--fault',
    'power-loss on server at 1m for 5s',
  );
  expect(stdout).toMatch(/^48 faults: 24 power-loss, 24 reset$/m);
});

it('ends at Ctrl-C with the runs so far, exit status 130, and writes no incomplete part', async () => {
  const out = file('interrupted.json');
  const program = cablepull('swarm', '--runs', '1000000', '--jobs', '2', '--out', out);
  await new Promise<void>((resolve) => {
    let log = '';
    program.child.stderr.on('data', (chunk: Uint8Array) => {
      log += String(chunk);
      if (/^\d+ of 1000000 runs, [\d.]+ a second, 0 failed, [\d.]+ s left$/m.test(log)) resolve();
    });
  });
  const { status, stdout, stderr } = await program.kill('SIGINT');
  expect(stdout).toMatch(/^\d+ of 1000000 runs of 10m, seed 1: /);
  expect(stderr).toContain(`--out: ${out} was not written, because the part is not complete\n`);
  expect(existsSync(out)).toBe(false);
  expect(status).toBe(130);
});

describe('wrong usage is answered in one sentence, and with exit status 2', () => {
  it.each<[string, readonly string[], string]>([
    ['no runs', ['swarm', '--runs', '0'], "--runs must be a whole number from 1 to 1000000000, not '0'"],
    ['too short', ['swarm', '--for', '1m'], "--for must be at least 6m, not '1m'"],
    [
      'no duration',
      ['swarm', '--for', 'long'],
      "--for must be a duration such as 500ms, 30s, 1.5m, 2h or 1d, not 'long'",
    ],
    ['a seed that is none', ['swarm', '--seed', '-1'], "--seed must be a whole number from 0 to 4294967295, not '-1'"],
    ['no jobs', ['swarm', '--jobs', '0'], "--jobs must be a whole number from 1 to 1024, not '0'"],
    [
      'a shard in words',
      ['swarm', '--shard', '3 of 16'],
      "--shard must be a part and the number of parts, as in 3/16, not '3 of 16'",
    ],
    [
      'a shard from 0',
      ['swarm', '--shard', '0/16'],
      "the part of --shard must be a whole number from 1 to 16, not '0'",
    ],
    [
      'a shard too many',
      ['swarm', '--shard', '17/16'],
      "the part of --shard must be a whole number from 1 to 16, not '17'",
    ],
    [
      'a shard of none',
      ['swarm', '--shard', '1/0'],
      "the number of parts of --shard must be a whole number from 1 to 1000000, not '0'",
    ],
    ['a part into standard output', ['swarm', '--out', '-'], "--out must be the name of a file, not '-'"],
    ['a run that is none', ['swarm', '--run', 'x'], "--run must be a whole number from 0 to 999999999, not 'x'"],
    [
      'one run of many',
      ['swarm', '--run', '1', '--runs', '10'],
      '--runs is for many runs: it cannot be used with --run',
    ],
    ['one run as a part', ['swarm', '--run', '1', '--out', 'x'], '--out is for many runs: it cannot be used with --run'],
    [
      'some devices of all runs',
      ['swarm', '--devices', 'dev-1'],
      '--devices chooses devices of one run: it needs --run',
    ],
    ['a fault that is none', ['swarm', '--fault', 'sleep on dev-1 at 1m'], '--fault: expected a fault ('],
    [
      'a fault after the end',
      ['swarm', '--fault', 'reset on dev-1 at 11m'],
      'reset on dev-1 at 11m: each run ends before that time (--for 10m)',
    ],
    [
      'a fault on whom not all have',
      ['swarm', '--fault', 'reset on dev-5 at 1m'],
      "reset on dev-5 at 1m: no device is called 'dev-5'; there is dev-1, and server in every fleet",
    ],
    ['a word too many', ['swarm', 'now'], "unexpected argument 'now' (see cablepull swarm --help)"],
    ['an option that is none', ['swarm', '--report', 'x'], "unknown option '--report' (see cablepull swarm --help)"],
    [
      'nothing to merge',
      ['merge'],
      'merge needs the files that cablepull swarm --out or cablepull run --out has written (see cablepull merge --help)',
    ],
    [
      'an option that is none, of merge',
      ['merge', '--seed', '1', 'x'],
      "unknown option '--seed' (see cablepull merge --help)",
    ],
    [
      'a part that is not there',
      ['merge', '/nowhere/part.json'],
      'merge: cannot read /nowhere/part.json: ENOENT: no such file or directory',
    ],
  ])('%s', async (_, args, sentence) => {
    const { status, stdout, stderr } = await ended(...args);
    expect(stderr).toContain(`cablepull: ${sentence}`);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  it('a device that the run does not have', async () => {
    expect((await ended('swarm', '--run', '1', '--devices', 'dev-99')).stderr).toMatch(
      /^cablepull: --devices must be names such as dev-1.* of the \d that run 1 has, not 'dev-99'$/m,
    );
  });

  it('a part that cannot be written, before the first run', async () => {
    const { status, stdout, stderr } = await ended(
      'swarm',
      '--runs',
      '1',
      '--for',
      '6m',
      '--out',
      '/nowhere/part.json',
    );
    expect(stderr).toBe('cablepull: --out: cannot write /nowhere/part.json: ENOENT: no such file or directory\n');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });
});

describe('progress', () => {
  function show(isInteractive: boolean): { add: (failed?: boolean) => void; clock: ManualClock; seen: string[] } {
    const seen: string[] = [];
    const terminal: Terminal = {
      print: () => {},
      flush: () => {},
      printJson: () => {},
      whenRead: (then) => then(),
      log: (line) => seen.push(String(line)),
      isInteractive,
      rows: 24,
      columns: 80,
      draw: (lines) => void (lines.length > 0 && seen.push(...lines)),
      onInterrupt: () => () => {},
      onReaderGone: () => {},
    };
    const clock = new ManualClock();
    const progress = new SwarmProgress(terminal, clock, 100);
    return { add: (failed = false) => progress.add(failed), clock, seen };
  }

  it('on a terminal is a bar', () => {
    const { add, clock, seen } = show(true);
    add();
    expect(seen).toEqual([]);
    clock.advance(500);
    add(true);
    expect(seen).toEqual(['[..............................] 2 of 100 runs, 4.0 a second, 1 failed, 24.5 s ']);
  });

  it('elsewhere is a line every 5 s', () => {
    const { add, clock, seen } = show(false);
    clock.advance(4999);
    add();
    clock.advance(1);
    add();
    add();
    expect(seen).toEqual(['2 of 100 runs, 0.4 a second, 0 failed, 245.0 s left']);
  });
});
